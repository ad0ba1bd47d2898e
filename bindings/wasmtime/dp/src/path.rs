//! Packets between the kernel and the module's frames, without a copy in between.

use std::io;
use std::net::Ipv6Addr;
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use maar_module::{DataPlane, Error, abi};

use crate::plane::Plane;
use crate::sys;

const FRAME: usize = abi::LIMIT_FRAME_SIZE as usize;
const HEADROOM: usize = abi::LIMIT_HEADROOM as usize;
/// One octet more than the module takes, so that a longer packet is seen as such and not cut.
const ROOM: usize = abi::LIMIT_PACKET_MAX as usize + 1;
const HEADER: usize = 40;
const DESTINATION: usize = 24;
const MULTICAST: u8 = 0xff;
/// Batches of one descriptor before the others get their turn.
const ROUNDS: usize = 8;
/// Packets that are dropped without an instance before the others get their turn.
const DISCARDED: usize = 512;

pub struct Access {
    pub tun: OwnedFd,
    pub link: u8,
    pub interface: u32,
}

pub struct Path {
    pub core: OwnedFd,
    pub access: Vec<Access>,
    pub tunnel: OwnedFd,
    /// ICMPv6 errors to us.
    pub errors: OwnedFd,
    pub locator: Ipv6Addr,
    pub counts: Counts,
}

#[derive(Default)]
pub struct Counts {
    pub packets: u64,
    pub batches: u64,
    /// IPv6-in-IPv6 from an access link.
    pub access_tunnel: u64,
    /// Packets that did not get as far as the module, or came out of it and could not leave.
    pub dropped: u64,
}

/// Where packets come from.
#[derive(Clone, Copy)]
pub enum From {
    Core,
    Access(usize),
    Tunnel,
    Errors,
}

/// Where a packet goes that the module passes: to the kernel's routing; nowhere, since the kernel has it already; or back
/// to where the kernel would lead it here again, so that it is dropped.
#[derive(Clone, Copy, PartialEq)]
enum Passed {
    Kernel,
    Nowhere,
    Back,
}

impl From {
    fn passed(self) -> Passed {
        match self {
            Self::Core => Passed::Back,
            Self::Access(_) | Self::Tunnel => Passed::Kernel,
            Self::Errors => Passed::Nowhere,
        }
    }
}

impl Path {
    /// Takes what waits at one descriptor through the module. Without an instance, packets are taken and dropped.
    pub fn drain(&mut self, plane: &mut Plane, from: From, now: u64) -> io::Result<()> {
        for _ in 0..ROUNDS {
            let (count, more) = match plane.instance() {
                Some(instance) => self.fill(instance, from)?,
                None => return self.discard(from),
            };
            self.run(plane, count, from.passed(), now);
            if !more {
                break;
            }
        }
        Ok(())
    }

    /// Lets what was released leave and what waited too long expire.
    pub fn flush(&mut self, plane: &mut Plane, now: u64) {
        self.run(plane, 0, Passed::Kernel, now);
    }

    fn fd(&self, from: From) -> RawFd {
        match from {
            From::Core => self.core.as_raw_fd(),
            From::Access(index) => self.access[index].tun.as_raw_fd(),
            From::Tunnel => self.tunnel.as_raw_fd(),
            From::Errors => self.errors.as_raw_fd(),
        }
    }

    pub fn is_access(&self, interface: u32) -> bool {
        self.access.iter().any(|access| access.interface == interface)
    }

    /// Reads packets into frames: how many, and whether more may wait.
    fn fill(&mut self, plane: &mut DataPlane, from: From) -> io::Result<(usize, bool)> {
        let batch = plane.capacities().batch as usize;
        let frames = plane.base(abi::AREA_FRAMES);
        let mut count = 0;
        while count < batch {
            let room = &mut plane.memory_mut()[frames + count * FRAME + HEADROOM..][..ROOM];
            let taken = match from {
                From::Core => self.read(from, abi::PORT_CORE as u8, room)?,
                From::Access(index) => self.read(from, self.access[index].link, room)?,
                From::Tunnel | From::Errors => self.receive(from, room)?,
            };
            match taken {
                None => return Ok((count, false)),
                Some(None) => (),
                Some(Some((length, port))) => {
                    set_input(plane, count, length, port);
                    count += 1;
                }
            }
        }
        Ok((count, true))
    }

    /// One packet of a TUN device: its length and the port it counts as. None where nothing waits, or of what is left out.
    fn read(&mut self, from: From, port: u8, room: &mut [u8]) -> io::Result<Option<Option<(usize, u8)>>> {
        let Some(length) = sys::read(self.fd(from), room)? else { return Ok(None) };
        // The kernel's own listener reports on the device; multicast is not forwarded.
        if room[DESTINATION] == MULTICAST {
            return Ok(Some(None));
        }
        self.counts.packets += 1;
        Ok(Some(Some((length, port))))
    }

    /// The same of a raw socket, with the header that it leaves out.
    fn receive(&mut self, from: From, room: &mut [u8]) -> io::Result<Option<Option<(usize, u8)>>> {
        let Some(received) = sys::receive(self.fd(from), &mut room[HEADER..])? else { return Ok(None) };
        self.counts.packets += 1;
        let tunnelled = matches!(from, From::Tunnel);
        if self.is_access(received.interface) {
            self.counts.access_tunnel += u64::from(tunnelled);
            return Ok(Some(None));
        }
        if received.truncated {
            self.counts.dropped += 1;
            return Ok(Some(None));
        }
        let protocol = if tunnelled { libc::IPPROTO_IPV6 } else { libc::IPPROTO_ICMPV6 };
        write_outer(room, &received, protocol as u8, self.locator);
        Ok(Some(Some((HEADER + received.length, abi::PORT_CORE as u8))))
    }

    fn discard(&mut self, from: From) -> io::Result<()> {
        let fd = self.fd(from);
        let mut octets = [0; ROOM];
        for _ in 0..DISCARDED {
            if sys::read(fd, &mut octets)?.is_none() {
                break;
            }
            self.counts.packets += 1;
            self.counts.dropped += 1;
        }
        Ok(())
    }

    fn run(&mut self, plane: &mut Plane, count: usize, passed: Passed, now: u64) {
        self.counts.batches += u64::from(count > 0);
        let done = plane.guard(|instance| {
            let outputs = instance.process(count as u32, now)?;
            for position in 0..outputs as usize {
                self.send(instance, position, passed)?;
            }
            Ok(())
        });
        if done.is_none() {
            self.counts.dropped += count as u64;
        }
    }

    /// Sends one output; fails where the module names what lies outside of its areas.
    fn send(&mut self, plane: &DataPlane, position: usize, passed: Passed) -> Result<(), Error> {
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
            // What the module made itself, an ICMPv6 error, has no input and always leaves.
            abi::VERDICT_PASS if u32_at(descriptor + abi::DESCRIPTOR_INPUT_AT) == abi::NONE => true,
            abi::VERDICT_PASS => {
                self.counts.dropped += u64::from(passed == Passed::Back);
                passed == Passed::Kernel
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
fn write_outer(packet: &mut [u8], received: &sys::Received, next_header: u8, locator: Ipv6Addr) {
    let first = 6 << 28 | u32::from(received.traffic_class) << 20 | received.flow_label;
    packet[..4].copy_from_slice(&first.to_be_bytes());
    packet[4..6].copy_from_slice(&(received.length as u16).to_be_bytes());
    packet[6] = next_header;
    packet[7] = received.hop_limit;
    packet[8..24].copy_from_slice(&received.source);
    packet[24..40].copy_from_slice(&locator.octets());
}

#[cfg(test)]
mod tests {
    use std::fs::File;

    use super::*;

    #[test]
    fn packets_that_never_end_are_not_dropped_for_ever() {
        let endless = || OwnedFd::from(File::open("/dev/zero").unwrap());
        let (core, tunnel, errors) = (endless(), endless(), endless());
        let locator = Ipv6Addr::UNSPECIFIED;
        let mut path = Path { core, access: Vec::new(), tunnel, errors, locator, counts: Counts::default() };
        path.discard(From::Tunnel).unwrap();
        assert_eq!(path.counts.dropped, DISCARDED as u64);
    }
}
