//! The data plane's side of what messages concern (bindings/cpdp/README.md).

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::Instant;

use maar_module::abi;

use crate::cpdp;
use crate::journal::Record;
use crate::path::Path;
use crate::plane::Plane;
use crate::session::{Fault, Session, tell};
use crate::sys;

/// Of the longest message: its length field counts up to 255 units of 8 octets after the first.
const SIGNAL_MAX: usize = 2048;
const MOBILITY: u8 = libc::IPPROTO_MH as u8;

/// What outlives a connection.
pub struct Memory {
    pub boot: u64,
    started: Instant,
    pub generation: u64,
    /// Answer to the last batch, for control that asks again.
    pub statuses: Vec<u8>,
    /// Events that nobody was there to read.
    pub lost: u64,
}

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

    pub fn hello(&self) -> Vec<u8> {
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

    pub fn status(&mut self) -> Vec<u8> {
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

    pub fn send_signal(&mut self, body: &[u8]) -> Result<(), Fault> {
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

    pub fn carry_out(&mut self, records: &[Record], whole: bool) -> Vec<u8> {
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

    pub fn delete_unnamed(&mut self) {
        for part in self.plane.journal.unnamed().chunks(abi::LIMIT_COMMANDS as usize) {
            self.plane.apply(part);
        }
    }
}
