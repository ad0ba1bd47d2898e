//! Connections that the kernel tracks (linux/netfilter/nfnetlink_conntrack.h).

use crate::netlink::message::{self, DUMP, Message, Request};

/// The multicast group that tells of new connections.
pub const GROUP_NEW: u32 = 1;
const NEW: u16 = (libc::NFNL_SUBSYS_CTNETLINK as u16) << 8;
const GET: u16 = NEW | 1;
/// struct nfgenmsg: family, version, resource.
const NFGENMSG: usize = 4;

const TUPLE_ORIGINAL: u16 = 1;
const TUPLE_ADDRESSES: u16 = 1;
const SOURCE: u16 = 3;
const DESTINATION: u16 = 4;
const COUNTERS_ORIGINAL: u16 = 9;
const COUNTERS_REPLY: u16 = 10;
const COUNTER_PACKETS: u16 = 1;
const ID: u16 = 12;

/// Addresses of who began it, and of whom.
pub type Pair = ([u8; 16], [u8; 16]);

/// One IPv6 connection.
#[derive(Debug, PartialEq)]
pub struct Connection {
    pub pair: Pair,
    /// Identifies it while it lives.
    pub id: u32,
    /// Of both directions together; 0 without accounting.
    pub packets: u64,
}

/// Asks for all IPv6 connections.
pub fn list() -> Request {
    Request::new(GET, DUMP, &[libc::AF_INET6 as u8, 0, 0, 0])
}

impl Connection {
    /// None for IPv4, and for messages that tell of no connection.
    pub fn read(message: &Message) -> Option<Self> {
        let (fixed, rest) = message.split(NFGENMSG)?;
        if message.kind != NEW || fixed[0] != libc::AF_INET6 as u8 {
            return None;
        }
        let tuple = message::attribute(rest, TUPLE_ORIGINAL)?;
        let addresses = message::attribute(tuple, TUPLE_ADDRESSES)?;
        let address = |kind| message::attribute(addresses, kind)?.try_into().ok();
        let packets = |kind| message::attribute(rest, kind).and_then(packets).unwrap_or_default();
        Some(Self {
            pair: (address(SOURCE)?, address(DESTINATION)?),
            id: message::attribute(rest, ID).and_then(|value| message::u32_at(value, 0)).unwrap_or_default(),
            packets: packets(COUNTERS_ORIGINAL) + packets(COUNTERS_REPLY),
        })
    }
}

fn packets(counters: &[u8]) -> Option<u64> {
    message::attribute(counters, COUNTER_PACKETS)?.try_into().ok().map(u64::from_be_bytes)
}

/// A message as the kernel lays it out, for tests.
#[cfg(test)]
pub fn told(family: libc::c_int, (source, destination): Pair, id: u32, packets: u64) -> Vec<u8> {
    let count = |nest: Request, packets: u64| nest.attribute(COUNTER_PACKETS, &packets.to_be_bytes());
    Request::new(NEW, 0, &[family as u8, 0, 0, 0])
        .nested(TUPLE_ORIGINAL, |tuple| {
            tuple.nested(TUPLE_ADDRESSES, |addresses| {
                addresses.attribute(SOURCE, &source).attribute(DESTINATION, &destination)
            })
        })
        .u32(ID, id)
        .nested(COUNTERS_ORIGINAL, |nest| count(nest, packets))
        .nested(COUNTERS_REPLY, |nest| count(nest, 1))
        .finish(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAIR: Pair = ([1; 16], [2; 16]);

    fn read(octets: &[u8]) -> Option<Connection> {
        Connection::read(&message::messages(octets).next()?)
    }

    #[test]
    fn packets_of_both_directions_count() {
        let connection = Connection { pair: PAIR, id: 7, packets: 42 };
        assert_eq!(read(&told(libc::AF_INET6, PAIR, 7, 41)), Some(connection));
    }

    #[test]
    fn other_families_and_cut_messages_are_passed_over() {
        assert_eq!(read(&told(libc::AF_INET, PAIR, 7, 41)), None);
        let whole = told(libc::AF_INET6, PAIR, 7, 41);
        assert!((0..whole.len()).all(|end| read(&whole[..end]).is_none()));
    }
}
