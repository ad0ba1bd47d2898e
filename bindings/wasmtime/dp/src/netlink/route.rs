//! Routes.

use super::message::{self, ACK, DUMP, Message, PUT, Request};
use super::{FAMILY, PROTOCOL, Prefix};

/// Apart from the kernel's and daemons' usual 256 and 1024, so that theirs are never replaced or deleted.
const METRIC: u32 = 77;
/// struct rtmsg: family, lengths of destination and source, TOS, table, protocol, scope, type, flags (u32).
const RTMSG: usize = 12;
const LENGTH_AT: usize = 1;
const TABLE_AT: usize = 4;
const PROTOCOL_AT: usize = 5;
const TYPE_AT: usize = 7;
const FLAGS_AT: usize = 8;
const RTNH_F_ONLINK: u32 = 4;
pub const MAIN: u32 = libc::RT_TABLE_MAIN as u32;

/// Where a route leads.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Target {
    Unreachable,
    /// To the device of this index, by way of a gateway on it, if any.
    Device(u32, Option<[u8; 16]>),
}

fn route(kind: u16, flags: u16, prefix: Prefix, table: u32, fill: impl FnOnce(&mut [u8])) -> Request {
    let mut fixed = [0; RTMSG];
    fixed[0] = FAMILY;
    fixed[LENGTH_AT] = prefix.length;
    fixed[TABLE_AT] = u8::try_from(table).unwrap_or(libc::RT_TABLE_UNSPEC);
    fixed[PROTOCOL_AT] = PROTOCOL;
    fill(&mut fixed);
    Request::new(kind, flags, &fixed)
        .attribute(libc::RTA_DST, &prefix.address)
        .u32(libc::RTA_TABLE, table)
        .u32(libc::RTA_PRIORITY, METRIC)
}

/// Adds a route or replaces ours of the same prefix in place, without a moment between.
pub fn put(prefix: Prefix, table: u32, target: Target) -> Request {
    let (kind, flags) = match target {
        Target::Unreachable => (libc::RTN_UNREACHABLE, 0),
        // A gateway may be the station's own global address: on this link whatever the table says.
        Target::Device(_, Some(_)) => (libc::RTN_UNICAST, RTNH_F_ONLINK),
        Target::Device(_, None) => (libc::RTN_UNICAST, 0),
    };
    let request = route(libc::RTM_NEWROUTE, ACK | PUT, prefix, table, |fixed| {
        fixed[TYPE_AT] = kind;
        fixed[FLAGS_AT..][..4].copy_from_slice(&flags.to_ne_bytes());
    });
    match target {
        Target::Unreachable => request,
        Target::Device(index, None) => request.u32(libc::RTA_OIF, index),
        Target::Device(index, Some(gateway)) => {
            request.u32(libc::RTA_OIF, index).attribute(libc::RTA_GATEWAY, &gateway)
        }
    }
}

/// Deletes our route of a prefix, whatever its target.
pub fn delete(prefix: Prefix, table: u32) -> Request {
    route(libc::RTM_DELROUTE, ACK, prefix, table, |_| ())
}

pub fn list() -> Request {
    let mut fixed = [0; RTMSG];
    fixed[0] = FAMILY;
    Request::new(libc::RTM_GETROUTE, DUMP, &fixed)
}

/// Prefix and table of a route out of a dump, if it is ours.
pub fn own(message: &Message) -> Option<(Prefix, u32)> {
    let (fixed, rest) = message.split(RTMSG)?;
    if message.kind != libc::RTM_NEWROUTE || fixed[PROTOCOL_AT] != PROTOCOL {
        return None;
    }
    // The default route has no destination.
    let address = message::attribute(rest, libc::RTA_DST).unwrap_or(&[0; 16]);
    let prefix = Prefix::new(address.try_into().ok()?, fixed[LENGTH_AT])?;
    let table = message::attribute(rest, libc::RTA_TABLE).and_then(|value| message::u32_at(value, 0));
    Some((prefix, table.unwrap_or(fixed[TABLE_AT].into())))
}
