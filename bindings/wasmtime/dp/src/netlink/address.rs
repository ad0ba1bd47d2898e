//! Addresses of interfaces.

use super::message::{self, ACK, ADD, DUMP, Message, Request};
use super::{FAMILY, PROTOCOL};

/// struct ifaddrmsg: family, length of the prefix, flags, scope, index.
const IFADDRMSG: usize = 8;
const LENGTH_AT: usize = 1;
const SCOPE_AT: usize = 3;
const INDEX_AT: usize = 4;
const IFA_PROTO: u16 = 11;
/// Of a link-local address.
const LENGTH: u8 = 64;

/// A link-local address of an interface.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LinkLocal {
    pub interface: u32,
    pub address: [u8; 16],
}

impl LinkLocal {
    fn request(&self, kind: u16, flags: u16) -> Request {
        let mut fixed = [0; IFADDRMSG];
        fixed[0] = FAMILY;
        fixed[LENGTH_AT] = LENGTH;
        fixed[SCOPE_AT] = libc::RT_SCOPE_LINK;
        fixed[INDEX_AT..].copy_from_slice(&self.interface.to_ne_bytes());
        Request::new(kind, flags, &fixed)
            .attribute(libc::IFA_LOCAL, &self.address)
            .attribute(libc::IFA_ADDRESS, &self.address)
    }

    /// Adds it, in use at once: duplicate address detection would find the same on the next router's link.
    pub fn add(&self) -> Request {
        self.request(libc::RTM_NEWADDR, ACK | ADD)
            .u32(libc::IFA_FLAGS, libc::IFA_F_NODAD)
            .u8(IFA_PROTO, PROTOCOL)
    }

    pub fn delete(&self) -> Request {
        self.request(libc::RTM_DELADDR, ACK)
    }

    /// An address out of a dump, if we have added it.
    pub fn own(message: &Message) -> Option<Self> {
        let (fixed, rest) = message.split(IFADDRMSG)?;
        if message.kind != libc::RTM_NEWADDR || message::attribute(rest, IFA_PROTO)? != [PROTOCOL] {
            return None;
        }
        let address = message::attribute(rest, libc::IFA_LOCAL)
            .or_else(|| message::attribute(rest, libc::IFA_ADDRESS))?;
        Some(Self { interface: message::u32_at(fixed, INDEX_AT)?, address: address.try_into().ok()? })
    }
}

pub fn list() -> Request {
    let mut fixed = [0; IFADDRMSG];
    fixed[0] = FAMILY;
    Request::new(libc::RTM_GETADDR, DUMP, &fixed)
}
