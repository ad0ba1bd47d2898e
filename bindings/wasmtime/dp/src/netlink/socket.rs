//! Sockets to the kernel: one for requests and their answers, others for what it tells unasked.

use std::io::{self, Error, ErrorKind};
use std::mem;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};

use super::message::{self, Message, Request};

/// More than the kernel puts into one datagram of a dump.
const RECEIVE: usize = 1 << 17;
/// An acknowledgement begins with errno, negative.
const MALFORMED: &str = "malformed netlink acknowledgement";

fn open(family: libc::c_int, flags: libc::c_int) -> io::Result<OwnedFd> {
    // SAFETY: no pointers.
    let fd = unsafe { libc::socket(libc::AF_NETLINK, libc::SOCK_RAW | libc::SOCK_CLOEXEC | flags, family) };
    if fd < 0 {
        return Err(Error::last_os_error());
    }
    // SAFETY: a descriptor that a system call has just returned belongs to nobody else.
    let fd = unsafe { OwnedFd::from_raw_fd(fd) };
    // SAFETY: zeros are a valid sockaddr_nl, and ask for any port.
    let mut name: libc::sockaddr_nl = unsafe { mem::zeroed() };
    name.nl_family = libc::AF_NETLINK as libc::sa_family_t;
    let size = mem::size_of_val(&name) as libc::socklen_t;
    // SAFETY: pointer and size are those of `name`.
    if unsafe { libc::bind(fd.as_raw_fd(), (&raw const name).cast(), size) } < 0 {
        return Err(Error::last_os_error());
    }
    Ok(fd)
}

/// One datagram; none where nothing waits. ENOBUFS means that the kernel had to leave some out.
pub fn receive(fd: RawFd, to: &mut [u8]) -> io::Result<Option<usize>> {
    // SAFETY: pointer and length are those of `to`.
    let length = unsafe { libc::recv(fd, to.as_mut_ptr().cast(), to.len(), 0) };
    if length >= 0 {
        return Ok(Some(length as usize));
    }
    match Error::last_os_error() {
        error if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
        error => Err(error),
    }
}

/// A non-blocking socket that only listens to multicast groups of `family`, with room for `buffer` octets.
pub fn open_events(family: libc::c_int, groups: &[u32], buffer: libc::c_int) -> io::Result<OwnedFd> {
    let fd = open(family, libc::SOCK_NONBLOCK)?;
    // Past the system's limit only the root of the first user namespace may go.
    if crate::sys::set(&fd, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, buffer).is_err() {
        crate::sys::set(&fd, libc::SOL_SOCKET, libc::SO_RCVBUF, buffer)?;
    }
    for &group in groups {
        crate::sys::set(&fd, libc::SOL_NETLINK, libc::NETLINK_ADD_MEMBERSHIP, group as libc::c_int)?;
    }
    Ok(fd)
}

/// Requests to one netlink family. The kernel answers within the send, so that a call waits for nothing else.
pub struct Socket {
    fd: OwnedFd,
    sequence: u32,
    buffer: Vec<u8>,
}

impl Socket {
    /// `family` is `libc::NETLINK_ROUTE` or another.
    pub fn open(family: libc::c_int) -> io::Result<Self> {
        Ok(Self { fd: open(family, 0)?, sequence: 0, buffer: vec![0; RECEIVE] })
    }

    /// Sends a request that wants an acknowledgement; the error is the kernel's.
    pub fn request(&mut self, request: Request) -> io::Result<()> {
        self.batch(vec![request])
    }

    /// Sends requests in one datagram and waits for the acknowledgements; the error is the first one.
    pub fn batch(&mut self, requests: Vec<Request>) -> io::Result<()> {
        let first = self.sequence.wrapping_add(1);
        let (mut octets, mut pending) = (Vec::new(), Vec::new());
        for request in requests {
            self.sequence = self.sequence.wrapping_add(1);
            if request.wants_answer() {
                pending.push(self.sequence);
            }
            octets.extend(request.finish(self.sequence));
        }
        self.send(&octets)?;
        let count = self.sequence.wrapping_sub(first);
        let mut result = Ok(());
        while !pending.is_empty() {
            let Some(length) = receive(self.fd.as_raw_fd(), &mut self.buffer)? else { continue };
            for answer in message::messages(&self.buffer[..length]) {
                if answer.sequence.wrapping_sub(first) > count {
                    continue;
                }
                if let (Ok(()), Err(error)) = (&result, outcome(&answer)) {
                    result = Err(error);
                }
                match pending.iter().position(|&sequence| sequence == answer.sequence) {
                    Some(position) => drop(pending.swap_remove(position)),
                    // A batch refused as a whole is answered for its first message, which asked for nothing.
                    None => pending.clear(),
                }
            }
        }
        result
    }

    /// Sends a request for a dump and gives each answer to `take`.
    pub fn dump(&mut self, request: Request, mut take: impl FnMut(&Message)) -> io::Result<()> {
        self.sequence = self.sequence.wrapping_add(1);
        let sequence = self.sequence;
        self.send(&request.finish(sequence))?;
        loop {
            let Some(length) = receive(self.fd.as_raw_fd(), &mut self.buffer)? else { continue };
            for answer in message::messages(&self.buffer[..length]).filter(|a| a.sequence == sequence) {
                match i32::from(answer.kind) {
                    libc::NLMSG_DONE => return Ok(()),
                    libc::NLMSG_ERROR => return outcome(&answer),
                    _ => take(&answer),
                }
            }
        }
    }

    fn send(&self, octets: &[u8]) -> io::Result<()> {
        // SAFETY: pointer and length are those of `octets`.
        let sent = unsafe { libc::send(self.fd.as_raw_fd(), octets.as_ptr().cast(), octets.len(), 0) };
        if sent < 0 { Err(Error::last_os_error()) } else { Ok(()) }
    }
}

fn outcome(answer: &Message) -> io::Result<()> {
    let code = message::u32_at(answer.body, 0).filter(|_| i32::from(answer.kind) == libc::NLMSG_ERROR);
    match code.map(u32::cast_signed) {
        Some(0) => Ok(()),
        Some(code) => Err(Error::from_raw_os_error(-code)),
        None => Err(Error::other(MALFORMED)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernel_answers_dumps_and_refusals() {
        let mut socket = Socket::open(libc::NETLINK_ROUTE).unwrap();
        let mut loopback = false;
        let list = Request::new(libc::RTM_GETLINK, message::DUMP, &[0; 16]);
        socket.dump(list, |answer| loopback |= message::u32_at(answer.body, 4) == Some(1)).unwrap();
        assert!(loopback);
        // Nobody has an interface of this number, and nobody but root may ask at all.
        let mut fixed = [0; 16];
        fixed[4..8].copy_from_slice(&0x7fff_ffffu32.to_ne_bytes());
        let refused = socket.request(Request::new(libc::RTM_SETLINK, message::ACK, &fixed)).unwrap_err();
        assert!(matches!(refused.raw_os_error(), Some(libc::ENODEV | libc::EPERM)), "{refused}");
    }
}
