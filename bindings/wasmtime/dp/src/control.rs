//! Where control connects: a listener, connections that have not greeted yet, and the one that has.

use std::net::{IpAddr, SocketAddr, TcpListener};
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixListener;
use std::time::{Duration, Instant};
use std::{fs, io};

use crate::connection::{Connection, Plain};
use crate::log;
use crate::options::Listen;
use crate::router::Router;
use crate::session::Session;
use crate::sys;
#[cfg(feature = "tls")]
use crate::tls;

/// Connections that have not greeted yet. One more takes the place of the oldest of the network that has most of them:
/// who only connects keeps nobody out.
const WAITING_MAX: usize = 8;
/// Connections are taken at most this often, so that many of them leave most of the time to forwarding.
const APART: Duration = Duration::from_millis(20);
/// So many at a time, or nobody else would have a turn in the kernel's queue; of one network only the last stays.
const TOGETHER: usize = 64;
/// Lines about connections that were refused are written at most this often.
const LINES_APART: Duration = Duration::from_secs(1);

enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
    #[cfg(feature = "tls")]
    Tls(TcpListener, tls::Acceptor),
}

pub struct Control {
    listener: Listener,
    waiting: Vec<Session>,
    session: Option<Session>,
    /// When the next connection may be taken.
    next: Instant,
    refused: Refused,
}

/// Writes of refused connections without filling the log.
struct Refused {
    next: Instant,
    unwritten: u64,
}

impl Control {
    /// Listens; a Unix socket that was left over is replaced. Call before there is another thread.
    pub fn listen(at: &Listen) -> io::Result<Self> {
        let listener = match at {
            Listen::Unix(path) => {
                let _ = fs::remove_file(path);
                // SAFETY: no pointers. Nobody but the owner may connect, not even for a moment.
                unsafe { libc::umask(0o177) };
                let listener = UnixListener::bind(path)
                    .map_err(|error| sys::named(&path.display().to_string(), error))?;
                listener.set_nonblocking(true)?;
                Listener::Unix(listener)
            }
            Listen::Tcp(address) => Listener::Tcp(bind(*address)?),
            #[cfg(feature = "tls")]
            Listen::Tls { address, files } => {
                Listener::Tls(bind(*address)?, tls::Acceptor::new(files.clone())?)
            }
            #[cfg(not(feature = "tls"))]
            Listen::Tls { .. } => return Err(io::Error::other("this build has no TLS")),
        };
        let (waiting, next) = (Vec::new(), Instant::now());
        Ok(Self { listener, waiting, session: None, next, refused: Refused { next, unwritten: 0 } })
    }

    /// Control that has greeted.
    pub fn session(&mut self) -> Option<&mut Session> {
        self.session.as_mut()
    }

    /// Adds what `turn` wants to hear of.
    pub fn poll(&self, polled: &mut Vec<libc::pollfd>) {
        // poll(2) leaves out what is negative.
        let listener = if self.delay().is_zero() { self.fd() } else { -1 };
        polled.push(entry(listener, false));
        let talks = self.session.iter().chain(&self.waiting);
        polled.extend(talks.map(|talk| entry(talk.fd(), talk.wants_to_write())));
    }

    /// How long until `turn` has something to do though nothing has arrived.
    pub fn patience(&self) -> Option<Duration> {
        let talks = self.session.iter().chain(&self.waiting).map(Session::patience);
        let delay = Some(self.delay()).filter(|delay| !delay.is_zero());
        talks.chain(delay).min()
    }

    fn delay(&self) -> Duration {
        self.next.saturating_duration_since(Instant::now())
    }

    fn fd(&self) -> RawFd {
        match &self.listener {
            Listener::Unix(listener) => listener.as_raw_fd(),
            Listener::Tcp(listener) => listener.as_raw_fd(),
            #[cfg(feature = "tls")]
            Listener::Tls(listener, _) => listener.as_raw_fd(),
        }
    }

    /// Answers what has arrived; `polled` is what `poll` added.
    pub fn turn(&mut self, router: &mut Router, polled: &[libc::pollfd]) {
        let Some((listener, mut talks)) = polled.split_first() else { return };
        if let (Some(session), Some((first, rest))) = (&mut self.session, talks.split_first()) {
            talks = rest;
            if let Err(reason) = session.turn(router, first.revents) {
                leave(router, session, &reason);
                self.session = None;
            }
        }
        self.greetings(router, talks);
        if listener.revents != 0 {
            self.accept();
        }
    }

    fn greetings(&mut self, router: &mut Router, talks: &[libc::pollfd]) {
        for (mut talk, polled) in std::mem::take(&mut self.waiting).into_iter().zip(talks) {
            let busy = self.session.is_some();
            let done = if busy { talk.turn_away(polled.revents) } else { talk.turn(router, polled.revents) };
            match done {
                // It may greet and be done with in one turn.
                Err(reason) if talk.greeted() => leave(router, &talk, &reason),
                Err(reason) => self.refused.line(&format!("a connection from {} {reason}", talk.peer)),
                Ok(()) if talk.greeted() => {
                    log::line(log::NOTICE, &format!("control has come from {}", talk.peer));
                    self.session = Some(talk);
                }
                Ok(()) => self.waiting.push(talk),
            }
        }
    }

    fn accept(&mut self) {
        self.next = Instant::now() + APART;
        let mut taken: Vec<Session> = Vec::new();
        for _ in 0..TOGETHER {
            match self.connection() {
                Ok(session) => {
                    let rival =
                        |other: &Session| session.network.is_some() && other.network == session.network;
                    if let Some(place) = taken.iter().position(rival) {
                        self.make_room(&taken.remove(place));
                    }
                    taken.push(session);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(error) => {
                    self.refused.line(&format!("a connection was not taken: {error}"));
                    break;
                }
            }
        }
        for session in taken {
            if self.waiting.len() == WAITING_MAX {
                let networks: Vec<Option<u64>> = self.waiting.iter().map(|talk| talk.network).collect();
                let oldest = self.waiting.remove(most_crowded(&networks));
                self.make_room(&oldest);
            }
            self.waiting.push(session);
        }
    }

    fn make_room(&mut self, oldest: &Session) {
        self.refused.line(&format!("a connection from {} makes room for another", oldest.peer));
    }

    fn connection(&mut self) -> io::Result<Session> {
        let (connection, peer): (Box<dyn Connection>, SocketAddr) = match &mut self.listener {
            Listener::Unix(listener) => {
                let connection = Box::new(Plain::unix(listener.accept()?.0)?);
                return Ok(Session::new(connection, "the Unix socket".into()));
            }
            Listener::Tcp(listener) => {
                let (stream, peer) = listener.accept()?;
                (Box::new(Plain::tcp(stream)?), peer)
            }
            #[cfg(feature = "tls")]
            Listener::Tls(listener, acceptor) => {
                let (stream, peer) = listener.accept()?;
                (Box::new(acceptor.accept(stream)?), peer)
            }
        };
        let mut session = Session::new(connection, peer.to_string());
        session.network = Some(network_of(peer.ip()));
        Ok(session)
    }
}

/// What one machine can take addresses from: of IPv6 the first 64 bits.
fn network_of(address: IpAddr) -> u64 {
    match address {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => (address.to_bits() >> 64) as u64,
    }
}

/// The first of those that occur most often.
fn most_crowded(networks: &[Option<u64>]) -> usize {
    let count = |place: usize| networks.iter().filter(|&network| *network == networks[place]).count();
    (0..networks.len()).rev().max_by_key(|&place| count(place)).unwrap_or(0)
}

fn bind(address: SocketAddr) -> io::Result<TcpListener> {
    let listener = TcpListener::bind(address).map_err(|error| sys::named(&address.to_string(), error))?;
    listener.set_nonblocking(true)?;
    Ok(listener)
}

impl Refused {
    fn line(&mut self, text: &str) {
        let now = Instant::now();
        if now < self.next {
            self.unwritten += 1;
            return;
        }
        self.next = now + LINES_APART;
        let others = std::mem::take(&mut self.unwritten);
        let before = if others == 0 { String::new() } else { format!(" ({others} more before)") };
        log::line(log::NOTICE, &format!("{text}{before}"));
    }
}

fn entry(fd: RawFd, write: bool) -> libc::pollfd {
    libc::pollfd { fd, events: libc::POLLIN | if write { libc::POLLOUT } else { 0 }, revents: 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_of_the_network_with_most_connections_makes_room() {
        assert_eq!(most_crowded(&[Some(1), Some(2), Some(3), Some(2)]), 1);
        assert_eq!(most_crowded(&[Some(1), None, None]), 1);
        assert_eq!(most_crowded(&[Some(1), Some(2), Some(3)]), 0);
    }

    #[test]
    fn a_network_is_what_one_machine_can_take_addresses_from() {
        let network = |text: &str| network_of(text.parse().unwrap());
        assert_eq!(network("2001:db8:0:1::1"), network("2001:db8:0:1:ffff::2"));
        assert_ne!(network("2001:db8:0:1::1"), network("2001:db8:0:2::1"));
        assert_ne!(network("192.0.2.1"), network("192.0.2.2"));
    }
}

fn leave(router: &mut Router, session: &Session, reason: &str) {
    log::line(log::NOTICE, &format!("control at {} {reason}", session.peer));
    router.memory.headless.left();
}
