//! The data plane module on wasmtime, through the calls of its ABI (bindings/abi/v1/README.md).

#[path = "../../../generated/abi.rs"]
pub mod abi;
mod data_plane;
mod runtime;

pub use data_plane::{Capacities, DataPlane, Options};
pub use runtime::{Error, Runtime};
pub use wasmtime::Module;
