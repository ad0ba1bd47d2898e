//! Settings of the kernel below /proc/sys.

use std::{fs, io};

use super::named;
use super::undo::{Undo, Value};

const ROOT: &str = "/proc/sys";
const CONF: &str = "/proc/sys/net/ipv6/conf";

fn read(path: &str) -> io::Result<String> {
    named(fs::read_to_string(path), || path.into()).map(|text| text.trim().into())
}

fn write(path: &str, value: &str) -> io::Result<()> {
    named(fs::write(path, value), || path.into())
}

/// Puts a value back; a path that is gone went with its interface.
pub fn restore(path: &str, value: &str) -> io::Result<()> {
    match write(path, value) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        result => result,
    }
}

/// Sets a value such as `net/ipv6/conf/eth0/accept_dad`, and writes down what it was.
pub fn set(undo: &mut Undo, name: &str, value: &str) -> io::Result<()> {
    let path = format!("{ROOT}/{name}");
    let before = read(&path)?;
    if before == value {
        return Ok(());
    }
    undo.add(vec![Value::Sysctl(path.clone(), before)])?;
    write(&path, value)
}

/// Sets a value of a device of our own, which vanishes with it.
pub fn set_own(name: &str, value: &str) -> io::Result<()> {
    write(&format!("{ROOT}/{name}"), value)
}

/// Turns IPv6 forwarding on. Writing `all` also writes `default` and every interface, so each of them is written down;
/// `all` last, since it is then put back first.
pub fn enable_forwarding(undo: &mut Undo) -> io::Result<()> {
    let path = |name: &str| format!("{CONF}/{name}/forwarding");
    let all = path("all");
    if read(&all)? == "1" {
        return Ok(());
    }
    let mut values = Vec::new();
    for entry in fs::read_dir(CONF)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        if name != "all" {
            values.push(Value::Sysctl(path(&name), read(&path(&name))?));
        }
    }
    values.push(Value::Sysctl(all.clone(), read(&all)?));
    undo.add(values)?;
    write(&all, "1")
}
