//! The module from `npm run build`, compiled ahead of time and called by its ABI.
#![cfg(feature = "compiler")]

use std::fs;
use std::path::PathBuf;

use maar_module::{Capacities, DataPlane, Error, Module, Options, Runtime, abi};

const LOCATOR: [u8; 16] = *b"\x20\x01\x0d\xb8\0\xff\0\0\0\0\0\0\0\0\0\x01";
const PREFIX: [u8; 16] = *b"\x20\x01\x0d\xb8\0\x01\0\0\0\0\0\0\0\0\0\0";
const PEER: [u8; 16] = *b"\x20\x01\x0d\xb8\0\xff\0\0\0\0\0\0\0\0\0\x02";

fn options(batch: u32) -> Options {
    let capacities =
        Capacities { batch, destinations: 8, sources: 8, peers: 8, flows: 8, held: 8, flow_entries: 0 };
    Options { capacities, seed: 7, locator: LOCATOR, core_mtu: 1500, flags: 0, memory_max: 1 << 24, ticks: 1 }
}

/// Compiles `wasm` to a file and loads that.
fn load(runtime: &Runtime, name: &str, wasm: &[u8]) -> Module {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.cwasm"));
    fs::write(&path, runtime.precompile(wasm).unwrap()).unwrap();
    // SAFETY: the file has just been written.
    unsafe { runtime.load(&path) }.unwrap()
}

fn wasm() -> Vec<u8> {
    fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../build/maar.wasm"))
        .expect("npm run build comes first")
}

/// A tunnel entry is put and looked up, and a packet to it leaves with an outer header to the entry's locator.
fn tunnels(runtime: &Runtime, name: &str) {
    let module = load(runtime, name, &wasm());
    let mut plane = DataPlane::new(runtime, &module, &options(4)).unwrap();
    let command = plane.base(abi::AREA_COMMANDS);
    let record = &mut plane.memory_mut()[command..][..abi::COMMAND_SIZE];
    record.fill(0);
    record[abi::COMMAND_OP_AT] = abi::COMMAND_PUT_TUNNEL as u8;
    record[abi::COMMAND_LENGTH_AT] = 48;
    record[abi::COMMAND_PREFIX_AT..][..16].copy_from_slice(&PREFIX);
    record[abi::COMMAND_ADDRESS_AT..][..16].copy_from_slice(&PEER);
    plane.apply(1).unwrap();
    assert_eq!(u32::from(plane.memory()[command + abi::COMMAND_STATUS_AT]), abi::STATUS_OK);

    let mut packet = [0; 48];
    packet[0] = 0x60;
    packet[5] = 8;
    packet[6] = 17;
    packet[7] = 64;
    packet[8..24].copy_from_slice(&PEER);
    packet[24..40].copy_from_slice(&PREFIX);
    packet[39] = 9;
    let frame = plane.base(abi::AREA_FRAMES) + abi::LIMIT_HEADROOM as usize;
    let descriptor = plane.base(abi::AREA_DESCRIPTORS);
    let memory = plane.memory_mut();
    memory[frame..][..48].copy_from_slice(&packet);
    memory[descriptor + abi::DESCRIPTOR_OFFSET_AT] = abi::LIMIT_HEADROOM as u8;
    memory[descriptor + abi::DESCRIPTOR_LENGTH_AT] = 48;
    memory[descriptor + abi::DESCRIPTOR_PORT_AT] = abi::PORT_CORE as u8;
    assert_eq!(plane.process(1, 1000).unwrap(), 1);
    let memory = plane.memory();
    assert_eq!(u32::from(memory[descriptor + abi::DESCRIPTOR_VERDICT_AT]), abi::VERDICT_CORE);
    let outer = &memory[frame - 40..][..40];
    assert_eq!((outer[6], &outer[8..24], &outer[24..40]), (41, &LOCATOR[..], &PEER[..]));
}

#[test]
fn native_code_tunnels() {
    tunnels(&Runtime::native().unwrap(), "native");
}

#[test]
#[cfg(feature = "pulley")]
fn the_interpreter_tunnels() {
    tunnels(&Runtime::pulley().unwrap(), "pulley");
}

#[test]
fn a_batch_over_the_capacity_is_refused() {
    let runtime = Runtime::native().unwrap();
    let module = load(&runtime, "batch", &wasm());
    let mut plane = DataPlane::new(&runtime, &module, &options(4)).unwrap();
    assert!(matches!(plane.process(5, 0), Err(Error::Refused("process", abi::NONE))));
    assert!(matches!(plane.lookup(5, 0), Err(Error::Refused("lookup", abi::STATUS_INVALID))));
}

#[test]
fn options_outside_the_limits_are_refused() {
    let runtime = Runtime::native().unwrap();
    let module = load(&runtime, "options", &wasm());
    let refused = DataPlane::new(&runtime, &module, &options(abi::LIMIT_BATCH_MAX + 1));
    assert!(matches!(refused.err(), Some(Error::Refused("init", abi::STATUS_INVALID))));
}

#[test]
fn another_abi_version_is_refused_by_its_number() {
    // (module (func (export "abi_version") (result i32) (i32.const 2)))
    let wasm = b"\0asm\x01\0\0\0\x01\x05\x01\x60\0\x01\x7f\x03\x02\x01\0\x07\x0f\x01\x0babi_version\0\0\x0a\x06\x01\x04\0\x41\x02\x0b";
    let runtime = Runtime::native().unwrap();
    let refused = DataPlane::new(&runtime, &load(&runtime, "version", wasm), &options(4)).err().unwrap();
    assert_eq!(refused.to_string(), "the module has ABI version 2, this program needs 1");
}

#[test]
fn a_file_for_another_engine_is_refused() {
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("other.cwasm");
    fs::write(&path, wasm()).unwrap();
    // SAFETY: what is no .cwasm is never run.
    assert!(unsafe { Runtime::native().unwrap().load(&path) }.is_err());
}
