//! `maar-compile MODULE.wasm FILE.cwasm`: compiles a module ahead of time for `maar-dp` on a processor like this one.

use std::error::Error;
use std::{env, fs, process};

use maar_module::Runtime;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [wasm, cwasm] = &arguments[..] else {
        eprintln!("usage: maar-compile MODULE.wasm FILE.cwasm");
        process::exit(2);
    };
    if let Err(error) = compile(wasm, cwasm) {
        eprintln!("maar-compile: {wasm}: {error}");
        process::exit(1);
    }
}

fn compile(wasm: &str, cwasm: &str) -> Result<(), Box<dyn Error>> {
    Ok(fs::write(cwasm, Runtime::limited()?.precompile(&fs::read(wasm)?)?)?)
}
