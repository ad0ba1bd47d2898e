//! Requests to the kernel's routing and netfilter, and what it tells of changes (RFC 3549).

use std::fmt;
use std::net::Ipv6Addr;

pub mod address;
pub mod link;
pub mod message;
pub mod neighbour;
pub mod nftables;
#[cfg(all(test, target_endian = "little"))]
mod octets;
pub mod route;
pub mod rule;
pub mod socket;

/// The mark of our own routes, rules, neighbours and addresses (docs/linux.md).
pub const PROTOCOL: u8 = 77;

const FAMILY: u8 = libc::AF_INET6 as u8;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Prefix {
    pub address: [u8; 16],
    pub length: u8,
}

impl Prefix {
    pub const ALL: Self = Self { address: [0; 16], length: 0 };

    /// None for more than 128 bits, and where a bit past the length is set.
    pub fn new(address: [u8; 16], length: u8) -> Option<Self> {
        let prefix = Self { address, length };
        (length <= 128 && u128::from_be_bytes(address) & prefix.host() == 0).then_some(prefix)
    }

    /// The highest address within.
    pub fn last(&self) -> [u8; 16] {
        (u128::from_be_bytes(self.address) | self.host()).to_be_bytes()
    }

    /// Bits past the length.
    fn host(&self) -> u128 {
        u128::MAX.checked_shr(self.length.into()).unwrap_or(0)
    }
}

impl fmt::Display for Prefix {
    fn fmt(&self, to: &mut fmt::Formatter) -> fmt::Result {
        write!(to, "{}/{}", Ipv6Addr::from(self.address), self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_has_no_bits_past_its_length() {
        let address = "2001:db8:11::".parse::<Ipv6Addr>().unwrap().octets();
        let prefix = Prefix::new(address, 48).unwrap();
        assert_eq!(prefix.to_string(), "2001:db8:11::/48");
        assert_eq!(Ipv6Addr::from(prefix.last()).to_string(), "2001:db8:11:ffff:ffff:ffff:ffff:ffff");
        assert_eq!(Prefix::new(address, 47), None);
        assert_eq!(Prefix::new(address, 129), None);
        assert_eq!(Prefix::new(address, 128).unwrap().last(), address);
        assert_eq!(Prefix::ALL.last(), [0xff; 16]);
    }
}
