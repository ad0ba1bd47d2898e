//! The classic BPF program of an access port: passes IPv6 frames that are neighbour discovery, MLD or for DHCPv6 servers, and the beginning
//! of frames of any station that is not attached.

use std::collections::BTreeMap;

use libc::sock_filter;

use crate::access::Mac;

/// Octets shown of a frame: neighbour discovery and DHCPv6 whole, of data what tells its sender and addresses.
pub const SNAP_CONTROL: usize = 2048;
pub const SNAP_DATA: usize = 256;

/// The kernel takes no longer program.
const INSTRUCTIONS_MAX: usize = 4096;
/// Stations compared in one group, since a jump reaches 255 instructions.
const GROUP: usize = 120;

/// Offsets in an Ethernet frame that carries IPv6.
const SOURCE: u32 = 6;
const SOURCE_TAIL: u32 = 10;
const ETHER_TYPE: u32 = 12;
const NEXT_HEADER: u32 = 20;
const PAYLOAD: u32 = 54;
const UDP_DESTINATION: u32 = 56;
const PAYLOAD_LENGTH: u32 = 55;
const AFTER_HOP_BY_HOP: u32 = 62;

const IPV6: u32 = 0x86dd;
const HOP_BY_HOP: u32 = 0;
const UDP: u32 = 17;
const ICMPV6: u32 = 58;
/// Where DHCPv6 servers listen (RFC 8415 section 7.2).
const DHCP_SERVER: u32 = 547;
/// MLD 130 to 132 and neighbour discovery 133 to 137 stand together; MLDv2 reports are 143.
const FIRST: u32 = 130;
const PAST: u32 = 138;
const REPORT: u32 = 143;

/// The kernel takes a VLAN tag out of the frame before a packet socket sees it. Frames of another VLAN are not of this
/// link; VLAN 0 marks a priority only (IEEE 802.1Q).
const VLAN_TAG: u32 = (libc::SKF_AD_OFF + libc::SKF_AD_VLAN_TAG) as u32;
const VLAN_ID: u32 = 0xfff;

fn load(size: u32, at: u32) -> sock_filter {
    sock_filter { code: (libc::BPF_LD | size | libc::BPF_ABS) as u16, jt: 0, jf: 0, k: at }
}

/// Skips `yes` instructions if the comparison holds, else `no`.
fn jump(comparison: u32, k: u32, yes: usize, no: usize) -> sock_filter {
    sock_filter { code: (libc::BPF_JMP | comparison | libc::BPF_K) as u16, jt: yes as u8, jf: no as u8, k }
}

fn pass(octets: usize) -> sock_filter {
    sock_filter { code: (libc::BPF_RET | libc::BPF_K) as u16, jt: 0, jf: 0, k: octets as u32 }
}

/// Passes the ICMPv6 types that control wants to see, given that the type is at `offset`; otherwise falls through.
fn message_types(offset: u32) -> [sock_filter; 5] {
    [
        load(libc::BPF_B, offset),
        jump(libc::BPF_JEQ, REPORT, 2, 0),
        jump(libc::BPF_JGE, PAST, 2, 0),
        jump(libc::BPF_JGE, FIRST, 0, 1),
        pass(SNAP_CONTROL),
    ]
}

fn head() -> Vec<sock_filter> {
    let plain = message_types(PAYLOAD);
    // MLD stands behind a hop-by-hop header of 8 octets (RFC 3810 section 5).
    let mut behind = vec![
        load(libc::BPF_B, PAYLOAD),
        jump(libc::BPF_JEQ, ICMPV6, 0, 2 + plain.len()),
        load(libc::BPF_B, PAYLOAD_LENGTH),
        jump(libc::BPF_JEQ, 0, 0, plain.len()),
    ];
    behind.extend(message_types(AFTER_HOP_BY_HOP));
    let mut program = vec![
        load(libc::BPF_W, VLAN_TAG),
        jump(libc::BPF_JSET, VLAN_ID, 2, 0),
        load(libc::BPF_H, ETHER_TYPE),
        jump(libc::BPF_JEQ, IPV6, 1, 0),
        pass(0),
        load(libc::BPF_B, NEXT_HEADER),
        jump(libc::BPF_JEQ, ICMPV6, 0, plain.len()),
    ];
    program.extend(plain);
    // What is for DHCPv6 servers, whose station may be settled long since.
    let dhcp =
        [load(libc::BPF_H, UDP_DESTINATION), jump(libc::BPF_JEQ, DHCP_SERVER, 0, 1), pass(SNAP_CONTROL)];
    program.push(load(libc::BPF_B, NEXT_HEADER));
    program.push(jump(libc::BPF_JEQ, UDP, 0, dhcp.len()));
    program.extend(dhcp);
    program.push(load(libc::BPF_B, NEXT_HEADER));
    program.push(jump(libc::BPF_JEQ, HOP_BY_HOP, 0, behind.len()));
    program.extend(behind);
    program
}

/// Drops the frames of the listed stations: one group for each first four octets of a MAC. Of more stations than a
/// program holds the rest stays visible, which costs control some frames and nothing else.
fn add_stations(program: &mut Vec<sock_filter>, attached: &[Mac]) {
    let mut tails = BTreeMap::<u32, Vec<u16>>::new();
    for &[a, b, c, d, e, f] in attached {
        tails.entry(u32::from_be_bytes([a, b, c, d])).or_default().push(u16::from_be_bytes([e, f]));
    }
    for (first, tails) in tails {
        for group in tails.chunks(GROUP) {
            if program.len() + 3 + 2 * group.len() + 1 > INSTRUCTIONS_MAX {
                return;
            }
            program.push(load(libc::BPF_W, SOURCE));
            program.push(jump(libc::BPF_JEQ, first, 0, 1 + 2 * group.len()));
            program.push(load(libc::BPF_H, SOURCE_TAIL));
            for &tail in group {
                program.push(jump(libc::BPF_JEQ, tail.into(), 0, 1));
                program.push(pass(0));
            }
        }
    }
}

/// The program for a port of a link to which the stations `attached` are attached.
pub fn program(attached: &[Mac]) -> Vec<sock_filter> {
    let mut program = head();
    add_stations(&mut program, attached);
    program.push(pass(SNAP_DATA));
    program
}

/// Whether a frame that the program has passed is one that it shows of every station.
pub fn is_signalling(frame: &[u8]) -> bool {
    let at = |offset: u32| frame.get(offset as usize).map(|&octet| u32::from(octet));
    let wanted = |offset| at(offset).is_some_and(|kind| kind == REPORT || (FIRST..PAST).contains(&kind));
    match at(NEXT_HEADER) {
        Some(ICMPV6) => wanted(PAYLOAD),
        Some(HOP_BY_HOP) => {
            at(PAYLOAD) == Some(ICMPV6) && at(PAYLOAD_LENGTH) == Some(0) && wanted(AFTER_HOP_BY_HOP)
        }
        Some(UDP) => {
            let port = at(UDP_DESTINATION).zip(at(UDP_DESTINATION + 1));
            port.is_some_and(|(high, low)| high << 8 | low == DHCP_SERVER)
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram;

    use super::*;
    use crate::access::socket::attach;

    const ATTACHED: Mac = [2, 0, 0x5e, 0x10, 1, 0x0a];
    const OTHER: Mac = [2, 0, 0x5e, 0x10, 1, 0x0b];
    const OCTETS: usize = 1200;
    const TCP: u8 = 6;

    fn frame(from: Mac, next_header: u8, payload: &[u8]) -> Vec<u8> {
        let mut frame = vec![0; OCTETS];
        frame[6..12].copy_from_slice(&from);
        frame[12..15].copy_from_slice(&[0x86, 0xdd, 0x60]);
        frame[NEXT_HEADER as usize] = next_header;
        frame[PAYLOAD as usize..][..payload.len()].copy_from_slice(payload);
        frame
    }

    /// The kernel's own interpreter, behind a socket that anybody may open.
    struct Kernel(UnixDatagram, UnixDatagram);

    impl Kernel {
        fn with(attached: &[Mac]) -> Self {
            let (to, from) = UnixDatagram::pair().unwrap();
            from.set_nonblocking(true).unwrap();
            attach(&from, attached).unwrap();
            Self(to, from)
        }

        /// Octets that the program shows of a frame, 0 for none.
        fn shows(&self, frame: &[u8]) -> usize {
            // The kernel refuses to send on a Unix socket what its filter drops.
            let _ = self.0.send(frame);
            let mut octets = [0; 4096];
            self.1.recv(&mut octets).unwrap_or(0)
        }
    }

    #[test]
    fn data_of_attached_stations_is_left_out() {
        let kernel = Kernel::with(&[ATTACHED]);
        assert_eq!(kernel.shows(&frame(ATTACHED, TCP, &[])), 0);
        assert_eq!(kernel.shows(&frame(OTHER, TCP, &[])), SNAP_DATA);
        assert_eq!(kernel.shows(&frame(ATTACHED, ICMPV6 as u8, &[128])), 0);
    }

    #[test]
    fn neighbour_discovery_and_mld_are_shown_whole_whoever_sends_them() {
        let kernel = Kernel::with(&[ATTACHED]);
        for kind in 0..=255u8 {
            let wanted = kind == 143 || (130..=137).contains(&kind);
            let plain = frame(ATTACHED, ICMPV6 as u8, &[kind]);
            let behind = frame(ATTACHED, 0, &[58, 0, 5, 2, 0, 0, 1, 0, kind]);
            for frame in [plain, behind] {
                assert_eq!(is_signalling(&frame), wanted, "type {kind}");
                assert_eq!(kernel.shows(&frame), if wanted { OCTETS } else { 0 }, "type {kind}");
            }
        }
        for payload in [[TCP, 0, 5, 2, 0, 0, 1, 0, 135], [58, 1, 5, 2, 0, 0, 1, 0, 135]] {
            let frame = frame(ATTACHED, 0, &payload);
            assert_eq!((kernel.shows(&frame), is_signalling(&frame)), (0, false));
        }
    }

    #[test]
    fn what_is_for_dhcp_servers_is_shown_whole_whoever_sends_it() {
        let kernel = Kernel::with(&[ATTACHED]);
        for (payload, wanted) in [([2, 34, 2, 35], true), ([2, 35, 2, 34], false), ([2, 34, 0, 53], false)] {
            let datagram = frame(ATTACHED, UDP as u8, &payload);
            assert_eq!(is_signalling(&datagram), wanted, "{payload:?}");
            assert_eq!(kernel.shows(&datagram), if wanted { OCTETS } else { 0 }, "{payload:?}");
        }
        let behind_tcp = frame(ATTACHED, TCP, &[2, 34, 2, 35]);
        assert_eq!((kernel.shows(&behind_tcp), is_signalling(&behind_tcp)), (0, false));
    }

    #[test]
    fn only_ipv6_is_shown_and_a_frame_may_end_anywhere() {
        let kernel = Kernel::with(&[ATTACHED]);
        let mut arp = frame(OTHER, TCP, &[]);
        arp[12..14].copy_from_slice(&[8, 6]);
        assert_eq!(kernel.shows(&arp), 0);
        let solicitation = frame(OTHER, 0, &[58, 0, 5, 2, 0, 0, 1, 0, 133]);
        for length in 1..200 {
            let cut = &solicitation[..length];
            let whole = length > AFTER_HOP_BY_HOP as usize;
            assert_eq!(is_signalling(cut), whole, "{length} octets");
            assert_eq!(kernel.shows(cut), if whole { length } else { 0 }, "{length} octets");
        }
    }

    #[test]
    fn many_stations_are_each_known_and_past_the_kernels_limit_some_stay_visible() {
        let macs: Vec<Mac> = (0..3000u16).map(|n| [2, 0, n as u8 % 8, 1, (n >> 8) as u8, n as u8]).collect();
        let kernel = Kernel::with(&macs[..1500]);
        assert!(macs[..1500].iter().all(|&mac| kernel.shows(&frame(mac, TCP, &[])) == 0));
        assert_eq!(kernel.shows(&frame(macs[1500], TCP, &[])), SNAP_DATA);
        let kernel = Kernel::with(&macs);
        let visible = macs.iter().filter(|&&mac| kernel.shows(&frame(mac, TCP, &[])) != 0).count();
        assert!((900..1200).contains(&visible), "{visible} visible");
    }
}
