//! What control asks for, and what it is answered (bindings/cpdp/README.md).

use std::os::fd::RawFd;
use std::time::{Duration, Instant};

use maar_module::abi;

use crate::answers::Answers;
use crate::channel::{Channel, Message};
use crate::connection::Connection;
use crate::cpdp;
use crate::router::Router;

const SILENCE: Duration = Duration::from_millis(cpdp::SILENCE_MILLIS as u64);
const QUEUE_MAX: usize = cpdp::QUEUE_MAX as usize;
/// Questions about many things that may wait for their answers at the same time.
const QUESTIONS: usize = 8;

/// A code of `cpdp::FAULT_*` and what was wrong.
pub type Fault = (u32, &'static str);

pub struct Session {
    channel: Channel,
    /// Where control is, for people.
    pub peer: String,
    /// Network that the connection comes from; none on a Unix socket.
    pub network: Option<u64>,
    greeted: bool,
    /// Whether a whole set has begun on this connection.
    in_set: bool,
    answers: Answers,
    heard: Instant,
}

/// Sends what nobody has asked for, if there is somebody who reads; whether it did.
pub fn tell(session: Option<&mut Session>, kind: u32, number: u64, body: &[u8]) -> bool {
    match session {
        Some(session) if session.greeted && session.channel.queued() + body.len() <= QUEUE_MAX => {
            session.channel.send(kind, number, body);
            true
        }
        _ => false,
    }
}

impl Session {
    pub fn new(connection: Box<dyn Connection>, peer: String) -> Self {
        let channel = Channel::new(connection);
        Self {
            channel,
            peer,
            network: None,
            greeted: false,
            in_set: false,
            answers: Answers::default(),
            heard: Instant::now(),
        }
    }

    pub fn fd(&self) -> RawFd {
        self.channel.connection.fd()
    }

    pub fn greeted(&self) -> bool {
        self.greeted
    }

    /// Octets that wait for control to read them.
    pub fn queued(&self) -> usize {
        self.channel.queued()
    }

    pub fn wants_to_write(&self) -> bool {
        self.channel.wants_to_write()
    }

    /// Time until a silent control counts as gone.
    pub fn patience(&self) -> Duration {
        SILENCE.saturating_sub(self.heard.elapsed())
    }

    /// Answers all that has arrived, and writes what control has room for; an error where the connection has ended.
    pub fn turn(&mut self, router: &mut Router, revents: i16) -> Result<(), String> {
        if revents & !libc::POLLOUT != 0 {
            self.fill()?;
            loop {
                let answered = match self.channel.next() {
                    Ok(None) => break,
                    Ok(Some(message)) => self.answer(router, message),
                    Err(text) => Err((cpdp::FAULT_MALFORMED, text)),
                };
                if let Err((code, text)) = answered {
                    return Err(self.refuse(code, text));
                }
                self.heard = Instant::now();
                if self.channel.queued() > QUEUE_MAX {
                    self.flush()?;
                }
            }
        }
        self.flush()?;
        self.wait()
    }

    /// In place of `turn` where another control is connected: this one hears so once it has greeted.
    pub fn turn_away(&mut self, revents: i16) -> Result<(), String> {
        if revents & !libc::POLLOUT != 0 {
            self.fill()?;
            if !matches!(self.channel.next(), Ok(None)) {
                return Err(self.refuse(cpdp::FAULT_BUSY, "another control is connected"));
            }
        }
        self.flush()?;
        self.wait()
    }

    fn flush(&mut self) -> Result<(), String> {
        loop {
            self.answers.pump(&mut self.channel, QUEUE_MAX);
            self.channel.flush().map_err(|error| format!("is gone: {error}"))?;
            if self.answers.len() == 0 || self.channel.queued() > 0 {
                break;
            }
        }
        if self.channel.queued() > 2 * QUEUE_MAX {
            return Err("leaves its answers unread".into());
        }
        Ok(())
    }

    fn fill(&mut self) -> Result<(), String> {
        match self.channel.fill() {
            Ok(true) => Ok(()),
            Ok(false) => Err("is gone".into()),
            Err(error) => Err(format!("is gone: {error}")),
        }
    }

    fn wait(&self) -> Result<(), String> {
        if self.patience().is_zero() { Err("is silent".into()) } else { Ok(()) }
    }

    /// Says why the connection ends, as far as there is room.
    fn refuse(&mut self, code: u32, text: &str) -> String {
        let mut body = vec![code as u8];
        body.extend_from_slice(text.as_bytes());
        self.channel.send(cpdp::KIND_FAULT, 0, &body);
        let _ = self.channel.flush();
        format!("is refused: {text}")
    }

    fn answer(&mut self, router: &mut Router, message: Message) -> Result<(), Fault> {
        let Message { kind, flags, number, body } = message;
        if !self.greeted {
            return self.greet(router, kind, &body);
        }
        if flags != 0 && kind != cpdp::KIND_APPLY {
            return Err((cpdp::FAULT_MALFORMED, "flags where there are none"));
        }
        match kind {
            cpdp::KIND_APPLY => self.apply(router, flags, number, &body),
            cpdp::KIND_PACKET_OUT => router.send_signal(&body),
            cpdp::KIND_FRAME_OUT | cpdp::KIND_ATTACHED | cpdp::KIND_KEEPING => {
                router.links.command(kind, number, &body).map_err(|text| (cpdp::FAULT_MALFORMED, text))
            }
            cpdp::KIND_STATUS if body.is_empty() => {
                self.channel.send(cpdp::KIND_STATUS, number, &router.status());
                Ok(())
            }
            cpdp::KIND_ACTIVITY | cpdp::KIND_USAGE if body.is_empty() => self.ask(router, kind, number),
            cpdp::KIND_PING if body.is_empty() => {
                self.channel.send(cpdp::KIND_PONG, number, &[]);
                Ok(())
            }
            cpdp::KIND_STATUS | cpdp::KIND_ACTIVITY | cpdp::KIND_USAGE | cpdp::KIND_PING => {
                Err((cpdp::FAULT_MALFORMED, "a body where there is none"))
            }
            _ => Err((cpdp::FAULT_MALFORMED, "an unknown kind, or one that only the agent sends")),
        }
    }

    fn ask(&mut self, router: &mut Router, kind: u32, number: u64) -> Result<(), Fault> {
        if self.answers.len() + router.traffic.asked() >= QUESTIONS {
            return Err((cpdp::FAULT_MALFORMED, "too many questions at the same time"));
        }
        if kind == cpdp::KIND_ACTIVITY {
            self.give(kind, number, router.activity(), cpdp::ACTIVITY_SIZE);
        } else {
            let now = router.now();
            if let Some(uses) = router.traffic.ask(number, &mut router.plane, now) {
                self.give(kind, number, uses, cpdp::USE_SIZE);
            }
        }
        Ok(())
    }

    /// Answers with records of `size` octets, in one message or more, as there is room.
    pub fn give(&mut self, kind: u32, number: u64, records: Vec<u8>, size: usize) {
        self.answers.add(kind, number, records, size);
    }

    fn greet(&mut self, router: &mut Router, kind: u32, body: &[u8]) -> Result<(), Fault> {
        if kind != cpdp::KIND_GREETING || body.len() != cpdp::GREETING_SIZE {
            return Err((cpdp::FAULT_MALFORMED, "the first message is a greeting of 16 octets"));
        }
        let word = |at: usize| u32::from_le_bytes(body[at..][..4].try_into().unwrap_or_default());
        if word(cpdp::GREETING_PROTOCOL_AT) != cpdp::CPDP_VERSION {
            return Err((cpdp::FAULT_PROTOCOL, "this agent has version 1 of the control channel"));
        }
        if word(cpdp::GREETING_ABI_AT) != abi::ABI_VERSION {
            return Err((cpdp::FAULT_ABI, "this agent's data plane has ABI version 1"));
        }
        self.greeted = true;
        router.memory.headless.greeted(word(cpdp::GREETING_LIFETIME_AT));
        self.channel.send(cpdp::KIND_HELLO, 0, &router.hello());
        router.links.greeted();
        router.traffic.greeted();
        Ok(())
    }

    fn apply(&mut self, router: &mut Router, flags: u32, number: u64, body: &[u8]) -> Result<(), Fault> {
        let (records, rest) = body.as_chunks::<{ abi::COMMAND_SIZE }>();
        if !rest.is_empty() || flags & !(cpdp::APPLY_FLAG_BEGIN | cpdp::APPLY_FLAG_END) != 0 {
            return Err((cpdp::FAULT_MALFORMED, "no whole number of commands, or an unknown flag"));
        }
        let (begin, end) = (flags & cpdp::APPLY_FLAG_BEGIN != 0, flags & cpdp::APPLY_FLAG_END != 0);
        let again = number == router.memory.generation && number > 0;
        if !again && number != router.memory.generation + 1 {
            return Err((cpdp::FAULT_GENERATION, "this batch does not follow the last one"));
        }
        if !again {
            if begin {
                router.plane.journal.begin();
                self.in_set = true;
            }
            if end && !self.in_set {
                return Err((cpdp::FAULT_MALFORMED, "the end of a set that has not begun"));
            }
            router.memory.statuses = router.carry_out(records, self.in_set);
            if end {
                router.plane.journal.end();
                router.delete_unnamed();
                self.in_set = false;
            }
            router.memory.generation = number;
        }
        self.channel.send(cpdp::KIND_APPLIED, number, &router.memory.statuses);
        Ok(())
    }
}

#[cfg(test)]
pub mod tests {
    use std::os::unix::net::UnixStream;

    use super::*;
    use crate::connection::Plain;

    /// A session that has greeted, and the other end of its connection.
    pub fn greeted() -> (Session, UnixStream) {
        let (ours, theirs) = UnixStream::pair().unwrap();
        let mut session = Session::new(Box::new(Plain::unix(ours).unwrap()), "a test".into());
        session.greeted = true;
        (session, theirs)
    }
}
