//! A data plane filled with the keys of a benchmark, as the engine V8 fills its own (host/lab/bench/module-engine.ts).

use maar_module::{Capacities, DataPlane, Module, Options, Runtime, abi};

use crate::Result;

/// Octets of a record of the key file: an address and its prefix length.
pub const KEY_RECORD: usize = 17;
pub const ADDRESS: usize = 16;
/// Look-ups of one call.
pub const CALL: usize = 1024;
/// Packets of one call.
pub const BATCH: usize = 64;
/// Values of the keys, by number of the key modulo this; and as many peers.
pub const VALUES: usize = 16;
const SEED: u64 = 0x1122_3344_5566_7788;
const LOCATOR: [u8; ADDRESS] = *b"\x20\x01\x0d\xb8\0\xff\0\0\0\0\0\0\0\0\0\x01";
/// Stations, each with a source entry of a /64 below this /32: octet 7 tells them apart.
const STATIONS: usize = 256;
const STATION_LENGTH: u8 = 64;
const SOURCE: [u8; 4] = *b"\x20\x01\x0d\xb9";
pub const STATION_AT: usize = 7;
const HOLD_MILLIS: u32 = 60_000;

pub struct Tables {
    pub plane: DataPlane,
    runtime: Runtime,
    module: Module,
    keys: Vec<u8>,
    /// What the destinations are: look-ups and tunnels need one, decapsulation the other.
    deliver: bool,
}

impl Tables {
    pub fn new(runtime: Runtime, module: Module, keys: Vec<u8>) -> Result<Self> {
        let plane = instance(&runtime, &module, keys.len() / KEY_RECORD)?;
        let mut tables = Self { plane, runtime, module, keys, deliver: false };
        tables.fill()?;
        Ok(tables)
    }

    fn count(&self) -> usize {
        self.keys.len() / KEY_RECORD
    }

    fn fill(&mut self) -> Result<()> {
        let (keys, deliver) = (std::mem::take(&mut self.keys), self.deliver);
        self.commands(keys.len() / KEY_RECORD, |record, index| put(record, &keys, index, 0, deliver))?;
        self.keys = keys;
        self.commands(VALUES, |record, index| {
            record[abi::COMMAND_OP_AT] = abi::COMMAND_PUT_PEER as u8;
            set(record, abi::COMMAND_PREFIX_AT, &neighbour(index));
        })?;
        self.commands(STATIONS, |record, station| {
            record[abi::COMMAND_OP_AT] = abi::COMMAND_PUT_SOURCE as u8;
            record[abi::COMMAND_LENGTH_AT] = STATION_LENGTH;
            set(record, abi::COMMAND_PREFIX_AT, &SOURCE);
            record[abi::COMMAND_PREFIX_AT + STATION_AT] = station as u8;
        })
    }

    /// The entries that packets of a bench need, besides the destinations.
    pub fn prepare(&mut self, bench: &str) -> Result<()> {
        let deliver = bench == "decapsulate";
        if self.deliver != deliver {
            self.deliver = deliver;
            self.plane = instance(&self.runtime, &self.module, self.count())?;
            self.fill()?;
        }
        if bench != "hold" {
            return Ok(());
        }
        self.commands(1, |record, _| {
            record[abi::COMMAND_OP_AT] = abi::COMMAND_PUT_HOLD as u8;
            set(record, abi::COMMAND_PACKETS_AT, &(BATCH as u32).to_le_bytes());
            set(record, abi::COMMAND_MILLIS_AT, &HOLD_MILLIS.to_le_bytes());
        })
    }

    /// Drops what is held.
    pub fn discard(&mut self) -> Result<()> {
        self.commands(1, |record, _| record[abi::COMMAND_OP_AT] = abi::COMMAND_DISCARD as u8)
    }

    /// Inserts and deletes ten times as many keys as the table holds, which are the same ones afterwards.
    pub fn churn(&mut self) -> Result<()> {
        let (keys, deliver) = (std::mem::take(&mut self.keys), self.deliver);
        // The first octet of a key is none that the generator writes once this is flipped.
        for (old, fresh) in [(0, 0x10), (0x10, 0)].repeat(5) {
            self.commands(2 * keys.len() / KEY_RECORD, |record, step| {
                let index = step / 2;
                put(record, &keys, index, if step % 2 == 0 { old } else { fresh }, deliver);
                if step % 2 == 0 {
                    record[abi::COMMAND_OP_AT] = abi::COMMAND_DELETE_DESTINATION as u8;
                }
            })?;
        }
        self.keys = keys;
        Ok(())
    }

    /// Has `count` commands carried out, each written by `write` into a record of zeros; fails where one is refused.
    fn commands(&mut self, count: usize, mut write: impl FnMut(&mut [u8], usize)) -> Result<()> {
        let area = self.plane.base(abi::AREA_COMMANDS);
        for from in (0..count).step_by(abi::LIMIT_COMMANDS as usize) {
            let part = (count - from).min(abi::LIMIT_COMMANDS as usize);
            let octets = part * abi::COMMAND_SIZE;
            let records = &mut self.plane.memory_mut()[area..][..octets];
            records.fill(0);
            for (index, record) in records.chunks_exact_mut(abi::COMMAND_SIZE).enumerate() {
                write(record, from + index);
            }
            self.plane.apply(part as u32)?;
            let records = &self.plane.memory()[area..][..octets];
            for (index, record) in records.chunks_exact(abi::COMMAND_SIZE).enumerate() {
                let status = record[abi::COMMAND_STATUS_AT];
                if u32::from(status) != abi::STATUS_OK {
                    return Err(format!("command {} answers {status}", from + index).into());
                }
            }
        }
        Ok(())
    }
}

fn instance(runtime: &Runtime, module: &Module, keys: usize) -> Result<DataPlane> {
    let keys = keys as u32;
    let flows = abi::LIMIT_FLOWS_MAX.min(keys * 4);
    let capacities = Capacities {
        batch: CALL as u32,
        destinations: keys,
        sources: STATIONS as u32,
        peers: VALUES as u32,
        flows,
        held: BATCH as u32,
        flow_entries: 0,
    };
    let options = Options {
        capacities,
        seed: SEED,
        locator: LOCATOR,
        core_mtu: 1500,
        flags: 0,
        memory_max: usize::MAX,
        ticks: 1,
    };
    let mut plane = DataPlane::new(runtime, module, &options)?;
    plane.advise_huge_pages();
    Ok(plane)
}

/// Writes the entry of key `index`, whose first octet is changed by `flip`.
fn put(record: &mut [u8], keys: &[u8], index: usize, flip: u8, deliver: bool) {
    let (address, length) = keys[index * KEY_RECORD..][..KEY_RECORD].split_at(ADDRESS);
    record[abi::COMMAND_OP_AT] =
        if deliver { abi::COMMAND_PUT_DELIVER } else { abi::COMMAND_PUT_TUNNEL } as u8;
    record[abi::COMMAND_LENGTH_AT] = length[0];
    set(record, abi::COMMAND_PREFIX_AT, address);
    record[abi::COMMAND_PREFIX_AT] ^= flip;
    set(record, abi::COMMAND_ADDRESS_AT, &neighbour(index % VALUES));
    if deliver {
        record[abi::COMMAND_MAC_AT] = 2;
    }
}

/// 2000::2 and on: peers, locators and next hops.
pub fn neighbour(index: usize) -> [u8; ADDRESS] {
    let mut address = [0; ADDRESS];
    address[0] = 0x20;
    address[15] = 2 + index as u8;
    address
}

fn set(record: &mut [u8], at: usize, octets: &[u8]) {
    record[at..at + octets.len()].copy_from_slice(octets);
}
