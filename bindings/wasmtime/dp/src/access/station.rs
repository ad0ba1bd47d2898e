//! `maar-dp station SOCKET present|absent|leaving PORT MAC`: tells a running agent of a station, as hostapd's scripts do.

use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;

use crate::access::stations::PATIENCE;

pub const USAGE: &str = "usage: maar-dp station SOCKET present|absent|leaving PORT MAC";

/// Says `words` (SOCKET, WHAT, PORT, MAC) to the agent; its answer, an error where it refuses.
pub fn tell(words: &[String]) -> Result<String, String> {
    let [socket, what, port, mac] = words else { return Err(USAGE.into()) };
    let line = format!("{what} {port} {mac}\n");
    let answer = exchange(socket, &line).map_err(|error| format!("{socket}: {error}"))?;
    match answer.trim_end() {
        "" => Err(format!("{socket}: the agent has too many clients")),
        answer => match answer.strip_prefix("error: ") {
            Some(fault) => Err(fault.into()),
            None => Ok(answer.into()),
        },
    }
}

fn exchange(socket: &str, line: &str) -> io::Result<String> {
    let mut stream = UnixStream::connect(socket)?;
    // The agent answers within its patience, whatever control does.
    stream.set_read_timeout(Some(2 * PATIENCE))?;
    let mut answer = String::new();
    match stream.write_all(line.as_bytes()).and_then(|()| stream.read_to_string(&mut answer)) {
        Err(error) if !matches!(error.kind(), ErrorKind::BrokenPipe | ErrorKind::ConnectionReset) => {
            Err(error)
        }
        // An agent with too many clients closes without an answer.
        _ => Ok(answer),
    }
}
