//! What control asks for, and what it is answered (bindings/cpdp/README.md).

use std::io;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use maar_module::abi;

use crate::channel::{Channel, Message};
use crate::cpdp;
use crate::journal::Record;
use crate::path::Path;
use crate::plane::Plane;
use crate::sys;

const SILENCE: Duration = Duration::from_millis(cpdp::SILENCE_MILLIS as u64);
/// Of the longest message: its length field counts up to 255 units of 8 octets after the first.
const SIGNAL_MAX: usize = 2048;
const MOBILITY: u8 = libc::IPPROTO_MH as u8;
const QUEUE_MAX: usize = cpdp::QUEUE_MAX as usize;

/// What outlives a connection.
pub struct Memory {
    boot: u64,
    started: Instant,
    generation: u64,
    /// Answer to the last batch, for control that asks again.
    statuses: Vec<u8>,
    /// Events that nobody was there to read.
    lost: u64,
}

/// A code of `cpdp::FAULT_*` and what was wrong.
type Fault = (u32, &'static str);

pub struct Session {
    channel: Channel,
    greeted: bool,
    /// Whether a whole set has begun on this connection.
    in_set: bool,
    heard: Instant,
}

/// The data plane's side of what messages concern.
pub struct Router {
    pub plane: Plane,
    pub path: Path,
    /// Mobility Header messages.
    pub signalling: OwnedFd,
    pub memory: Memory,
}

impl Memory {
    pub fn new() -> Self {
        Self { boot: sys::random(), started: Instant::now(), generation: 0, statuses: Vec::new(), lost: 0 }
    }
}

impl Router {
    /// Milliseconds of the data plane's clock.
    pub fn now(&self) -> u64 {
        self.memory.started.elapsed().as_millis() as u64
    }

    fn hello(&self) -> Vec<u8> {
        let options = self.plane.options();
        let c = options.capacities;
        let mut body = Vec::with_capacity(cpdp::HELLO_SIZE);
        for word in [cpdp::CPDP_VERSION, abi::ABI_VERSION] {
            body.extend_from_slice(&word.to_le_bytes());
        }
        for word in [self.memory.boot, self.memory.generation] {
            body.extend_from_slice(&word.to_le_bytes());
        }
        let words = [c.batch, c.destinations, c.sources, c.peers, c.flows, c.held, c.flow_entries];
        for word in words.into_iter().chain([options.core_mtu]) {
            body.extend_from_slice(&word.to_le_bytes());
        }
        body.extend_from_slice(&options.locator);
        body.resize(cpdp::HELLO_SIZE, 0);
        body
    }

    fn status(&mut self) -> Vec<u8> {
        let (counts, plane) = (&self.path.counts, &mut self.plane);
        let mut counters = vec![0; abi::COUNTER_SLOTS as usize * 8];
        let (rebuilds, entries) = (plane.rebuilds, plane.journal.len() as u64);
        let memory = plane.instance().map_or(0, |instance| {
            let at = instance.base(abi::AREA_COUNTERS);
            counters.copy_from_slice(&instance.memory()[at..][..abi::COUNTER_SLOTS as usize * 8]);
            instance.memory().len() as u64
        });
        let (up, busy) = (self.memory.started.elapsed().as_millis() as u64, sys::busy_micros());
        let words = [
            self.memory.generation,
            up,
            busy,
            counts.packets,
            counts.batches,
            counts.dropped,
            rebuilds,
            entries,
            memory,
        ];
        let mut body: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        // What nftables has dropped and counted.
        body.resize(cpdp::STATUS_SIZE, 0);
        body.extend_from_slice(&counters);
        body
    }

    /// Takes events out of the module; they go to `session`, or are lost.
    pub fn events(&mut self, session: Option<&mut Session>) {
        let taken = self.plane.guard(|instance| {
            let count = instance.events()? as usize;
            let at = instance.base(abi::AREA_EVENTS);
            Ok(instance.memory()[at..][..count * abi::EVENT_SIZE].to_vec())
        });
        let records = taken.unwrap_or_default();
        if records.is_empty() {
            return;
        }
        if !tell(session, cpdp::KIND_EVENT, self.memory.lost, &records) {
            self.memory.lost += (records.len() / abi::EVENT_SIZE) as u64;
        }
    }

    /// Takes Mobility Header messages from the kernel; they go to `session`, or are lost.
    pub fn signals(&mut self, mut session: Option<&mut Session>) -> io::Result<()> {
        let mut body = [0; cpdp::PACKET_SIZE + SIGNAL_MAX];
        while let Some(received) = sys::receive(self.signalling.as_raw_fd(), &mut body[cpdp::PACKET_SIZE..])?
        {
            body[cpdp::PACKET_ADDRESS_AT..][..16].copy_from_slice(&received.source);
            body[cpdp::PACKET_INTERFACE_AT..][..4].copy_from_slice(&received.interface.to_le_bytes());
            body[cpdp::PACKET_PROTOCOL_AT] = MOBILITY;
            body[cpdp::PACKET_HOP_LIMIT_AT] = received.hop_limit;
            let body = &body[..cpdp::PACKET_SIZE + received.length];
            let told = !received.truncated
                && tell(session.as_deref_mut(), cpdp::KIND_PACKET_IN, self.memory.lost, body);
            self.memory.lost += u64::from(!told);
        }
        Ok(())
    }

    fn send_signal(&mut self, body: &[u8]) -> Result<(), Fault> {
        let Some((packet, message)) = body.split_at_checked(cpdp::PACKET_SIZE) else {
            return Err((cpdp::FAULT_MALFORMED, "no packet"));
        };
        if packet[cpdp::PACKET_PROTOCOL_AT] != MOBILITY || message.is_empty() {
            return Err((cpdp::FAULT_MALFORMED, "a packet of another protocol, or an empty one"));
        }
        let address = packet[cpdp::PACKET_ADDRESS_AT..][..16].try_into().unwrap_or_default();
        let sent = sys::send(self.signalling.as_raw_fd(), address, message);
        self.path.counts.dropped += u64::from(!matches!(sent, Ok(Some(_))));
        Ok(())
    }

    fn carry_out(&mut self, records: &[Record], whole: bool) -> Vec<u8> {
        // The kernel's route may be gone already: what it led here meets the entries that it was led here for.
        let now = self.now();
        let _ = self.path.drain(&mut self.plane, crate::path::From::Core, now);
        let mut statuses = vec![abi::STATUS_OK as u8; records.len()];
        let changes: Vec<usize> = (0..records.len())
            .filter(|&index| !(whole && self.plane.journal.repeats(&records[index])))
            .collect();
        let commands: Vec<Record> = changes.iter().map(|&index| records[index]).collect();
        let answers = self.plane.apply(&commands);
        for (position, &index) in changes.iter().enumerate() {
            statuses[index] = answers.as_ref().map_or(abi::STATUS_STATE as u8, |answers| answers[position]);
        }
        // Released packets leave before control hears of it, and before any packet that came later.
        self.path.flush(&mut self.plane, now);
        statuses
    }

    fn delete_unnamed(&mut self) {
        for part in self.plane.journal.unnamed().chunks(abi::LIMIT_COMMANDS as usize) {
            self.plane.apply(part);
        }
    }
}

/// Sends what nobody has asked for, if there is somebody who reads; whether it did.
fn tell(session: Option<&mut Session>, kind: u32, number: u64, body: &[u8]) -> bool {
    match session {
        Some(session) if session.greeted && session.channel.queued() + body.len() <= QUEUE_MAX => {
            session.channel.send(kind, number, body);
            true
        }
        _ => false,
    }
}

impl Session {
    pub fn new(stream: UnixStream) -> io::Result<Self> {
        Ok(Self { channel: Channel::new(stream)?, greeted: false, in_set: false, heard: Instant::now() })
    }

    pub fn fd(&self) -> RawFd {
        self.channel.stream.as_raw_fd()
    }

    pub fn wants_to_write(&self) -> bool {
        self.channel.queued() > 0
    }

    /// Time until a silent control counts as gone.
    pub fn patience(&self) -> Duration {
        SILENCE.saturating_sub(self.heard.elapsed())
    }

    /// Answers all that has arrived; false once the connection is to be closed.
    pub fn readable(&mut self, router: &mut Router) -> bool {
        if !matches!(self.channel.fill(), Ok(true)) {
            return false;
        }
        loop {
            let answered = match self.channel.next() {
                Ok(None) => break,
                Ok(Some(message)) => self.answer(router, message),
                Err(text) => Err((cpdp::FAULT_MALFORMED, text)),
            };
            if let Err((code, text)) = answered {
                self.refuse(code, text);
                return false;
            }
            self.heard = Instant::now();
        }
        self.flush()
    }

    /// Writes what control has room for; false where it is gone, or leaves its answers unread.
    pub fn flush(&mut self) -> bool {
        self.channel.flush().is_ok() && self.channel.queued() <= 2 * QUEUE_MAX
    }

    /// One too many: hears so once it has said something, and waits no longer than others may be silent.
    pub fn stay(mut self, said: bool) -> Option<Self> {
        if !said && !self.patience().is_zero() {
            return Some(self);
        }
        // What is unread at the end of a connection would take the answer away.
        let _ = self.channel.fill();
        self.refuse(cpdp::FAULT_BUSY, "another control is connected");
        None
    }

    /// Says why the connection ends, as far as there is room.
    fn refuse(&mut self, code: u32, text: &str) {
        let mut body = vec![code as u8];
        body.extend_from_slice(text.as_bytes());
        self.channel.send(cpdp::KIND_FAULT, 0, &body);
        let _ = self.channel.flush();
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
            cpdp::KIND_STATUS if body.is_empty() => {
                self.channel.send(cpdp::KIND_STATUS, number, &router.status());
                Ok(())
            }
            cpdp::KIND_PING if body.is_empty() => {
                self.channel.send(cpdp::KIND_PONG, number, &[]);
                Ok(())
            }
            cpdp::KIND_STATUS | cpdp::KIND_PING => Err((cpdp::FAULT_MALFORMED, "a body where there is none")),
            _ => Err((cpdp::FAULT_MALFORMED, "an unknown kind, or one that only the agent sends")),
        }
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
        self.channel.send(cpdp::KIND_HELLO, 0, &router.hello());
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
                router.delete_unnamed();
                self.in_set = false;
            }
            router.memory.generation = number;
        }
        self.channel.send(cpdp::KIND_APPLIED, number, &router.memory.statuses);
        Ok(())
    }
}
