//! Interfaces.

use super::message::{self, ACK, DUMP, Message, Request};

/// struct ifinfomsg: family, type (u16), index, flags, mask of flags to change.
const IFINFOMSG: usize = 16;
const INDEX_AT: usize = 4;
const FLAGS_AT: usize = 8;
const CHANGE_AT: usize = 12;
const IFLA_INFO_KIND: u16 = 1;

#[derive(Clone, Debug, PartialEq)]
pub struct Link {
    pub index: u32,
    pub name: String,
    /// None for interfaces without an EUI-48, such as TUN devices.
    pub mac: Option<[u8; 6]>,
    /// The bridge that it is a port of.
    pub master: Option<u32>,
    /// Of a virtual device, such as `bridge`; empty for hardware.
    pub kind: String,
    pub up: bool,
    /// Up with carrier.
    pub running: bool,
    /// False in the message that tells of its removal.
    pub present: bool,
}

fn ifinfomsg(index: u32, flags: libc::c_int) -> [u8; IFINFOMSG] {
    let mut fixed = [0; IFINFOMSG];
    fixed[INDEX_AT..][..4].copy_from_slice(&index.to_ne_bytes());
    fixed[FLAGS_AT..][..4].copy_from_slice(&flags.to_ne_bytes());
    fixed[CHANGE_AT..][..4].copy_from_slice(&flags.to_ne_bytes());
    fixed
}

pub fn list() -> Request {
    Request::new(libc::RTM_GETLINK, DUMP, &ifinfomsg(0, 0))
}

/// Brings an interface up with an MTU and room for `queue` packets that wait to be sent.
pub fn set_up(index: u32, mtu: u32, queue: u32) -> Request {
    Request::new(libc::RTM_SETLINK, ACK, &ifinfomsg(index, libc::IFF_UP))
        .u32(libc::IFLA_MTU, mtu)
        .u32(libc::IFLA_TXQLEN, queue)
}

pub fn set_mac(index: u32, mac: [u8; 6]) -> Request {
    Request::new(libc::RTM_SETLINK, ACK, &ifinfomsg(index, 0)).attribute(libc::IFLA_ADDRESS, &mac)
}

impl Link {
    /// Reads a message about the interface itself; none for others, such as a bridge's view of its port.
    pub fn read(message: &Message) -> Option<Self> {
        let (fixed, rest) = message.split(IFINFOMSG)?;
        if !matches!(message.kind, libc::RTM_NEWLINK | libc::RTM_DELLINK) || fixed[0] != libc::AF_UNSPEC as u8
        {
            return None;
        }
        let flags = message::u32_at(fixed, FLAGS_AT)?.cast_signed();
        let kind = message::attribute(rest, libc::IFLA_LINKINFO)
            .and_then(|info| message::attribute(info, IFLA_INFO_KIND));
        Some(Self {
            index: message::u32_at(fixed, INDEX_AT)?,
            name: message::attribute(rest, libc::IFLA_IFNAME).map(message::text_of).unwrap_or_default(),
            mac: message::attribute(rest, libc::IFLA_ADDRESS).and_then(|mac| mac.try_into().ok()),
            master: message::attribute(rest, libc::IFLA_MASTER).and_then(|value| message::u32_at(value, 0)),
            kind: kind.map(message::text_of).unwrap_or_default(),
            up: flags & libc::IFF_UP != 0,
            running: flags & libc::IFF_UP != 0 && flags & libc::IFF_RUNNING != 0,
            present: message.kind == libc::RTM_NEWLINK,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_of_a_bridge_is_read() {
        let mut fixed = ifinfomsg(7, libc::IFF_UP | libc::IFF_RUNNING);
        let of = |fixed: &[u8]| {
            Request::new(libc::RTM_NEWLINK, 0, fixed)
                .text(libc::IFLA_IFNAME, "wlan0")
                .attribute(libc::IFLA_ADDRESS, &[2, 0, 0x5e, 0x10, 0, 1])
                .u32(libc::IFLA_MASTER, 3)
                .nested(libc::IFLA_LINKINFO, |info| info.text(IFLA_INFO_KIND, "veth"))
                .finish(0)
        };
        let octets = of(&fixed);
        let link = Link::read(&message::messages(&octets).next().unwrap()).unwrap();
        assert_eq!(
            link,
            Link {
                index: 7,
                name: "wlan0".into(),
                mac: Some([2, 0, 0x5e, 0x10, 0, 1]),
                master: Some(3),
                kind: "veth".into(),
                up: true,
                running: true,
                present: true,
            }
        );
        fixed[0] = libc::AF_BRIDGE as u8;
        let octets = of(&fixed);
        assert_eq!(Link::read(&message::messages(&octets).next().unwrap()), None);
    }
}
