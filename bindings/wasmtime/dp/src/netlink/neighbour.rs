//! Neighbours.

use super::message::{self, ACK, DUMP, Message, PUT, Request};
use super::{FAMILY, PROTOCOL};

/// struct ndmsg: family, padding, index, state (u16), flags, type.
const NDMSG: usize = 12;
const INDEX_AT: usize = 4;
const STATE_AT: usize = 8;
const NDA_PROTOCOL: u16 = 12;

/// An address on the link of an interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Neighbour {
    pub interface: u32,
    pub address: [u8; 16],
}

fn ndmsg(interface: u32, state: u16) -> [u8; NDMSG] {
    let mut fixed = [0; NDMSG];
    fixed[0] = FAMILY;
    fixed[INDEX_AT..][..4].copy_from_slice(&interface.to_ne_bytes());
    fixed[STATE_AT..][..2].copy_from_slice(&state.to_ne_bytes());
    fixed
}

impl Neighbour {
    /// A permanent entry: the kernel neither probes it nor forgets it. Replaces whatever it had learnt.
    pub fn put(&self, mac: [u8; 6]) -> Request {
        Request::new(libc::RTM_NEWNEIGH, ACK | PUT, &ndmsg(self.interface, libc::NUD_PERMANENT))
            .attribute(libc::NDA_DST, &self.address)
            .attribute(libc::NDA_LLADDR, &mac)
            .u8(NDA_PROTOCOL, PROTOCOL)
    }

    pub fn delete(&self) -> Request {
        Request::new(libc::RTM_DELNEIGH, ACK, &ndmsg(self.interface, 0))
            .attribute(libc::NDA_DST, &self.address)
    }

    /// A neighbour out of a dump, if it is ours.
    pub fn own(message: &Message) -> Option<Self> {
        let (fixed, rest) = message.split(NDMSG)?;
        if message.kind != libc::RTM_NEWNEIGH || message::attribute(rest, NDA_PROTOCOL)? != [PROTOCOL] {
            return None;
        }
        let address = message::attribute(rest, libc::NDA_DST)?.try_into().ok()?;
        Some(Self { interface: message::u32_at(fixed, INDEX_AT)?, address })
    }
}

pub fn list() -> Request {
    Request::new(libc::RTM_GETNEIGH, DUMP, &ndmsg(0, 0))
}
