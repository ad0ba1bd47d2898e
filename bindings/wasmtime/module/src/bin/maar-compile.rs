//! `maar-compile MODULE.wasm FILE.cwasm [TARGET]`: compiles a module ahead of time for `maar-dp`, on a processor like this
//! one or of the target named.

use std::error::Error;
use std::{env, fs, process};

use maar_module::Runtime;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let (wasm, cwasm, target) = match &arguments[..] {
        [wasm, cwasm] => (wasm, cwasm, None),
        [wasm, cwasm, target] => (wasm, cwasm, Some(target.as_str())),
        _ => {
            eprintln!("usage: maar-compile MODULE.wasm FILE.cwasm [TARGET]");
            process::exit(2);
        }
    };
    if let Err(error) = compile(wasm, cwasm, target) {
        eprintln!("maar-compile: {wasm}: {error}");
        process::exit(1);
    }
}

fn compile(wasm: &str, cwasm: &str, target: Option<&str>) -> Result<(), Box<dyn Error>> {
    let runtime = target.map_or_else(Runtime::limited, Runtime::limited_for)?;
    Ok(fs::write(cwasm, runtime.precompile(&fs::read(wasm)?)?)?)
}
