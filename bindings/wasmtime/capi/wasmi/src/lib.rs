//! What wasm.h and wasmi.h declare.

pub use wasmi_c_api::*;
