//! Answers of any length, given as fast as control reads them.

use std::collections::VecDeque;

use crate::channel::Channel;
use crate::cpdp;

const BODY_MAX: usize = cpdp::BODY_MAX as usize;
/// The octet of flags follows that of the kind.
const MORE: u32 = cpdp::ANSWER_FLAG_MORE << 8;

struct Answer {
    kind: u32,
    number: u64,
    records: Vec<u8>,
    /// Octets in one message: whole records.
    part: usize,
    given: usize,
}

#[derive(Default)]
pub struct Answers {
    waiting: VecDeque<Answer>,
}

impl Answers {
    /// Adds an answer of records of `size` octets; an answer may have none.
    pub fn add(&mut self, kind: u32, number: u64, records: Vec<u8>, size: usize) {
        self.waiting.push_back(Answer { kind, number, records, part: BODY_MAX / size * size, given: 0 });
    }

    pub fn len(&self) -> usize {
        self.waiting.len()
    }

    /// Sends messages until `queue` octets wait to be read.
    pub fn pump(&mut self, channel: &mut Channel, queue: usize) {
        while let Some(answer) = self.waiting.front_mut() {
            if channel.queued() + BODY_MAX > queue {
                return;
            }
            let rest = &answer.records[answer.given..];
            if rest.len() > answer.part {
                channel.send(answer.kind | MORE, answer.number, &rest[..answer.part]);
                answer.given += answer.part;
            } else {
                channel.send(answer.kind, answer.number, rest);
                self.waiting.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::connection::Plain;

    const SIZE: usize = cpdp::USE_SIZE;

    #[test]
    fn a_long_answer_comes_in_whole_records_as_there_is_room() {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut channel = Channel::new(Box::new(Plain::unix(ours).unwrap()));
        let mut other = Channel::new(Box::new(Plain::unix(theirs).unwrap()));
        let mut answers = Answers::default();
        let records: Vec<u8> = (0..3 * BODY_MAX / SIZE).flat_map(|n| [n as u8; SIZE]).collect();
        answers.add(cpdp::KIND_USAGE, 7, records.clone(), SIZE);
        answers.add(cpdp::KIND_ACTIVITY, 8, Vec::new(), cpdp::ACTIVITY_SIZE);
        let (mut messages, mut turns) = (Vec::new(), 0);
        while answers.len() > 0 || channel.queued() > 0 {
            answers.pump(&mut channel, 2 * BODY_MAX);
            assert!(channel.queued() <= 3 * BODY_MAX);
            channel.flush().unwrap();
            other.fill().unwrap();
            while let Some(message) = other.next().unwrap() {
                messages.push(message);
            }
            turns += 1;
            assert!(turns < 100);
        }
        while let Ok(true) = other.fill() {
            match other.next().unwrap() {
                Some(message) => messages.push(message),
                None => break,
            }
        }
        let last = messages.pop().unwrap();
        assert_eq!((last.kind, last.flags, last.number, last.body.len()), (cpdp::KIND_ACTIVITY, 0, 8, 0));
        let flags: Vec<u32> = messages.iter().map(|message| message.flags).collect();
        assert_eq!(flags, [cpdp::ANSWER_FLAG_MORE, cpdp::ANSWER_FLAG_MORE, 0]);
        assert!(messages.iter().all(|message| message.number == 7 && message.body.len() % SIZE == 0));
        assert_eq!(messages.into_iter().flat_map(|message| message.body).collect::<Vec<u8>>(), records);
    }
}
