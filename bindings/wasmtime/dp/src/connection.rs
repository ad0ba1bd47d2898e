//! What the channel to control runs over: a stream of octets that never makes the agent wait.

use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsRawFd, RawFd};
use std::os::unix::net::UnixStream;

/// Octets that are taken from one connection before others get their turn.
pub const PART: usize = 16_384;

pub trait Connection {
    fn fd(&self) -> RawFd;

    /// Appends what has arrived, about `PART` octets at most; false at the end of the stream.
    fn receive(&mut self, to: &mut Vec<u8>) -> io::Result<bool>;

    /// Takes out of `from` what the other side has room for.
    fn send(&mut self, from: &mut Vec<u8>) -> io::Result<()>;

    /// Whether the connection itself holds octets until the other side has room.
    fn holds(&self) -> bool;
}

/// A socket that is not encrypted.
pub struct Plain<S>(S);

impl Plain<UnixStream> {
    pub fn unix(stream: UnixStream) -> io::Result<Self> {
        stream.set_nonblocking(true)?;
        Ok(Self(stream))
    }
}

impl Plain<TcpStream> {
    pub fn tcp(stream: TcpStream) -> io::Result<Self> {
        prepare(&stream)?;
        Ok(Self(stream))
    }
}

/// Messages are written whole, so waiting for more to send would only delay them.
pub fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nonblocking(true)?;
    stream.set_nodelay(true)
}

impl<S: Read + Write + AsRawFd> Connection for Plain<S> {
    fn fd(&self) -> RawFd {
        self.0.as_raw_fd()
    }

    fn receive(&mut self, to: &mut Vec<u8>) -> io::Result<bool> {
        let mut part = [0; PART];
        let Some(count) = waiting(self.0.read(&mut part))? else { return Ok(true) };
        to.extend_from_slice(&part[..count]);
        Ok(count > 0)
    }

    fn send(&mut self, from: &mut Vec<u8>) -> io::Result<()> {
        while !from.is_empty() {
            match waiting(self.0.write(from))? {
                Some(count) => drop(from.drain(..count)),
                None => break,
            }
        }
        Ok(())
    }

    fn holds(&self) -> bool {
        false
    }
}

/// The result of a call that does not wait; none where it would have.
pub fn waiting(result: io::Result<usize>) -> io::Result<Option<usize>> {
    match result {
        Ok(count) => Ok(Some(count)),
        Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Ok(None),
        Err(error) => Err(error),
    }
}
