//! What wasm.h and wasmtime.h declare.

pub use wasmtime_c_api::*;
