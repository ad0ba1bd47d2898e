//! The data plane's side of what messages concern (bindings/cpdp/README.md).

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use maar_module::abi;

use crate::access::Links;
use crate::cpdp;
use crate::headless::Headless;
use crate::journal::Record;
use crate::kernel::Kernel;
use crate::options::Options;
use crate::path::Path;
use crate::plane::Plane;
use crate::session::{Fault, Session, tell};
use crate::traffic::Traffic;
use crate::{log, sys};

/// Of the longest message: its length field counts up to 255 units of 8 octets after the first.
const SIGNAL_MAX: usize = 2048;
/// Messages of peers, or of whoever writes to the locator, before packets get their turn.
const SIGNALS: usize = 256;
/// Entries that are deleted in one turn of the loop: some 40 ms of the kernel's with 1,000 stations.
const DELETE_PART: usize = 32;
/// The module takes second 0 of its clock for "never used".
const CLOCK_START: u64 = 1000;
const MOBILITY: u8 = libc::IPPROTO_MH as u8;
const ICMPV6: u8 = libc::IPPROTO_ICMPV6 as u8;

/// What outlives a connection.
pub struct Memory {
    pub boot: u64,
    started: Instant,
    pub generation: u64,
    /// Answer to the last batch, for control that asks again.
    pub statuses: Vec<u8>,
    /// Events that nobody was there to read.
    pub lost: u64,
    pub headless: Headless,
}

pub struct Router {
    pub plane: Plane,
    pub path: Path,
    /// Mobility Header messages.
    pub signalling: OwnedFd,
    /// Sends ICMPv6 messages.
    pub icmp: OwnedFd,
    pub kernel: Kernel,
    pub links: Links,
    pub traffic: Traffic,
    pub settings: Options,
    pub memory: Memory,
}

impl Memory {
    pub fn new() -> Self {
        Self {
            boot: sys::random(),
            started: Instant::now(),
            generation: 0,
            statuses: Vec::new(),
            lost: 0,
            headless: Headless::default(),
        }
    }
}

impl Router {
    /// Milliseconds of the data plane's clock.
    pub fn now(&self) -> u64 {
        CLOCK_START + self.memory.started.elapsed().as_millis() as u64
    }

    pub fn hello(&self) -> Vec<u8> {
        let (options, settings) = (self.plane.options(), &self.settings);
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
        body.extend_from_slice(&settings.pool.0.octets());
        let activity = if settings.activity { cpdp::HELLO_FLAG_ACTIVITY } else { 0 };
        let clamp_mss = if settings.clamp_mss { cpdp::HELLO_FLAG_CLAMP_MSS } else { 0 };
        body.extend_from_slice(&[settings.pool.1, settings.access.len() as u8, (activity | clamp_mss) as u8]);
        body.resize(cpdp::HELLO_SIZE, 0);
        for access in &settings.access {
            let at = body.len();
            body.resize(at + cpdp::LINK_SIZE, 0);
            let link = &mut body[at..];
            link[cpdp::LINK_LINK_AT] = access.link;
            link[cpdp::LINK_MAC_AT..][..6].copy_from_slice(&access.mac);
            link[cpdp::LINK_LINK_LOCAL_AT..][..16].copy_from_slice(&access.link_local.octets());
            link[cpdp::LINK_INTERFACE_AT..][..access.interface.len()]
                .copy_from_slice(access.interface.as_bytes());
        }
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
            counts.dropped + self.links.dropped,
            rebuilds,
            entries,
            memory,
        ];
        let mut body: Vec<u8> = words.iter().flat_map(|word| word.to_le_bytes()).collect();
        body.resize(cpdp::STATUS_SIZE, 0);
        self.kernel.count(&mut body);
        let tunnelled = &mut body[cpdp::STATUS_ACCESS_TUNNEL_AT..][..8];
        let dropped = u64::from_le_bytes(tunnelled.try_into().unwrap_or_default());
        tunnelled.copy_from_slice(&(dropped + self.path.counts.access_tunnel).to_le_bytes());
        body.extend_from_slice(&counters);
        body
    }

    /// Records `activity` of all stations; none where they are not counted.
    pub fn activity(&mut self) -> Vec<u8> {
        if !self.settings.activity {
            return Vec::new();
        }
        let stations = self.kernel.activity().unwrap_or_else(|error| {
            log::line(log::ERROR, &format!("activity of stations: {error}"));
            HashMap::new()
        });
        let mut records = Vec::with_capacity(stations.len() * cpdp::ACTIVITY_SIZE);
        for (mac, activity) in stations {
            records.extend_from_slice(&mac);
            records.extend_from_slice(&[0; 2]);
            records.extend_from_slice(&activity.sent.to_le_bytes());
            records.extend_from_slice(&activity.received.to_le_bytes());
        }
        records
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
        for _ in 0..SIGNALS {
            let received = sys::receive(self.signalling.as_raw_fd(), &mut body[cpdp::PACKET_SIZE..])?;
            let Some(received) = received else { break };
            body[cpdp::PACKET_ADDRESS_AT..][..16].copy_from_slice(&received.source);
            body[cpdp::PACKET_INTERFACE_AT..][..4].copy_from_slice(&received.interface.to_le_bytes());
            body[cpdp::PACKET_PROTOCOL_AT] = MOBILITY;
            body[cpdp::PACKET_HOP_LIMIT_AT] = received.hop_limit;
            let inside = self.path.is_access(received.interface);
            body[cpdp::PACKET_SIDE_AT] = if inside { cpdp::SIDE_ACCESS } else { cpdp::SIDE_CORE } as u8;
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
        let socket = match packet[cpdp::PACKET_PROTOCOL_AT] {
            MOBILITY => &self.signalling,
            ICMPV6 => &self.icmp,
            _ => return Err((cpdp::FAULT_MALFORMED, "a packet of another protocol")),
        };
        if message.is_empty() {
            return Err((cpdp::FAULT_MALFORMED, "an empty packet"));
        }
        let address = packet[cpdp::PACKET_ADDRESS_AT..][..16].try_into().unwrap_or_default();
        let sent = sys::send(socket.as_raw_fd(), address, message);
        self.path.counts.dropped += u64::from(!matches!(sent, Ok(Some(_))));
        Ok(())
    }

    /// Carries out a batch, the kernel's part and the data plane's; its statuses. Of a `whole` set, what stands already is
    /// only named.
    pub fn carry_out(&mut self, records: &[Record], whole: bool) -> Vec<u8> {
        let mut statuses = vec![abi::STATUS_OK as u8; records.len()];
        let changes: Vec<usize> = (0..records.len())
            .filter(|&index| !(whole && self.plane.journal.repeats(&records[index])))
            .collect();
        let commands: Vec<Record> = changes.iter().map(|&index| records[index]).collect();
        let answers = self.apply(&commands);
        for (position, &index) in changes.iter().enumerate() {
            statuses[index] = answers.as_ref().map_or(abi::STATUS_STATE as u8, |answers| answers[position]);
        }
        statuses
    }

    /// Puts the kernel's part back of access links whose interface was down.
    pub fn restore_links(&mut self) {
        for link in self.links.returned() {
            self.kernel.restore(link, &self.plane.journal);
        }
    }

    /// Loads the table of nftables again where somebody else has deleted it.
    pub fn restore_table(&mut self) {
        self.kernel.restore_table(&self.settings, &self.plane.journal);
    }

    /// Deletes some of what the last whole set did not name. Without an instance that waits for the next one.
    pub fn delete_unnamed(&mut self) {
        let part = self.plane.journal.ending(DELETE_PART);
        if self.plane.instance().is_some() && self.apply(&part).is_some() {
            self.plane.journal.ended(&part);
        }
    }

    /// How long until `delete_unnamed` has something to do.
    pub fn deletion(&mut self) -> Option<Duration> {
        (self.plane.journal.ends() && self.plane.instance().is_some()).then_some(Duration::ZERO)
    }

    /// In the order of docs/linux.md: the kernel's part before, the data plane's, the kernel's after.
    fn apply(&mut self, commands: &[Record]) -> Option<Vec<u8>> {
        self.kernel.before(commands);
        // The kernel's route may be gone already: what it led here meets the entries that it was led here for.
        let now = self.now();
        let _ = self.path.drain(&mut self.plane, crate::path::From::Core, now);
        let answers = self.plane.apply(commands);
        // Released packets leave before control hears of it, and before any packet that came later.
        self.path.flush(&mut self.plane, now);
        self.kernel.after(commands, &self.plane.journal);
        answers
    }
}
