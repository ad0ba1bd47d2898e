//! The data plane on a router: packets between the kernel and the module, driven by control through its channel
//! (bindings/cpdp/README.md).

mod access;
mod agent;
mod answers;
mod audience;
mod channel;
mod connection;
mod control;
#[path = "../../../generated/cpdp.rs"]
#[allow(dead_code)]
mod cpdp;
mod headless;
mod journal;
mod kernel;
mod log;
mod netlink;
mod options;
mod path;
mod plane;
mod router;
mod session;
mod sys;
#[cfg(feature = "tls")]
mod tls;
mod traffic;

use std::process;

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    if words.first().is_some_and(|word| word == "station") {
        return station(&words[1..]);
    }
    let options = options::parse(words.into_iter()).unwrap_or_else(|fault| {
        eprintln!("maar-dp: {fault}\n{}", options::USAGE);
        process::exit(2);
    });
    if let Err(fault) = agent::run(options) {
        log::line(log::ERROR, &fault.to_string());
        process::exit(1);
    }
}

fn station(words: &[String]) {
    match access::station::tell(words) {
        Ok(answer) => println!("{answer}"),
        Err(fault) => {
            eprintln!("maar-dp: {fault}");
            process::exit(1);
        }
    }
}
