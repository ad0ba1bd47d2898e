//! System calls that the standard library has no interface for.

use std::ffi::CString;
use std::io::{self, Error, ErrorKind};
use std::mem::{self, MaybeUninit};
use std::net::Ipv6Addr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::ptr;

const TUNSETIFF: libc::c_ulong = 0x4004_54ca;
/// Lets a burst wait while other programs have the processor.
const RECEIVE_BUFFER: libc::c_int = 4 << 20;
/// Of <linux/in6.h>: ancillary data with flow label.
const IPV6_FLOWINFO: libc::c_int = 11;
/// Of <linux/icmpv6.h>.
const ICMP6_FILTER: libc::c_int = 1;
/// Of <linux/capability.h>.
const CAP_VERSION_3: u32 = 0x2008_0522;
const CAP_NET_ADMIN: u32 = 12;
const CAP_NET_RAW: u32 = 13;
const CONTROL_OCTETS: usize = 256;

pub fn checked(result: libc::c_int) -> io::Result<libc::c_int> {
    if result < 0 { Err(Error::last_os_error()) } else { Ok(result) }
}

pub fn owned(result: libc::c_int) -> io::Result<OwnedFd> {
    // SAFETY: a descriptor that a system call has just returned belongs to nobody else.
    checked(result).map(|fd| unsafe { OwnedFd::from_raw_fd(fd) })
}

/// The error with what it concerns.
pub fn named(what: &str, error: Error) -> Error {
    Error::new(error.kind(), format!("{what}: {error}"))
}

/// Octets, or none where nothing waits.
fn waiting(result: isize) -> io::Result<Option<usize>> {
    if result >= 0 {
        return Ok(Some(result as usize));
    }
    match Error::last_os_error() {
        error if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
        error => Err(error),
    }
}

/// Opens a TUN device for bare IPv6 packets, and creates it where there is none of that name.
pub fn open_tun(name: &str) -> io::Result<OwnedFd> {
    if name.len() >= libc::IFNAMSIZ {
        return Err(Error::new(ErrorKind::InvalidInput, format!("interface name {name} is too long")));
    }
    let flags = libc::O_RDWR | libc::O_NONBLOCK | libc::O_CLOEXEC;
    // SAFETY: the path is a C string.
    let fd = owned(unsafe { libc::open(c"/dev/net/tun".as_ptr(), flags) })?;
    // SAFETY: zeros are a valid ifreq.
    let mut request: libc::ifreq = unsafe { mem::zeroed() };
    for (to, from) in request.ifr_name.iter_mut().zip(name.bytes()) {
        *to = from as libc::c_char;
    }
    request.ifr_ifru.ifru_flags = (libc::IFF_TUN | libc::IFF_NO_PI) as libc::c_short;
    // SAFETY: TUNSETIFF reads and writes an ifreq.
    checked(unsafe { libc::ioctl(fd.as_raw_fd(), TUNSETIFF as _, &raw mut request) })?;
    Ok(fd)
}

/// A raw socket for packets of `protocol` to and from `address`. While it is open the kernel sends no Parameter Problem
/// for them; of the Mobility Header it verifies and fills the checksum.
pub fn open_raw(address: Ipv6Addr, protocol: libc::c_int) -> io::Result<OwnedFd> {
    let kind = libc::SOCK_RAW | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC;
    // SAFETY: no pointers.
    let fd = owned(unsafe { libc::socket(libc::AF_INET6, kind, protocol) })?;
    for option in [libc::IPV6_RECVPKTINFO, libc::IPV6_RECVHOPLIMIT, libc::IPV6_RECVTCLASS, IPV6_FLOWINFO] {
        set(&fd, libc::IPPROTO_IPV6, option, 1)?;
    }
    // Past the system's limit only the root of the first user namespace may go.
    if set(&fd, libc::SOL_SOCKET, libc::SO_RCVBUFFORCE, RECEIVE_BUFFER).is_err() {
        set(&fd, libc::SOL_SOCKET, libc::SO_RCVBUF, RECEIVE_BUFFER)?;
    }
    let (name, size) = socket_address(address.octets());
    // SAFETY: pointer and size are those of `name`.
    checked(unsafe { libc::bind(fd.as_raw_fd(), (&raw const name).cast(), size) })?;
    Ok(fd)
}

/// A raw socket for ICMPv6 from `address`, and for those messages to it whose type is one of `types`, from their header on.
/// The kernel verifies and fills the checksum.
pub fn open_icmp(address: Ipv6Addr, types: &[u8]) -> io::Result<OwnedFd> {
    let fd = open_raw(address, libc::IPPROTO_ICMPV6)?;
    // A bit for each type that is kept out.
    let mut filter = [u32::MAX; 8];
    for kind in types {
        filter[usize::from(kind / 32)] &= !(1 << (kind % 32));
    }
    let size = mem::size_of_val(&filter) as libc::socklen_t;
    let value = (&raw const filter).cast();
    // SAFETY: pointer and size are those of `filter`.
    checked(unsafe { libc::setsockopt(fd.as_raw_fd(), libc::IPPROTO_ICMPV6, ICMP6_FILTER, value, size) })?;
    Ok(fd)
}

fn socket_address(address: [u8; 16]) -> (libc::sockaddr_in6, libc::socklen_t) {
    // SAFETY: zeros are a valid sockaddr_in6.
    let mut name: libc::sockaddr_in6 = unsafe { mem::zeroed() };
    name.sin6_family = libc::AF_INET6 as libc::sa_family_t;
    name.sin6_addr.s6_addr = address;
    (name, mem::size_of_val(&name) as libc::socklen_t)
}

/// Sends an upper-layer message from the address that the raw socket is bound to.
pub fn send(fd: RawFd, address: [u8; 16], message: &[u8]) -> io::Result<Option<usize>> {
    let (name, size) = socket_address(address);
    let (data, to) = (message.as_ptr().cast(), (&raw const name).cast());
    // SAFETY: pointers and sizes are those of `message` and `name`.
    waiting(unsafe { libc::sendto(fd, data, message.len(), 0, to, size) })
}

pub fn set(fd: &OwnedFd, level: libc::c_int, option: libc::c_int, value: libc::c_int) -> io::Result<()> {
    set_option(fd, level, option, &value)
}

/// Sets a socket option to the octets of `value`, which is of the type that the option takes.
pub fn set_option<T>(
    fd: &impl AsRawFd,
    level: libc::c_int,
    option: libc::c_int,
    value: &T,
) -> io::Result<()> {
    let size = mem::size_of_val(value) as libc::socklen_t;
    // SAFETY: pointer and size are those of `value`.
    checked(unsafe { libc::setsockopt(fd.as_raw_fd(), level, option, (&raw const *value).cast(), size) })?;
    Ok(())
}

/// One packet from a non-blocking descriptor; none where nothing waits.
pub fn read(fd: RawFd, to: &mut [u8]) -> io::Result<Option<usize>> {
    // SAFETY: pointer and length are those of `to`.
    waiting(unsafe { libc::read(fd, to.as_mut_ptr().cast(), to.len()) })
}

pub fn write(fd: RawFd, from: &[u8]) -> io::Result<Option<usize>> {
    // SAFETY: pointer and length are those of `from`.
    waiting(unsafe { libc::write(fd, from.as_ptr().cast(), from.len()) })
}

/// Sends a whole frame on the interface that a packet socket is bound to; none where its queue is full.
pub fn send_frame(fd: RawFd, frame: &[u8]) -> io::Result<Option<usize>> {
    // SAFETY: pointer and length are those of `frame`.
    waiting(unsafe { libc::send(fd, frame.as_ptr().cast(), frame.len(), 0) })
}

/// What a raw socket tells besides the payload.
pub struct Received {
    pub length: usize,
    pub truncated: bool,
    pub source: [u8; 16],
    pub interface: u32,
    pub hop_limit: u8,
    pub traffic_class: u8,
    pub flow_label: u32,
}

/// One packet from a raw IPv6 socket; none where nothing waits.
pub fn receive(fd: RawFd, to: &mut [u8]) -> io::Result<Option<Received>> {
    // SAFETY: zeros are valid for both.
    let (mut name, mut message): (libc::sockaddr_in6, libc::msghdr) =
        unsafe { (mem::zeroed(), mem::zeroed()) };
    let mut part = libc::iovec { iov_base: to.as_mut_ptr().cast(), iov_len: to.len() };
    let mut control = MaybeUninit::<[u64; CONTROL_OCTETS / 8]>::uninit();
    message.msg_name = (&raw mut name).cast();
    message.msg_namelen = mem::size_of_val(&name) as libc::socklen_t;
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = CONTROL_OCTETS as _;
    // SAFETY: every pointer of the message leads to something that outlives the call.
    let Some(length) = waiting(unsafe { libc::recvmsg(fd, &raw mut message, 0) })? else { return Ok(None) };
    let mut received = Received {
        length,
        truncated: message.msg_flags & libc::MSG_TRUNC != 0,
        source: name.sin6_addr.s6_addr,
        interface: 0,
        hop_limit: 0,
        traffic_class: 0,
        flow_label: 0,
    };
    // SAFETY: the kernel has filled in the control data that the macros walk; each kind has the type read from it.
    unsafe {
        let mut at = libc::CMSG_FIRSTHDR(&raw const message);
        while !at.is_null() {
            let data = libc::CMSG_DATA(at);
            let integer = || ptr::read_unaligned(data.cast::<u32>());
            match ((*at).cmsg_level, (*at).cmsg_type) {
                (libc::IPPROTO_IPV6, libc::IPV6_PKTINFO) => {
                    received.interface =
                        ptr::read_unaligned(data.cast::<libc::in6_pktinfo>()).ipi6_ifindex as u32;
                }
                (libc::IPPROTO_IPV6, libc::IPV6_HOPLIMIT) => received.hop_limit = integer() as u8,
                (libc::IPPROTO_IPV6, libc::IPV6_TCLASS) => received.traffic_class = integer() as u8,
                (libc::IPPROTO_IPV6, IPV6_FLOWINFO) => {
                    received.flow_label = u32::from_be(integer()) & 0xf_ffff
                }
                _ => (),
            }
            at = libc::CMSG_NXTHDR(&raw const message, at);
        }
    }
    Ok(Some(received))
}

/// The index of an interface.
pub fn interface_index(name: &str) -> io::Result<u32> {
    let text = CString::new(name)?;
    // SAFETY: a C string.
    match unsafe { libc::if_nametoindex(text.as_ptr()) } {
        0 => Err(Error::other(format!("there is no interface {name}"))),
        index => Ok(index),
    }
}

/// Of a descriptor that is to be read.
pub fn entry(fd: RawFd) -> libc::pollfd {
    libc::pollfd { fd, events: libc::POLLIN, revents: 0 }
}

/// Sleeps until one of `fds` is readable (`writable`: of those after the first `fds.len()`), a signal comes, or
/// `millis` have passed; -1 waits for ever.
pub fn poll(fds: &mut [libc::pollfd], millis: i32) -> io::Result<()> {
    // SAFETY: pointer and length are those of `fds`.
    match checked(unsafe { libc::poll(fds.as_mut_ptr(), fds.len() as libc::nfds_t, millis) }) {
        Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
        _ => Ok(()),
    }
}

/// Processor time of this process in microseconds.
pub fn busy_micros() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a timespec.
    unsafe { libc::clock_gettime(libc::CLOCK_PROCESS_CPUTIME_ID, &raw mut time) };
    time.tv_sec as u64 * 1_000_000 + time.tv_nsec as u64 / 1000
}

pub fn random() -> u64 {
    let mut octets = [0u8; 8];
    // SAFETY: pointer and length are those of `octets`; eight octets never come short.
    unsafe { libc::getrandom(octets.as_mut_ptr().cast(), octets.len(), 0) };
    u64::from_ne_bytes(octets)
}

/// Keeps signals that end the process from ending it: the descriptor is readable once one has come. Call before there is
/// another thread.
pub fn signals() -> io::Result<OwnedFd> {
    // SAFETY: zeros are a valid set, and the calls take no other pointer.
    owned(unsafe {
        let mut set: libc::sigset_t = mem::zeroed();
        libc::sigemptyset(&raw mut set);
        libc::sigaddset(&raw mut set, libc::SIGTERM);
        libc::sigaddset(&raw mut set, libc::SIGINT);
        checked(libc::sigprocmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut()))?;
        libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
    })
}

/// struct __user_cap_header_struct and struct __user_cap_data_struct, of which version 3 takes two.
#[repr(C)]
struct CapHeader {
    version: u32,
    pid: i32,
}

#[repr(C)]
#[derive(Clone, Copy, Default)]
struct CapData {
    effective: u32,
    permitted: u32,
    inheritable: u32,
}

/// Lets a program change the network's configuration too when we are no longer root.
pub fn lend_net_admin(program: &mut Command) -> &mut Command {
    let raise = || {
        let [how, what, zero] = [libc::PR_CAP_AMBIENT_RAISE as libc::c_ulong, CAP_NET_ADMIN.into(), 0];
        // SAFETY: no pointers.
        unsafe { libc::prctl(libc::PR_CAP_AMBIENT, how, what, zero, zero) };
    };
    // SAFETY: between fork and exec, one system call.
    unsafe {
        program.pre_exec(move || {
            // As root it fails, and changes nothing: a program of root's has all capabilities.
            raise();
            Ok(())
        })
    }
}

/// Becomes `user` for good: what is open stays open, nothing else can be opened that `user` may not. What an agent goes on
/// to do is left: changes of the network's configuration, and raw sockets. Call before there is another thread, since
/// capabilities are each thread's own.
pub fn become_user(user: &str) -> io::Result<()> {
    let name = CString::new(user)?;
    // SAFETY: a C string; the result is copied from before any other call.
    let entry = unsafe { libc::getpwnam(name.as_ptr()) };
    if entry.is_null() {
        return Err(Error::other(format!("there is no user {user}")));
    }
    let header = CapHeader { version: CAP_VERSION_3, pid: 0 };
    let kept = 1 << CAP_NET_ADMIN | 1 << CAP_NET_RAW;
    let data =
        [CapData { effective: kept, permitted: kept, inheritable: 1 << CAP_NET_ADMIN }, CapData::default()];
    // SAFETY: `entry` is not null, see above; capset reads header and data. The order matters: groups can only be dropped
    // while still root, and a change of user takes effective capabilities away.
    unsafe {
        let (uid, gid) = ((*entry).pw_uid, (*entry).pw_gid);
        checked(libc::setgroups(0, ptr::null()))?;
        checked(libc::setgid(gid))?;
        checked(libc::prctl(libc::PR_SET_KEEPCAPS, 1, 0, 0, 0))?;
        checked(libc::setuid(uid))?;
        checked(libc::syscall(libc::SYS_capset, &raw const header, data.as_ptr()) as libc::c_int)?;
        checked(libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))?;
    }
    Ok(())
}
