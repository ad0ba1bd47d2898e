//! Notices that a table of nftables is gone: `nft flush ruleset`, as some firewalls begin with it, takes away all there are.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use crate::netlink::{message, nftables, socket};

/// Room for what a transaction of our own tells of its elements.
const BUFFER: libc::c_int = 1 << 20;
/// Longer than any datagram of the kernel's.
const RECEIVE: usize = 1 << 17;
/// Datagrams before packets get their turn.
const ROUNDS: usize = 64;

pub struct Watch {
    events: OwnedFd,
    octets: Vec<u8>,
}

impl Watch {
    pub fn open() -> io::Result<Self> {
        let groups = [libc::NFNLGRP_NFTABLES.cast_unsigned()];
        let events = socket::open_events(libc::NETLINK_NETFILTER, &groups, BUFFER)?;
        Ok(Self { events, octets: vec![0; RECEIVE] })
    }

    /// Whether a table has been deleted since the last call, or may have been, where events were lost.
    pub fn deleted(&mut self) -> bool {
        let mut deleted = false;
        for _ in 0..ROUNDS {
            match socket::receive(self.events.as_raw_fd(), &mut self.octets) {
                Ok(None) => break,
                Ok(Some(length)) => {
                    deleted |= message::messages(&self.octets[..length])
                        .any(|event| nftables::deletes_table(&event));
                }
                Err(_) => deleted = true,
            }
        }
        deleted
    }
}

impl AsRawFd for Watch {
    fn as_raw_fd(&self) -> RawFd {
        self.events.as_raw_fd()
    }
}
