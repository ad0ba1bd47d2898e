//! When destinations and pairs of addresses last carried packets.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use maar_module::abi;

use crate::netlink::{message, socket};
use crate::plane::Plane;
use crate::traffic::conntrack::{self, Connection, Pair};
use crate::{cpdp, log, sys};

/// `length` of a pair, which is no prefix.
const PAIR: u8 = 255;
const RECEIVE_BUFFER: libc::c_int = 1 << 20;
/// More than the kernel puts into one datagram of a dump.
const DATAGRAM: usize = 1 << 15;
/// Datagrams of the dump, of some hundred connections each, before others get their turn.
const ROUNDS: usize = 4;

type Use = [u8; cpdp::USE_SIZE];

/// Entries of the module that have carried packets, and pairs that it has forwarded, at `now` (milliseconds).
pub fn of_module(plane: &mut Plane, now: u64) -> Vec<u8> {
    let mut uses = Vec::new();
    plane.list(abi::AREA_DESTINATIONS, abi::SLOT_SIZE, |slot| {
        let last = word(slot, abi::SLOT_LAST_USED_AT);
        let length = slot[abi::SLOT_LENGTH_AT];
        if length != 0 && last != 0 {
            let pair = ([0; 16], address(slot, abi::SLOT_PREFIX_AT));
            uses.extend(record(pair, length - 1, now.saturating_sub(1000 * u64::from(last))));
        }
    });
    plane.list(abi::AREA_FLOWS, abi::FLOW_SIZE, |flow| {
        // One more than the second, so that an empty record has 0.
        if let Some(last) = word(flow, abi::FLOW_SEEN_AT).checked_sub(1) {
            let pair = (address(flow, abi::FLOW_SRC_AT), address(flow, abi::FLOW_DST_AT));
            uses.extend(record(pair, PAIR, now.saturating_sub(1000 * u64::from(last))));
        }
    });
    uses
}

fn word(record: &[u8], at: usize) -> u32 {
    message::u32_at(record, at).map_or(0, u32::from_le)
}

fn address(record: &[u8], at: usize) -> [u8; 16] {
    record[at..].first_chunk().copied().unwrap_or_default()
}

fn record((source, destination): Pair, length: u8, idle: u64) -> Use {
    let mut record = [0; cpdp::USE_SIZE];
    record[cpdp::USE_SOURCE_AT..][..16].copy_from_slice(&source);
    record[cpdp::USE_DESTINATION_AT..][..16].copy_from_slice(&destination);
    record[cpdp::USE_IDLE_MILLIS_AT..][..8].copy_from_slice(&idle.to_le_bytes());
    record[cpdp::USE_LENGTH_AT] = length;
    record
}

/// What was seen of each connection: its packets, and the time of the first look that saw the newest of them.
type Seen = HashMap<(u32, Pair), (u64, u64)>;

/// Finds out when connections last carried packets, by comparing counters with those of the look before: late by the
/// time between two looks at most.
#[derive(Default)]
struct Looks {
    last: Seen,
    current: Seen,
    pairs: HashMap<Pair, u64>,
}

impl Looks {
    fn see(&mut self, Connection { pair, id, packets }: Connection, now: u64) {
        let at = match self.last.get(&(id, pair)) {
            Some(&(before, at)) if before == packets => at,
            _ => now,
        };
        self.current.insert((id, pair), (packets, at));
        let newest = self.pairs.entry(pair).or_insert(at);
        *newest = at.max(*newest);
    }

    /// The look is over: its pairs as records.
    fn finish(&mut self, now: u64) -> Vec<u8> {
        self.last = std::mem::take(&mut self.current);
        self.pairs.drain().flat_map(|(pair, at)| record(pair, PAIR, now.saturating_sub(at))).collect()
    }
}

/// Lists the kernel's connections, a piece at a time, so that packets do not wait for a long list.
pub struct Native {
    socket: OwnedFd,
    looks: Looks,
    sequence: u32,
    busy: bool,
}

impl Native {
    pub fn open() -> io::Result<Self> {
        let socket = socket::open_events(libc::NETLINK_NETFILTER, &[], RECEIVE_BUFFER)?;
        Ok(Self { socket, looks: Looks::default(), sequence: 0, busy: false })
    }

    /// Whether a list has begun and not ended.
    pub fn busy(&self) -> bool {
        self.busy
    }

    pub fn begin(&mut self) -> io::Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        sys::write(self.socket.as_raw_fd(), &conntrack::list().finish(self.sequence))?;
        self.busy = true;
        Ok(())
    }

    /// Reads what has come of the list; all its pairs as records once it has ended.
    pub fn read(&mut self, now: u64) -> Option<Vec<u8>> {
        let mut octets = [0; DATAGRAM];
        for _ in 0..ROUNDS {
            let length = match socket::receive(self.socket.as_raw_fd(), &mut octets) {
                Ok(None) => return None,
                Ok(Some(length)) => length,
                Err(error) => return Some(self.end(Some(error), now)),
            };
            for message in message::messages(&octets[..length]).filter(|m| m.sequence == self.sequence) {
                match i32::from(message.kind) {
                    libc::NLMSG_DONE => return Some(self.end(None, now)),
                    libc::NLMSG_ERROR => {
                        let code = message::u32_at(message.body, 0).unwrap_or_default().cast_signed();
                        return Some(self.end(Some(io::Error::from_raw_os_error(-code)), now));
                    }
                    _ => Connection::read(&message).into_iter().for_each(|seen| self.looks.see(seen, now)),
                }
            }
        }
        None
    }

    fn end(&mut self, fault: Option<io::Error>, now: u64) -> Vec<u8> {
        if let Some(error) = fault {
            log::line(log::ERROR, &format!("list of connections: {error}"));
        }
        self.busy = false;
        self.looks.finish(now)
    }
}

impl AsRawFd for Native {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR_A: Pair = ([1; 16], [2; 16]);

    fn idle(records: &[u8]) -> Vec<u64> {
        let at =
            |record: &[u8]| record[cpdp::USE_IDLE_MILLIS_AT..].first_chunk().copied().unwrap_or_default();
        records.chunks_exact(cpdp::USE_SIZE).map(|record| u64::from_le_bytes(at(record))).collect()
    }

    #[test]
    fn a_connection_is_idle_since_the_look_that_saw_its_newest_packet() {
        let mut looks = Looks::default();
        let mut look = |packets, now| {
            looks.see(Connection { pair: PAIR_A, id: 1, packets }, now);
            idle(&looks.finish(now))
        };
        assert_eq!(look(5, 1000), [0]);
        assert_eq!(look(5, 3000), [2000]);
        assert_eq!(look(6, 4000), [0]);
    }

    #[test]
    fn of_several_connections_of_a_pair_the_newest_counts() {
        let mut looks = Looks::default();
        for (now, packets) in [(1000, 5), (2000, 6)] {
            looks.see(Connection { pair: PAIR_A, id: 1, packets }, now);
            looks.see(Connection { pair: PAIR_A, id: 2, packets: 5 }, now);
            assert_eq!(idle(&looks.finish(now)), [0]);
        }
        looks.see(Connection { pair: PAIR_A, id: 2, packets: 5 }, 3000);
        assert_eq!(idle(&looks.finish(3000)), [2000]);
    }

    #[test]
    fn an_identifier_that_is_used_again_is_another_connection() {
        let mut looks = Looks::default();
        looks.see(Connection { pair: PAIR_A, id: 1, packets: 5 }, 1000);
        looks.finish(1000);
        looks.see(Connection { pair: ([3; 16], [2; 16]), id: 1, packets: 5 }, 2000);
        assert_eq!(idle(&looks.finish(2000)), [0]);
    }
}
