//! Netlink messages: a header, the fixed part of a family, attributes. Integers are in host order unless said.

/// Length, type, flags, sequence number, port.
const HEADER: usize = 16;
const ATTRIBUTE_HEADER: usize = 4;
const NESTED: u16 = 0x8000;
const TYPE_MASK: u16 = 0x3fff;

pub const REQUEST: u16 = libc::NLM_F_REQUEST as u16;
pub const ACK: u16 = libc::NLM_F_ACK as u16;
pub const DUMP: u16 = libc::NLM_F_DUMP as u16;
/// Added, or put in the place of what is there.
pub const PUT: u16 = (libc::NLM_F_CREATE | libc::NLM_F_REPLACE) as u16;
/// Added, unless it is there.
pub const ADD: u16 = (libc::NLM_F_CREATE | libc::NLM_F_EXCL) as u16;

fn align(length: usize) -> usize {
    length.next_multiple_of(4)
}

/// A message to the kernel.
pub struct Request {
    octets: Vec<u8>,
}

impl Request {
    pub fn new(kind: u16, flags: u16, fixed: &[u8]) -> Self {
        let mut octets = vec![0; HEADER];
        octets[4..6].copy_from_slice(&kind.to_ne_bytes());
        octets[6..8].copy_from_slice(&(flags | REQUEST).to_ne_bytes());
        octets.extend_from_slice(fixed);
        octets.resize(align(octets.len()), 0);
        Self { octets }
    }

    pub fn attribute(mut self, kind: u16, value: &[u8]) -> Self {
        self.octets.extend_from_slice(&((ATTRIBUTE_HEADER + value.len()) as u16).to_ne_bytes());
        self.octets.extend_from_slice(&kind.to_ne_bytes());
        self.octets.extend_from_slice(value);
        self.octets.resize(align(self.octets.len()), 0);
        self
    }

    pub fn u8(self, kind: u16, value: u8) -> Self {
        self.attribute(kind, &[value])
    }

    pub fn u32(self, kind: u16, value: u32) -> Self {
        self.attribute(kind, &value.to_ne_bytes())
    }

    /// Text with a zero at its end.
    pub fn text(self, kind: u16, value: &str) -> Self {
        self.attribute(kind, &[value.as_bytes(), &[0]].concat())
    }

    /// An attribute of attributes.
    pub fn nested(self, kind: u16, fill: impl FnOnce(Self) -> Self) -> Self {
        let start = self.octets.len();
        let mut filled = fill(self.attribute(kind | NESTED, &[]));
        let length = (filled.octets.len() - start) as u16;
        filled.octets[start..start + 2].copy_from_slice(&length.to_ne_bytes());
        filled
    }

    pub fn wants_answer(&self) -> bool {
        u16::from_ne_bytes([self.octets[6], self.octets[7]]) & ACK != 0
    }

    /// The octets, with length and sequence number in place.
    pub fn finish(mut self, sequence: u32) -> Vec<u8> {
        let length = self.octets.len() as u32;
        self.octets[..4].copy_from_slice(&length.to_ne_bytes());
        self.octets[8..12].copy_from_slice(&sequence.to_ne_bytes());
        self.octets
    }
}

/// A message from the kernel; `body` begins after the netlink header.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Message<'a> {
    pub kind: u16,
    pub flags: u16,
    pub sequence: u32,
    pub body: &'a [u8],
}

/// The messages of one datagram; a malformed rest is left out.
pub fn messages(mut octets: &[u8]) -> impl Iterator<Item = Message<'_>> {
    std::iter::from_fn(move || {
        let length = usize::try_from(u32_at(octets, 0)?).ok()?;
        let body = octets.get(HEADER..length)?;
        let message = Message {
            kind: u16_at(octets, 4)?,
            flags: u16_at(octets, 6)?,
            sequence: u32_at(octets, 8)?,
            body,
        };
        octets = octets.get(align(length)..).unwrap_or_default();
        Some(message)
    })
}

/// Types and values of attributes in order; a malformed rest is left out.
pub fn attributes(mut octets: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(octets, 0)?);
        let attribute = (u16_at(octets, 2)? & TYPE_MASK, octets.get(ATTRIBUTE_HEADER..length)?);
        octets = octets.get(align(length)..).unwrap_or_default();
        Some(attribute)
    })
}

/// The value of the attribute `kind`, of a repeated one the last.
pub fn attribute(octets: &[u8], kind: u16) -> Option<&[u8]> {
    attributes(octets).filter(|&(other, _)| other == kind).map(|(_, value)| value).last()
}

impl<'a> Message<'a> {
    /// The fixed part of `size` octets, and the attributes after it; none where the message is shorter.
    pub fn split(&self, size: usize) -> Option<(&'a [u8], &'a [u8])> {
        self.body.split_at_checked(size)
    }
}

/// An integer in host order; none where the octets end before it does.
pub fn u32_at(octets: &[u8], at: usize) -> Option<u32> {
    octets.get(at..at + 4)?.try_into().ok().map(u32::from_ne_bytes)
}

pub fn u16_at(octets: &[u8], at: usize) -> Option<u16> {
    octets.get(at..at + 2)?.try_into().ok().map(u16::from_ne_bytes)
}

/// Text up to the zero at its end.
pub fn text_of(value: &[u8]) -> String {
    let end = value.iter().position(|&octet| octet == 0).unwrap_or(value.len());
    String::from_utf8_lossy(&value[..end]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_are_padded_and_nests_count_what_is_in_them() {
        let octets = Request::new(12, ACK, &[1, 0, 0, 0])
            .text(1, "ab")
            .nested(3, |nest| nest.u8(1, 7).u32(2, 0x0102_0304))
            .finish(9);
        let expected: &[&[u8]] = &[
            &48u32.to_ne_bytes(),
            &12u16.to_ne_bytes(),
            &5u16.to_ne_bytes(),
            &9u32.to_ne_bytes(),
            &[0; 4],
            &[1, 0, 0, 0],
            &7u16.to_ne_bytes(),
            &1u16.to_ne_bytes(),
            b"ab\0\0",
            &20u16.to_ne_bytes(),
            &0x8003u16.to_ne_bytes(),
            &5u16.to_ne_bytes(),
            &1u16.to_ne_bytes(),
            &[7, 0, 0, 0],
            &8u16.to_ne_bytes(),
            &2u16.to_ne_bytes(),
            &0x0102_0304u32.to_ne_bytes(),
        ];
        assert_eq!(octets, expected.concat());
    }

    #[test]
    fn what_was_written_is_read_back() {
        let mut octets = Request::new(20, 0, &[10, 64]).u32(1, 5).text(3, "br0").finish(1);
        octets.extend(Request::new(3, 0, &[]).finish(2));
        let read: Vec<Message> = messages(&octets).collect();
        assert_eq!(read.iter().map(|m| (m.kind, m.sequence)).collect::<Vec<_>>(), [(20, 1), (3, 2)]);
        let (fixed, rest) = read[0].split(4).unwrap();
        assert_eq!(fixed, [10, 64, 0, 0]);
        assert_eq!(attribute(rest, 1), Some(&5u32.to_ne_bytes()[..]));
        assert_eq!(attribute(rest, 3).map(text_of).as_deref(), Some("br0"));
        assert_eq!(attribute(rest, 2), None);
    }

    #[test]
    fn a_malformed_rest_is_left_out_wherever_it_is_cut() {
        let whole = Request::new(20, 0, &[0; 4]).u32(1, 5).u32(1, 6).finish(1);
        for end in 0..whole.len() {
            assert_eq!(messages(&whole[..end]).count(), 0, "{end} octets");
            let values = attributes(whole.get(HEADER + 4..end).unwrap_or_default()).count();
            assert_eq!(values, end.saturating_sub(HEADER + 4) / 8, "{end} octets");
        }
        let mut endless = whole;
        endless[..4].copy_from_slice(&0u32.to_ne_bytes());
        assert_eq!(messages(&endless).count(), 0);
        assert_eq!(attributes(&[0; 8]).count(), 0);
    }
}
