//! Packets between the kernel and the module's frames, without a copy in between.

use std::io;
use std::net::Ipv6Addr;
use std::os::fd::{AsRawFd, OwnedFd};

use maar_module::{DataPlane, Error, abi};

use crate::plane::Plane;
use crate::sys;

const FRAME: usize = abi::LIMIT_FRAME_SIZE as usize;
const HEADROOM: usize = abi::LIMIT_HEADROOM as usize;
/// One octet more than the module takes, so that a longer packet is seen as such and not cut.
const ROOM: usize = abi::LIMIT_PACKET_MAX as usize + 1;
const HEADER: usize = 40;
const NEXT_HEADER_IPV6: u8 = 41;
const DESTINATION: usize = 24;
const MULTICAST: u8 = 0xff;
/// Batches of one descriptor before the others get their turn.
const ROUNDS: usize = 8;

pub struct Access {
    pub tun: OwnedFd,
    pub link: u8,
    pub interface: u32,
}

pub struct Path {
    pub core: OwnedFd,
    pub access: Vec<Access>,
    pub tunnel: OwnedFd,
    pub locator: Ipv6Addr,
    pub counts: Counts,
}

#[derive(Default)]
pub struct Counts {
    pub packets: u64,
    pub batches: u64,
    /// Packets that did not get as far as the module, or came out of it and could not leave.
    pub dropped: u64,
}

/// Where packets come from.
#[derive(Clone, Copy)]
pub enum From {
    Core,
    Access(usize),
    Tunnel,
}

impl Path {
    /// Takes what waits at one descriptor through the module. Without an instance, packets are taken and dropped.
    pub fn drain(&mut self, plane: &mut Plane, from: From, now: u64) -> io::Result<()> {
        for _ in 0..ROUNDS {
            let (count, more) = match plane.instance() {
                Some(instance) => self.fill(instance, from)?,
                None => return self.discard(from),
            };
            self.run(plane, count, matches!(from, From::Core), now);
            if !more {
                break;
            }
        }
        Ok(())
    }

    /// Lets what was released leave and what waited too long expire.
    pub fn flush(&mut self, plane: &mut Plane, now: u64) {
        self.run(plane, 0, false, now);
    }

    /// Reads packets into frames: how many, and whether more may wait.
    fn fill(&mut self, plane: &mut DataPlane, from: From) -> io::Result<(usize, bool)> {
        let batch = plane.capacities().batch as usize;
        let frames = plane.base(abi::AREA_FRAMES);
        let mut count = 0;
        while count < batch {
            let room = &mut plane.memory_mut()[frames + count * FRAME + HEADROOM..][..ROOM];
            let (length, port) = match from {
                From::Core => (sys::read(self.core.as_raw_fd(), room)?, abi::PORT_CORE as u8),
                From::Access(index) => {
                    let access = &self.access[index];
                    (sys::read(access.tun.as_raw_fd(), room)?, access.link)
                }
                From::Tunnel => match sys::receive(self.tunnel.as_raw_fd(), &mut room[HEADER..])? {
                    None => (None, 0),
                    Some(received) => {
                        self.counts.packets += 1;
                        let inside = self.access.iter().any(|access| access.interface == received.interface);
                        if inside || received.truncated {
                            self.counts.dropped += 1;
                            continue;
                        }
                        write_outer(room, &received, self.locator);
                        (Some(HEADER + received.length), abi::PORT_CORE as u8)
                    }
                },
            };
            let Some(length) = length else { return Ok((count, false)) };
            if !matches!(from, From::Tunnel) {
                // The kernel's own listener reports on the device; multicast is not forwarded.
                if room[DESTINATION] == MULTICAST {
                    continue;
                }
                self.counts.packets += 1;
            }
            set_input(plane, count, length, port);
            count += 1;
        }
        Ok((count, true))
    }

    fn discard(&mut self, from: From) -> io::Result<()> {
        let fd = match from {
            From::Core => self.core.as_raw_fd(),
            From::Access(index) => self.access[index].tun.as_raw_fd(),
            From::Tunnel => self.tunnel.as_raw_fd(),
        };
        let mut octets = [0; ROOM];
        while sys::read(fd, &mut octets)?.is_some() {
            self.counts.packets += 1;
            self.counts.dropped += 1;
        }
        Ok(())
    }

    fn run(&mut self, plane: &mut Plane, count: usize, from_core_tun: bool, now: u64) {
        self.counts.batches += u64::from(count > 0);
        let done = plane.guard(|instance| {
            let outputs = instance.process(count as u32, now)?;
            for position in 0..outputs as usize {
                self.send(instance, position, from_core_tun)?;
            }
            Ok(())
        });
        if done.is_none() {
            self.counts.dropped += count as u64;
        }
    }

    /// Sends one output; fails where the module names what lies outside of its areas.
    fn send(&mut self, plane: &DataPlane, position: usize, from_core_tun: bool) -> Result<(), Error> {
        let memory = plane.memory();
        let u16_at = |at: usize| usize::from(u16::from_le_bytes([memory[at], memory[at + 1]]));
        let u32_at = |at: usize| u32::from_le_bytes(memory[at..][..4].try_into().unwrap_or_default());
        let frames = plane.capacities().frames();
        if position >= frames {
            return Err(Error::Wild("outputs"));
        }
        let index = u32_at(plane.base(abi::AREA_OUTPUTS) + 4 * position) as usize;
        if index >= frames {
            return Err(Error::Wild("a descriptor"));
        }
        let descriptor = plane.base(abi::AREA_DESCRIPTORS) + index * abi::DESCRIPTOR_SIZE;
        let start = u16_at(descriptor + abi::DESCRIPTOR_OFFSET_AT);
        let end = start + u16_at(descriptor + abi::DESCRIPTOR_LENGTH_AT);
        if end > FRAME {
            return Err(Error::Wild("a packet"));
        }
        let frame = plane.base(abi::AREA_FRAMES) + index * FRAME;
        let leaves = match u32::from(memory[descriptor + abi::DESCRIPTOR_VERDICT_AT]) {
            abi::VERDICT_DELIVER | abi::VERDICT_CORE => true,
            // Back to the kernel's routing, unless that would lead it here again; what the module made has no input.
            abi::VERDICT_PASS => {
                let made = u32_at(descriptor + abi::DESCRIPTOR_INPUT_AT) == abi::NONE;
                self.counts.dropped += u64::from(from_core_tun && !made);
                !from_core_tun || made
            }
            _ => false,
        };
        if leaves
            && !matches!(sys::write(self.core.as_raw_fd(), &memory[frame + start..frame + end]), Ok(Some(_)))
        {
            self.counts.dropped += 1;
        }
        Ok(())
    }
}

fn set_input(plane: &mut DataPlane, index: usize, length: usize, port: u8) {
    let at = plane.base(abi::AREA_DESCRIPTORS) + index * abi::DESCRIPTOR_SIZE;
    let record = &mut plane.memory_mut()[at..][..abi::DESCRIPTOR_SIZE];
    record[abi::DESCRIPTOR_OFFSET_AT..][..2].copy_from_slice(&(HEADROOM as u16).to_le_bytes());
    record[abi::DESCRIPTOR_LENGTH_AT..][..2].copy_from_slice(&(length as u16).to_le_bytes());
    record[abi::DESCRIPTOR_PORT_AT] = port;
    record[abi::DESCRIPTOR_FLAGS_AT] = 0;
}

/// The outer header, which the raw socket leaves out.
fn write_outer(packet: &mut [u8], received: &sys::Received, locator: Ipv6Addr) {
    let first = 6 << 28 | u32::from(received.traffic_class) << 20 | received.flow_label;
    packet[..4].copy_from_slice(&first.to_be_bytes());
    packet[4..6].copy_from_slice(&(received.length as u16).to_be_bytes());
    packet[6] = NEXT_HEADER_IPV6;
    packet[7] = received.hop_limit;
    packet[8..24].copy_from_slice(&received.source);
    packet[24..40].copy_from_slice(&locator.octets());
}
