//! What commands mean to the kernel.

use std::collections::HashMap;
use std::hash::Hash;

use maar_module::abi;

use crate::journal::Record;
use crate::netlink::Prefix;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    Destination(Prefix),
    Source(u8, Prefix),
}

/// What is to stand for a key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Entry {
    Station(Station),
    /// A destination whose packets the data plane takes.
    Module,
    Source(Source),
}

/// Where a destination is on an access link.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Station {
    pub link: u8,
    pub next_hop: [u8; 16],
    pub mac: [u8; 6],
}

/// The station that may use a source address.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Source {
    pub mac: [u8; 6],
    /// Routed by the kernel; others are tunnelled to where they are anchored.
    pub native: bool,
}

fn octets<const N: usize>(record: &Record, at: usize) -> [u8; N] {
    std::array::from_fn(|index| record[at + index])
}

/// The key that a command concerns and what it puts there; none of what the kernel has no part in.
pub fn read(record: &Record) -> Option<(Key, Option<Entry>)> {
    let flags = u32::from(record[abi::COMMAND_FLAGS_AT]);
    let mac = octets(record, abi::COMMAND_MAC_AT);
    let entry = match u32::from(record[abi::COMMAND_OP_AT]) {
        abi::COMMAND_PUT_DELIVER => Some(Entry::Station(Station {
            link: record[abi::COMMAND_LINK_AT],
            next_hop: octets(record, abi::COMMAND_ADDRESS_AT),
            mac,
        })),
        abi::COMMAND_PUT_TUNNEL | abi::COMMAND_PUT_BUFFER | abi::COMMAND_PUT_REWRITE => Some(Entry::Module),
        abi::COMMAND_PUT_SOURCE if mac == [0; 6] => None,
        abi::COMMAND_PUT_SOURCE => {
            Some(Entry::Source(Source { mac, native: flags & abi::COMMAND_FLAG_REVERSE == 0 }))
        }
        abi::COMMAND_DELETE_DESTINATION | abi::COMMAND_DELETE_SOURCE => None,
        _ => return None,
    };
    let prefix = Prefix::new(octets(record, abi::COMMAND_PREFIX_AT), record[abi::COMMAND_LENGTH_AT])?;
    match u32::from(record[abi::COMMAND_OP_AT]) {
        abi::COMMAND_PUT_SOURCE | abi::COMMAND_DELETE_SOURCE => {
            Some((Key::Source(record[abi::COMMAND_LINK_AT], prefix), entry))
        }
        _ if flags & abi::COMMAND_FLAG_FLOW != 0 => None,
        _ => Some((Key::Destination(prefix), entry)),
    }
}

/// What a batch comes to: each key once, with its last entry and the last command about it.
pub fn outcome(records: &[Record]) -> Vec<(Key, Option<Entry>, &Record)> {
    let mut places = HashMap::new();
    let mut outcome = Vec::new();
    for record in records {
        let Some((key, entry)) = read(record) else { continue };
        let place = *places.entry(key).or_insert(outcome.len());
        if place == outcome.len() {
            outcome.push((key, entry, record));
        } else {
            outcome[place] = (key, entry, record);
        }
    }
    outcome
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(op: u32) -> Record {
        let mut record = [0; abi::COMMAND_SIZE];
        record[abi::COMMAND_OP_AT] = op as u8;
        record[abi::COMMAND_LENGTH_AT] = 64;
        record[abi::COMMAND_LINK_AT] = 3;
        record[abi::COMMAND_PREFIX_AT] = 0x20;
        record[abi::COMMAND_MAC_AT] = 2;
        record
    }

    fn entry(record: &Record) -> Option<Option<Entry>> {
        read(record).map(|(_, entry)| entry)
    }

    #[test]
    fn only_destinations_and_sources_concern_the_kernel() {
        let concern = [1, 2, 3, 6, 7, 12, 13];
        for op in 0..=255 {
            assert_eq!(read(&record(op)).is_some(), concern.contains(&op), "command {op}");
        }
        let mut flow = record(abi::COMMAND_PUT_TUNNEL);
        flow[abi::COMMAND_FLAGS_AT] = abi::COMMAND_FLAG_FLOW as u8;
        assert_eq!(read(&flow), None);
    }

    #[test]
    fn a_prefix_that_is_none_never_reaches_the_kernel() {
        let mut wrong = record(abi::COMMAND_PUT_DELIVER);
        wrong[abi::COMMAND_LENGTH_AT] = 129;
        assert_eq!(read(&wrong), None);
        wrong[abi::COMMAND_LENGTH_AT] = 2;
        assert_eq!(read(&wrong), None);
    }

    #[test]
    fn a_source_is_native_unless_it_has_a_reverse_locator_and_nobodys_without_a_mac() {
        let mut source = record(abi::COMMAND_PUT_SOURCE);
        let of = |native| Some(Some(Entry::Source(Source { mac: [2, 0, 0, 0, 0, 0], native })));
        assert_eq!(entry(&source), of(true));
        source[abi::COMMAND_FLAGS_AT] = abi::COMMAND_FLAG_REVERSE as u8;
        assert_eq!(entry(&source), of(false));
        source[abi::COMMAND_MAC_AT] = 0;
        assert_eq!(entry(&source), Some(None));
    }

    #[test]
    fn the_last_command_about_a_key_counts() {
        let (delete, put) = (record(abi::COMMAND_DELETE_DESTINATION), record(abi::COMMAND_PUT_TUNNEL));
        let source = record(abi::COMMAND_DELETE_SOURCE);
        let entries: Vec<Option<Entry>> =
            outcome(&[delete, source, put]).into_iter().map(|(_, entry, _)| entry).collect();
        assert_eq!(entries, [Some(Entry::Module), None]);
    }
}
