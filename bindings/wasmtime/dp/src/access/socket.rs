//! Packet sockets of access ports.

use std::io;
use std::mem;
use std::os::fd::{AsRawFd, OwnedFd};

use crate::access::{Mac, filter};
use crate::sys;

/// Of <linux/if_packet.h>.
const PACKET_IGNORE_OUTGOING: libc::c_int = 23;

/// Of <linux/filter.h>.
#[repr(C)]
struct Program {
    length: u16,
    instructions: *const libc::sock_filter,
}

/// Sets or replaces the filter of an open socket. Where its program is longer than the system has room for in a socket
/// (net.core.optmem_max, before Linux 6.8 of 20 KiB), some stations stay visible.
pub fn attach(socket: &impl AsRawFd, attached: &[Mac]) -> io::Result<()> {
    let mut known = attached.len();
    loop {
        match set_filter(socket, &attached[..known]) {
            Err(error) if known > 0 && error.raw_os_error() == Some(libc::ENOMEM) => (),
            result => return result,
        }
        // Until it is replaced, the old program takes room as well.
        set_filter(socket, &[])?;
        if set_filter(socket, &attached[..known]).is_ok() {
            return Ok(());
        }
        known /= 2;
    }
}

fn set_filter(socket: &impl AsRawFd, attached: &[Mac]) -> io::Result<()> {
    let program = filter::program(attached);
    let value = Program { length: program.len() as u16, instructions: program.as_ptr() };
    sys::set_option(socket, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &value)
}

/// Opens a port of an access link. The socket sees every EtherType, since a bridge takes the frames of its ports before
/// sockets for one EtherType are asked; the filter then passes IPv6 only. What this host sends is not seen.
pub fn open_port(index: u32, attached: &[Mac]) -> io::Result<OwnedFd> {
    let socket = open()?;
    attach(&socket, attached)?;
    sys::set_option(&socket, libc::SOL_PACKET, PACKET_IGNORE_OUTGOING, &1i32)?;
    // Reports of multicast listeners must be heard on plain interfaces too.
    let membership = libc::packet_mreq {
        mr_ifindex: index as libc::c_int,
        mr_type: libc::PACKET_MR_ALLMULTI as libc::c_ushort,
        mr_alen: 0,
        mr_address: [0; 8],
    };
    sys::set_option(&socket, libc::SOL_PACKET, libc::PACKET_ADD_MEMBERSHIP, &membership)?;
    // Bound last: before, the socket would take frames that the filter has not seen.
    bind(&socket, index, (libc::ETH_P_ALL as u16).to_be())?;
    Ok(socket)
}

/// Opens an interface for sending only: without a protocol nothing is ever received.
pub fn open_sender(index: u32) -> io::Result<OwnedFd> {
    let socket = open()?;
    bind(&socket, index, 0)?;
    Ok(socket)
}

fn open() -> io::Result<OwnedFd> {
    let kind = libc::SOCK_RAW | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: no pointers.
    sys::owned(unsafe { libc::socket(libc::AF_PACKET, kind, 0) })
}

fn bind(socket: &OwnedFd, index: u32, protocol: u16) -> io::Result<()> {
    // SAFETY: zeros are a valid sockaddr_ll.
    let mut name: libc::sockaddr_ll = unsafe { mem::zeroed() };
    name.sll_family = libc::AF_PACKET as libc::c_ushort;
    name.sll_protocol = protocol;
    name.sll_ifindex = index as libc::c_int;
    let size = mem::size_of_val(&name) as libc::socklen_t;
    // SAFETY: pointer and size are those of `name`.
    sys::checked(unsafe { libc::bind(socket.as_raw_fd(), (&raw const name).cast(), size) }).map(drop)
}
