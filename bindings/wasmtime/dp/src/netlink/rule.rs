//! Rules of policy routing.

use super::message::{self, ACK, ADD, DUMP, Message, Request};
use super::{FAMILY, PROTOCOL};

/// struct fib_rule_hdr: family, lengths of destination and source, TOS, table, two unused, action, flags (u32).
const HEADER: usize = 12;
const TABLE_AT: usize = 4;
const ACTION_AT: usize = 7;
const FR_ACT_TO_TBL: u8 = 1;
const FRA_IIFNAME: u16 = 3;
const FRA_PRIORITY: u16 = 6;
const FRA_FWMARK: u16 = 10;
const FRA_TABLE: u16 = 15;
const FRA_FWMASK: u16 = 16;
const FRA_PROTOCOL: u16 = 21;

/// Packets that come in on `interface`, or carry the bits of `mark`, look into `table`.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    pub priority: u32,
    pub table: u32,
    pub interface: Option<String>,
    pub mark: Option<u32>,
}

impl Rule {
    fn request(&self, kind: u16, flags: u16) -> Request {
        let mut fixed = [0; HEADER];
        fixed[0] = FAMILY;
        fixed[TABLE_AT] = u8::try_from(self.table).unwrap_or(libc::RT_TABLE_UNSPEC);
        fixed[ACTION_AT] = FR_ACT_TO_TBL;
        let mut request = Request::new(kind, flags, &fixed)
            .u32(FRA_PRIORITY, self.priority)
            .u32(FRA_TABLE, self.table)
            .u8(FRA_PROTOCOL, PROTOCOL);
        if let Some(interface) = &self.interface {
            request = request.text(FRA_IIFNAME, interface);
        }
        if let Some(mark) = self.mark {
            request = request.u32(FRA_FWMARK, mark).u32(FRA_FWMASK, mark);
        }
        request
    }

    pub fn add(&self) -> Request {
        self.request(libc::RTM_NEWRULE, ACK | ADD)
    }

    pub fn delete(&self) -> Request {
        self.request(libc::RTM_DELRULE, ACK)
    }

    /// A rule out of a dump, if it is ours.
    pub fn own(message: &Message) -> Option<Self> {
        let (fixed, rest) = message.split(HEADER)?;
        if message.kind != libc::RTM_NEWRULE || message::attribute(rest, FRA_PROTOCOL)? != [PROTOCOL] {
            return None;
        }
        let word = |kind| message::attribute(rest, kind).and_then(|value| message::u32_at(value, 0));
        Some(Self {
            priority: word(FRA_PRIORITY).unwrap_or(0),
            table: word(FRA_TABLE).unwrap_or(fixed[TABLE_AT].into()),
            interface: message::attribute(rest, FRA_IIFNAME).map(message::text_of),
            mark: word(FRA_FWMARK),
        })
    }
}

pub fn list() -> Request {
    let mut fixed = [0; HEADER];
    fixed[0] = FAMILY;
    Request::new(libc::RTM_GETRULE, DUMP, &fixed)
}
