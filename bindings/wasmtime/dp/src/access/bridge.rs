//! Stations that bridges have learned (RTM_NEWNEIGH and RTM_DELNEIGH of a bridge's forwarding table).

use crate::access::Mac;
use crate::netlink::message::{self, DUMP, Message, Request};

/// struct ndmsg: family, padding, interface, state (u16), flags, type.
const NDMSG: usize = 12;
const INDEX_AT: usize = 4;
const STATE_AT: usize = 8;
/// A port's own address, or one that somebody has configured.
const CONFIGURED: u16 = libc::NUD_PERMANENT | libc::NUD_NOARP;

#[derive(Debug, PartialEq)]
pub struct Learned {
    /// Indices of interfaces.
    pub port: u32,
    pub bridge: u32,
    pub mac: Mac,
    /// False where the bridge has forgotten it.
    pub present: bool,
}

/// Asks for what all bridges have learned.
pub fn list() -> Request {
    let mut fixed = [0; NDMSG];
    fixed[0] = libc::AF_BRIDGE as u8;
    Request::new(libc::RTM_GETNEIGH, DUMP, &fixed)
}

impl Learned {
    /// None for any other message.
    pub fn read(message: &Message) -> Option<Self> {
        let (fixed, rest) = message.split(NDMSG)?;
        let ours = matches!(message.kind, libc::RTM_NEWNEIGH | libc::RTM_DELNEIGH)
            && fixed[0] == libc::AF_BRIDGE as u8
            && message::u16_at(fixed, STATE_AT)? & CONFIGURED == 0;
        if !ours {
            return None;
        }
        Some(Self {
            port: message::u32_at(fixed, INDEX_AT)?,
            bridge: message::attribute(rest, libc::NDA_MASTER).and_then(|value| message::u32_at(value, 0))?,
            mac: message::attribute(rest, libc::NDA_LLADDR)?.try_into().ok()?,
            present: message.kind == libc::RTM_NEWNEIGH,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAC: Mac = [2, 0, 0x5e, 0x10, 1, 0x0a];

    fn event(kind: u16, family: libc::c_int, state: u16) -> Vec<u8> {
        let mut fixed = [0; NDMSG];
        fixed[0] = family as u8;
        fixed[INDEX_AT] = 4;
        fixed[STATE_AT..][..2].copy_from_slice(&state.to_ne_bytes());
        Request::new(kind, 0, &fixed).attribute(libc::NDA_LLADDR, &MAC).u32(libc::NDA_MASTER, 3).finish(0)
    }

    fn read(octets: &[u8]) -> Option<Learned> {
        Learned::read(&message::messages(octets).next()?)
    }

    #[test]
    fn what_a_bridge_learns_and_forgets_is_read() {
        let reachable = libc::NUD_REACHABLE;
        let learned = |present| Some(Learned { port: 4, bridge: 3, mac: MAC, present });
        assert_eq!(read(&event(libc::RTM_NEWNEIGH, libc::AF_BRIDGE, reachable)), learned(true));
        assert_eq!(read(&event(libc::RTM_DELNEIGH, libc::AF_BRIDGE, reachable)), learned(false));
    }

    #[test]
    fn configured_addresses_and_neighbours_are_passed_over() {
        assert_eq!(read(&event(libc::RTM_NEWNEIGH, libc::AF_BRIDGE, libc::NUD_PERMANENT)), None);
        assert_eq!(read(&event(libc::RTM_NEWNEIGH, libc::AF_INET6, libc::NUD_REACHABLE)), None);
        assert_eq!(read(&event(libc::RTM_NEWLINK, libc::AF_BRIDGE, 0)), None);
        let whole = event(libc::RTM_NEWNEIGH, libc::AF_BRIDGE, libc::NUD_REACHABLE);
        assert!((0..whole.len()).all(|end| read(&whole[..end]).is_none()));
    }
}
