//! `flow` events of connections that the kernel forwards by itself: once for each burst of a pair of addresses.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use maar_module::abi;

use crate::journal::Record;
use crate::netlink::{message, socket};
use crate::traffic::conntrack::{self, Connection, Pair};

/// A pair's next connection is told again after this many milliseconds without a new one, as the data plane does.
const SILENCE: u64 = 1000;
/// Pairs remembered; one that is forgotten may be told again.
const PAIRS: usize = 65_536;
const EVENT_BUFFER: libc::c_int = 4 << 20;
const DATAGRAM: usize = 1 << 15;
/// Datagrams before others get their turn: each is one connection.
const ROUNDS: usize = 256;

/// Prefixes, by length, that are delivered here.
#[derive(Default)]
pub struct Delivered {
    prefixes: HashMap<u8, HashSet<u128>>,
}

impl Delivered {
    /// Takes note of a command that was carried out. A buffered destination is one whose station is expected back.
    pub fn done(&mut self, record: &Record) {
        if u32::from(record[abi::COMMAND_FLAGS_AT]) & abi::COMMAND_FLAG_FLOW != 0 {
            return;
        }
        let length = record[abi::COMMAND_LENGTH_AT];
        let prefix = u128::from_be_bytes(*record[abi::COMMAND_PREFIX_AT..].first_chunk().unwrap_or(&[0; 16]));
        match u32::from(record[abi::COMMAND_OP_AT]) {
            abi::COMMAND_PUT_DELIVER => {
                self.prefixes.entry(length).or_default().insert(prefix);
            }
            abi::COMMAND_PUT_TUNNEL | abi::COMMAND_DELETE_DESTINATION => {
                let Some(prefixes) = self.prefixes.get_mut(&length) else { return };
                prefixes.remove(&prefix);
                if prefixes.is_empty() {
                    self.prefixes.remove(&length);
                }
            }
            _ => (),
        }
    }

    fn has(&self, address: u128) -> bool {
        self.prefixes.iter().any(|(&length, prefixes)| prefixes.contains(&(address & mask(length))))
    }
}

fn mask(length: u8) -> u128 {
    u128::MAX.checked_shl(128 - u32::from(length.min(128))).unwrap_or(0)
}

/// Which pairs have been told, and when they last had a new connection.
struct Bursts {
    pool: u128,
    pool_length: u8,
    pairs: HashMap<Pair, u64>,
}

impl Bursts {
    /// Whether a new connection at `now` (milliseconds) is to be told.
    fn begins(&mut self, pair: Pair, delivered: &Delivered, now: u64) -> bool {
        let ours = |address: [u8; 16]| {
            let address = u128::from_be_bytes(address);
            address & mask(self.pool_length) == self.pool || delivered.has(address)
        };
        if !ours(pair.0) && !ours(pair.1) {
            return false;
        }
        if self.pairs.len() >= PAIRS {
            self.pairs.retain(|_, before| now - *before <= SILENCE);
            if self.pairs.len() >= PAIRS {
                self.pairs.clear();
            }
        }
        self.pairs.insert(pair, now).is_none_or(|before| now - before > SILENCE)
    }
}

pub struct Flows {
    events: OwnedFd,
    bursts: Bursts,
}

impl Flows {
    /// Listens to new connections; those of addresses in `pool` count.
    pub fn open((pool, pool_length): (std::net::Ipv6Addr, u8)) -> io::Result<Self> {
        let events = socket::open_events(libc::NETLINK_NETFILTER, &[conntrack::GROUP_NEW], EVENT_BUFFER)?;
        let bursts = Bursts { pool: pool.to_bits(), pool_length, pairs: HashMap::new() };
        Ok(Self { events, bursts })
    }

    /// Reads what has come; records of the events that it makes.
    pub fn read(&mut self, delivered: &Delivered, now: u64) -> Vec<u8> {
        let (mut octets, mut records) = ([0; DATAGRAM], Vec::new());
        for _ in 0..ROUNDS {
            match socket::receive(self.events.as_raw_fd(), &mut octets) {
                Ok(None) => break,
                Ok(Some(length)) => {
                    let connections =
                        message::messages(&octets[..length]).filter_map(|m| Connection::read(&m));
                    for Connection { pair, .. } in connections {
                        if self.bursts.begins(pair, delivered, now) {
                            records.extend(event(pair));
                        }
                    }
                }
                // Some connections had no room; a burst's next one tells of it.
                Err(_) => break,
            }
        }
        records
    }
}

impl AsRawFd for Flows {
    fn as_raw_fd(&self) -> RawFd {
        self.events.as_raw_fd()
    }
}

fn event((source, destination): Pair) -> [u8; abi::EVENT_SIZE] {
    let mut record = [0; abi::EVENT_SIZE];
    record[abi::EVENT_KIND_AT] = abi::EVENT_FLOW as u8;
    record[abi::EVENT_SRC_AT..][..16].copy_from_slice(&source);
    record[abi::EVENT_DST_AT..][..16].copy_from_slice(&destination);
    record
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOCAL: [u8; 16] = [0x20, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    const FOREIGN: [u8; 16] = [0x20, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2];
    const REMOTE: [u8; 16] = [0x20, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3];

    fn bursts() -> Bursts {
        Bursts { pool: u128::from_be_bytes(LOCAL) & mask(16), pool_length: 16, pairs: HashMap::new() }
    }

    fn destination(op: u32, length: u8) -> Record {
        let mut record = [0; abi::COMMAND_SIZE];
        record[abi::COMMAND_OP_AT] = op as u8;
        record[abi::COMMAND_LENGTH_AT] = length;
        let prefix = u128::from_be_bytes(FOREIGN) & mask(length);
        record[abi::COMMAND_PREFIX_AT..][..16].copy_from_slice(&prefix.to_be_bytes());
        record
    }

    #[test]
    fn a_pair_is_told_once_for_a_burst_and_again_after_silence() {
        let (mut bursts, delivered) = (bursts(), Delivered::default());
        let told: Vec<u64> = [0, 900, 1800, 2801, 2802]
            .into_iter()
            .filter(|&now| bursts.begins((LOCAL, REMOTE), &delivered, now))
            .collect();
        assert_eq!(told, [0, 2801]);
        assert!(bursts.begins((REMOTE, LOCAL), &delivered, 2803), "the other way round is another pair");
    }

    #[test]
    fn pairs_count_that_have_an_end_in_the_pool_or_behind_a_deliver_entry() {
        for length in [0, 16, 64, 127, 128] {
            let mut delivered = Delivered::default();
            let told = |delivered: &Delivered| bursts().begins((REMOTE, FOREIGN), delivered, 0);
            assert!(!told(&delivered));
            delivered.done(&destination(abi::COMMAND_PUT_DELIVER, length));
            assert!(told(&delivered), "/{length}");
            delivered.done(&destination(abi::COMMAND_PUT_BUFFER, length));
            assert!(told(&delivered), "/{length}");
            for gone in [abi::COMMAND_PUT_TUNNEL, abi::COMMAND_DELETE_DESTINATION] {
                delivered.done(&destination(gone, length));
                assert!(!told(&delivered), "/{length}");
                delivered.done(&destination(abi::COMMAND_PUT_DELIVER, length));
            }
        }
    }

    #[test]
    fn many_pairs_take_bounded_room() {
        let (mut bursts, delivered) = (bursts(), Delivered::default());
        for n in 0..2 * PAIRS as u32 + 1 {
            let mut remote = REMOTE;
            remote[12..].copy_from_slice(&n.to_be_bytes());
            assert!(bursts.begins((LOCAL, remote), &delivered, 0));
            assert!(bursts.pairs.len() <= PAIRS);
        }
    }
}
