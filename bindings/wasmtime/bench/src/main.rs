//! The engine wasmtime of `maar bench`: `maar-bench native|pulley MODULE.wasm CWASM` compiles the module ahead of
//! time into the file CWASM, loads that, and then answers the commands of test/bench/native/rounds.h, one line each.

mod rounds;
mod tables;

use std::io::{self, BufRead, Write};
use std::path::Path;
use std::{env, error, fs, process};

use maar_module::Runtime;
use tables::Tables;

type Result<T> = std::result::Result<T, Box<dyn error::Error>>;

fn main() {
    if let Err(error) = run() {
        eprintln!("maar-bench: {error}");
        process::exit(1);
    }
}

fn run() -> Result<()> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [kind, wasm, cwasm] = &arguments[..] else {
        return Err("usage: maar-bench native|pulley MODULE.wasm CWASM".into());
    };
    let runtime = match kind.as_str() {
        "native" => Runtime::native()?,
        "pulley" => Runtime::pulley()?,
        _ => return Err(format!("no engine {kind}").into()),
    };
    fs::write(cwasm, runtime.precompile(&fs::read(wasm)?)?)?;
    // SAFETY: this program has just written the file.
    let module = unsafe { runtime.load(Path::new(cwasm)) }?;
    println!("ready");
    let mut tables = None;
    for line in io::stdin().lock().lines() {
        match answer(&runtime, &module, &mut tables, &line?) {
            Ok(answer) => println!("{answer}"),
            Err(error) => println!("fail: {error}"),
        }
        io::stdout().flush()?;
    }
    Ok(())
}

fn answer(
    runtime: &Runtime,
    module: &maar_module::Module,
    tables: &mut Option<Tables>,
    line: &str,
) -> Result<String> {
    let words: Vec<&str> = line.split(' ').collect();
    if let ["keys", path, count] = words[..] {
        // The old tables go first: two of a million entries need not fit side by side.
        *tables = None;
        let keys = fs::read(path)?;
        if keys.len() != count.parse::<usize>()? * tables::KEY_RECORD {
            return Err(format!("{path} does not hold {count} keys").into());
        }
        *tables = Some(Tables::new(runtime.clone(), module.clone(), keys)?);
        return Ok(count.into());
    }
    let tables = tables.as_mut().ok_or("no keys yet")?;
    match words[..] {
        ["churn"] => {
            tables.churn()?;
            Ok("churned".into())
        }
        ["round", path, count, _] => rounds::lookups(tables, &fs::read(path)?, count.parse()?),
        ["path", bench, template, path, count, _] => {
            rounds::packets(tables, bench, &fs::read(template)?, &fs::read(path)?, count.parse()?)
        }
        _ => Err(format!("unknown command {line}").into()),
    }
}
