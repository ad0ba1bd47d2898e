//! The socket on which programs of the link layer (hostapd's scripts) tell of stations: a line each, and its answer.

use std::io::{self, ErrorKind, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::time::{Duration, Instant};
use std::{fs, mem, str};

use crate::access::Mac;
use crate::options::mac_of;
use crate::sys::entry;

/// Time for a line, and for the answer of control to one who leaves.
pub const PATIENCE: Duration = Duration::from_secs(2);
const CLIENTS: usize = 16;
/// Longer than the longest line that makes sense.
const LINE_MAX: usize = 64;
/// Of a MAC of several stations.
const GROUP_BIT: u8 = 1;

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum What {
    Present,
    Absent,
    Leaving,
}

#[derive(Debug, PartialEq)]
pub struct Word {
    pub what: What,
    pub port: String,
    pub mac: Mac,
}

struct Client {
    stream: UnixStream,
    input: Vec<u8>,
    until: Instant,
    /// Who is leaving, once that has been said.
    leaving: Option<Mac>,
    done: bool,
}

pub struct Stations {
    listener: UnixListener,
    clients: Vec<Client>,
}

impl Stations {
    /// Listens at `path`, where nobody but the owner may write.
    pub fn listen(path: &Path) -> io::Result<Self> {
        let _ = fs::remove_file(path);
        // SAFETY: no pointers. While there is one thread: nobody else may connect, not even for a moment.
        unsafe { libc::umask(0o177) };
        let listener = UnixListener::bind(path)?;
        listener.set_nonblocking(true)?;
        Ok(Self { listener, clients: Vec::new() })
    }

    /// Adds what `turn` wants to hear of.
    pub fn poll(&self, polled: &mut Vec<libc::pollfd>) {
        polled.push(entry(self.listener.as_raw_fd()));
        // Of one who waits for an answer, only that he has gone.
        polled.extend(self.clients.iter().map(|client| {
            let polled = entry(client.stream.as_raw_fd());
            if client.leaving.is_some() { libc::pollfd { events: 0, ..polled } } else { polled }
        }));
    }

    /// How long until somebody has waited too long.
    pub fn patience(&self, now: Instant) -> Option<Duration> {
        self.clients.iter().map(|client| client.until.saturating_duration_since(now)).min()
    }

    /// Reads what has come, where `polled` is what `poll` added, and gives each word to `take`, which answers. A word
    /// that it does not answer is one of a station that leaves, and waits for `kept`.
    pub fn turn(
        &mut self,
        polled: &[libc::pollfd],
        now: Instant,
        mut take: impl FnMut(&Word) -> Option<Result<(), String>>,
    ) {
        let Some((listener, polled)) = polled.split_first() else { return };
        let said = self.clients.iter_mut().zip(polled).filter(|(_, polled)| polled.revents != 0);
        for (client, _) in said {
            let answer = match client.read() {
                Ok(None) => continue,
                Ok(Some(word)) => {
                    let answer = take(&word);
                    client.leaving = Some(word.mac);
                    answer
                }
                Err(fault) => Some(Err(fault)),
            };
            if let Some(answer) = answer {
                client.answer(answer.map(|()| "ok"));
            }
        }
        for client in self.clients.iter_mut().filter(|client| client.until <= now) {
            let missing = if client.leaving.is_some() { "no answer of control" } else { "no line" };
            client.answer(Err(format!("{missing} within {} s", PATIENCE.as_secs())));
        }
        self.clients.retain(|client| !client.done);
        if listener.revents != 0 {
            self.accept(now);
        }
    }

    /// Control keeps what comes for a station from now on.
    pub fn kept(&mut self, mac: Mac) {
        for client in self.clients.iter_mut().filter(|client| client.leaving == Some(mac)) {
            client.answer(Ok("keeping"));
        }
        self.clients.retain(|client| !client.done);
    }

    /// Control is gone: nobody keeps anything.
    pub fn deserted(&mut self) {
        for client in self.clients.iter_mut().filter(|client| client.leaving.is_some()) {
            client.answer(Err("control is gone".into()));
        }
        self.clients.retain(|client| !client.done);
    }

    fn accept(&mut self, now: Instant) {
        let Ok((stream, _)) = self.listener.accept() else { return };
        if self.clients.len() < CLIENTS && stream.set_nonblocking(true).is_ok() {
            let until = now + PATIENCE;
            self.clients.push(Client { stream, input: Vec::new(), until, leaving: None, done: false });
        }
    }
}

impl Client {
    /// The word of this client once its line is whole; an error where it cannot become one.
    fn read(&mut self) -> Result<Option<Word>, String> {
        if self.leaving.is_some() {
            // It was not polled for reading, so it has gone.
            self.done = true;
            return Ok(None);
        }
        let mut part = [0; LINE_MAX];
        let count = match self.stream.read(&mut part) {
            Ok(count) => count,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                return Ok(None);
            }
            Err(error) => return Err(error.to_string()),
        };
        self.input.extend_from_slice(&part[..count]);
        let end = self.input.iter().position(|&octet| octet == b'\n');
        match end {
            Some(end) => word_of(&mem::take(&mut self.input)[..end]).map(Some),
            None if count == 0 => Err("the line has no end".into()),
            None if self.input.len() >= LINE_MAX => Err(format!("a line of more than {LINE_MAX} octets")),
            None => Ok(None),
        }
    }

    fn answer(&mut self, answer: Result<&str, String>) {
        let line = answer.map_or_else(|fault| format!("error: {fault}\n"), |text| format!("{text}\n"));
        // A client that has no room for a line is none.
        let _ = self.stream.write_all(line.as_bytes());
        self.done = true;
    }
}

/// The word in a line without its end; an error that names what is wrong.
pub fn word_of(line: &[u8]) -> Result<Word, String> {
    let line = str::from_utf8(line).map_err(|_| "the line is no text")?;
    let words: Vec<&str> = line.split(' ').collect();
    let [what, port, mac] = words[..] else { return Err("a line has three words: WHAT PORT MAC".into()) };
    let what = match what {
        "present" => What::Present,
        "absent" => What::Absent,
        "leaving" => What::Leaving,
        _ => return Err(format!("{what:?} is not present, absent or leaving")),
    };
    let wrong = || format!("{mac:?} is no MAC of a station");
    let mac = mac_of(mac).filter(|mac| mac[0] & GROUP_BIT == 0 && *mac != [0; 6]).ok_or_else(wrong)?;
    Ok(Word { what, port: port.into(), mac })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_names_what_a_port_and_a_station() {
        let mac = [2, 0, 0x5e, 0x10, 1, 0x0a];
        let word = Word { what: What::Leaving, port: "wlan0".into(), mac };
        assert_eq!(word_of(b"leaving wlan0 02:00:5e:10:01:0a"), Ok(word));
    }

    #[test]
    fn faults_are_named() {
        let fault = |line: &[u8]| word_of(line).unwrap_err();
        assert_eq!(fault(b""), "a line has three words: WHAT PORT MAC");
        assert_eq!(fault(b"present wlan0"), "a line has three words: WHAT PORT MAC");
        assert_eq!(fault(b"here wlan0 02:00:5e:10:01:0a"), "\"here\" is not present, absent or leaving");
        assert_eq!(fault(b"present wlan0 2:0:5e:10:1:a"), "\"2:0:5e:10:1:a\" is no MAC of a station");
        for mac in ["33:33:00:00:00:01", "00:00:00:00:00:00", "+2:00:5e:10:01:0a"] {
            let line = format!("present wlan0 {mac}");
            assert_eq!(fault(line.as_bytes()), format!("{mac:?} is no MAC of a station"));
        }
        assert_eq!(fault(b"present wlan0 \xff"), "the line is no text");
    }
}
