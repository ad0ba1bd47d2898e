//! Messages on the control connection (bindings/cpdp/README.md).

use std::io;

use crate::connection::Connection;
use crate::cpdp;

const HEADER: usize = cpdp::HEADER_SIZE;
const BODY_MAX: usize = cpdp::BODY_MAX as usize;

#[derive(Debug, PartialEq)]
pub struct Message {
    pub kind: u32,
    pub flags: u32,
    pub number: u64,
    pub body: Vec<u8>,
}

pub struct Channel {
    pub connection: Box<dyn Connection>,
    input: Vec<u8>,
    output: Vec<u8>,
}

impl Channel {
    pub fn new(connection: Box<dyn Connection>) -> Self {
        Self { connection, input: Vec::new(), output: Vec::new() }
    }

    /// Takes what has arrived; false at the end of the stream. All whole messages are to be taken with `next` before
    /// the next call, so that no more than one message and one part of the connection are ever kept.
    pub fn fill(&mut self) -> io::Result<bool> {
        self.connection.receive(&mut self.input)
    }

    /// The next whole message, none before it is there; an error text where its header is wrong.
    pub fn next(&mut self) -> Result<Option<Message>, &'static str> {
        let Some(message) = parse(&self.input)? else { return Ok(None) };
        self.input.drain(..HEADER + message.body.len());
        Ok(Some(message))
    }

    pub fn send(&mut self, kind: u32, number: u64, body: &[u8]) {
        self.output.extend_from_slice(&(body.len() as u32).to_le_bytes());
        self.output.extend_from_slice(&kind.to_le_bytes());
        self.output.extend_from_slice(&number.to_le_bytes());
        self.output.extend_from_slice(body);
    }

    /// Octets that have not gone out yet.
    pub fn queued(&self) -> usize {
        self.output.len()
    }

    /// Whether the other side has not had room for everything.
    pub fn wants_to_write(&self) -> bool {
        !self.output.is_empty() || self.connection.holds()
    }

    /// Writes what the other side has room for.
    pub fn flush(&mut self) -> io::Result<()> {
        self.connection.send(&mut self.output)
    }
}

fn parse(input: &[u8]) -> Result<Option<Message>, &'static str> {
    let Some((header, rest)) = input.split_at_checked(HEADER) else { return Ok(None) };
    let length =
        u32::from_le_bytes(header[cpdp::HEADER_LENGTH_AT..][..4].try_into().unwrap_or_default()) as usize;
    if length > BODY_MAX {
        return Err("the body is too long");
    }
    if header[6..8] != [0, 0] {
        return Err("reserved octets are not zero");
    }
    let Some(body) = rest.get(..length) else { return Ok(None) };
    Ok(Some(Message {
        kind: header[cpdp::HEADER_KIND_AT].into(),
        flags: header[cpdp::HEADER_FLAGS_AT].into(),
        number: u64::from_le_bytes(header[cpdp::HEADER_NUMBER_AT..][..8].try_into().unwrap_or_default()),
        body: body.into(),
    }))
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::connection::{PART, Plain};

    fn channel(stream: UnixStream) -> Channel {
        Channel::new(Box::new(Plain::unix(stream).unwrap()))
    }

    #[test]
    fn a_message_comes_once_it_is_whole() {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let (mut from, mut to) = (channel(ours.try_clone().unwrap()), channel(theirs));
        from.send(cpdp::KIND_PING, 7, b"");
        from.send(cpdp::KIND_APPLY, 1 << 40, &[5; 96]);
        let octets = std::mem::take(&mut from.output);
        for (index, octet) in octets.iter().enumerate() {
            ours.write_all(&[*octet]).unwrap();
            assert!(to.fill().unwrap());
            let message = to.next().unwrap();
            assert_eq!(message.is_some(), index == HEADER - 1 || index == octets.len() - 1, "at {index}");
            if index == octets.len() - 1 {
                let body = vec![5; 96];
                assert_eq!(
                    message,
                    Some(Message { kind: cpdp::KIND_APPLY, flags: 0, number: 1 << 40, body })
                );
            }
        }
    }

    #[test]
    fn wrong_headers_are_refused_before_their_body() {
        let mut header = [0u8; HEADER];
        header[..4].copy_from_slice(&(cpdp::BODY_MAX + 1).to_le_bytes());
        assert_eq!(parse(&header), Err("the body is too long"));
        let mut header = [0u8; HEADER];
        header[7] = 1;
        assert_eq!(parse(&header), Err("reserved octets are not zero"));
    }

    #[test]
    fn the_end_of_the_stream_is_told() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        drop(theirs);
        assert!(!channel(ours).fill().unwrap());
    }

    /// Marsaglia's xorshift64, so that a fault can be made again.
    struct Random(u64);

    impl Random {
        fn below(&mut self, limit: usize) -> usize {
            for shift in [13, -7, 17i32] {
                let moved = if shift > 0 { self.0 << shift } else { self.0 >> -shift };
                self.0 ^= moved;
            }
            (self.0 >> 32) as usize % limit
        }
    }

    /// Whole messages as control may send them, with their octets.
    fn stream(random: &mut Random, sender: &mut Channel) -> (Vec<(u64, usize)>, Vec<u8>) {
        let sent: Vec<(u64, usize)> = (0..1 + random.below(8))
            .map(|index| (index as u64, [0, 1, 16, 96, 960, BODY_MAX][random.below(6)]))
            .collect();
        for &(number, length) in &sent {
            let body: Vec<u8> = (0..length).map(|_| random.below(256) as u8).collect();
            sender.send(1 + random.below(18) as u32, number, &body);
        }
        (sent, std::mem::take(&mut sender.output))
    }

    /// What comes of octets that arrive in parts of any size: numbers and lengths, and the fault that ended it.
    fn taken(random: &mut Random, octets: &[u8]) -> (Vec<(u64, usize)>, Option<&'static str>) {
        let (mut ours, theirs) = UnixStream::pair().unwrap();
        let (mut receiver, mut messages, mut rest) = (channel(theirs), Vec::new(), octets);
        while !rest.is_empty() {
            let (part, after) = rest.split_at(rest.len().min(1 + random.below(2 * PART)));
            ours.write_all(part).unwrap();
            rest = after;
            for _ in 0..1 + part.len() / PART {
                assert!(receiver.fill().unwrap());
                assert!(receiver.input.len() < HEADER + BODY_MAX + PART, "{} octets", receiver.input.len());
                loop {
                    match receiver.next() {
                        Ok(Some(message)) => messages.push((message.number, message.body.len())),
                        Ok(None) => break,
                        Err(fault) => return (messages, Some(fault)),
                    }
                }
            }
        }
        (messages, None)
    }

    #[test]
    fn however_it_is_cut_a_stream_gives_its_messages() {
        let mut random = Random(1);
        let mut sender = channel(UnixStream::pair().unwrap().0);
        for _ in 0..100 {
            let (sent, octets) = stream(&mut random, &mut sender);
            assert_eq!(taken(&mut random, &octets), (sent, None));
        }
    }

    #[test]
    fn octets_that_were_changed_give_messages_a_fault_or_nothing_yet() {
        let mut random = Random(2);
        let mut sender = channel(UnixStream::pair().unwrap().0);
        let mut faults = 0;
        for _ in 0..1000 {
            let (sent, mut octets) = stream(&mut random, &mut sender);
            let limit = octets.len();
            // Headers, mostly: there is nothing else to stumble over.
            for _ in 0..1 + random.below(3) {
                let at = if random.below(4) == 0 { random.below(limit) } else { random.below(HEADER) };
                octets[at] ^= 1 << random.below(8);
            }
            let (messages, fault) = taken(&mut random, &octets);
            assert!(messages.iter().all(|&(_, length)| length <= BODY_MAX));
            let came: usize = messages.iter().map(|(_, length)| HEADER + length).sum();
            assert!(came <= limit, "{came} octets out of {limit}");
            assert!(fault.is_some() || !messages.is_empty() || limit < came + HEADER + BODY_MAX, "{sent:?}");
            faults += usize::from(fault.is_some());
        }
        assert!(faults > 100 && faults < 900, "{faults} faults");
    }
}
