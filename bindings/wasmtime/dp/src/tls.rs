//! TLS 1.3 on control's connection: each side shows a certificate of the authority that the other was told.

use std::io::{self, Error, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::os::fd::{AsRawFd, RawFd};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig, ServerConnection};

use crate::connection::{Connection, PART, prepare, waiting};
use crate::options::Files;
use crate::{log, sys};

/// Octets of a handshake, of which a chain of three certificates with RSA keys of 4,096 bits takes half: who may still be
/// anybody gets no more signatures verified than fit here.
const HANDSHAKE_MAX: usize = 16_384;

/// What a connection begins with: the files as they were last read.
pub struct Acceptor {
    files: Files,
    changed: [Option<SystemTime>; 3],
    config: Arc<ServerConfig>,
}

pub struct Tls {
    stream: TcpStream,
    session: ServerConnection,
    handshake: usize,
}

impl Acceptor {
    pub fn new(files: Files) -> io::Result<Self> {
        let (changed, config) = (changes(&files), read(&files)?);
        Ok(Self { files, changed, config })
    }

    /// Begins a handshake; files that were replaced since the last one are read first.
    pub fn accept(&mut self, stream: TcpStream) -> io::Result<Tls> {
        let changed = changes(&self.files);
        if changed != self.changed {
            self.changed = changed;
            match read(&self.files) {
                Ok(config) => self.config = config,
                Err(error) => log::line(log::ERROR, &format!("the certificates stay as they were: {error}")),
            }
        }
        prepare(&stream)?;
        let mut session = ServerConnection::new(self.config.clone()).map_err(Error::other)?;
        session.set_buffer_limit(Some(PART));
        Ok(Tls { stream, session, handshake: 0 })
    }
}

/// When each file was last written.
fn changes(files: &Files) -> [Option<SystemTime>; 3] {
    [&files.certificate, &files.key, &files.authority]
        .map(|path| path.metadata().and_then(|metadata| metadata.modified()).ok())
}

fn read(files: &Files) -> io::Result<Arc<ServerConfig>> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(&files.authority)? {
        roots.add(certificate).map_err(|error| of(&files.authority, error))?;
    }
    let provider = Arc::new(ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), provider.clone());
    let verifier = verifier.build().map_err(|error| of(&files.authority, error))?;
    let key = PrivateKeyDer::from_pem_file(&files.key).map_err(|error| unread(&files.key, error))?;
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(Error::other)?
        .with_client_cert_verifier(verifier)
        .with_single_cert(certificates(&files.certificate)?, key)
        .map_err(|error| of(&files.certificate, error))?;
    // A session that is resumed would not have its certificate looked at again.
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    Ok(config.into())
}

fn of(path: &Path, error: impl ToString) -> Error {
    Error::new(ErrorKind::InvalidData, format!("{}: {}", path.display(), error.to_string()))
}

fn unread(path: &Path, error: pem::Error) -> Error {
    match error {
        pem::Error::Io(error) => sys::named(&path.display().to_string(), error),
        error => of(path, error),
    }
}

/// All certificates of a PEM file, at least one.
fn certificates(path: &Path) -> io::Result<Vec<CertificateDer<'static>>> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let found = read.map_err(|error| unread(path, error))?;
    if found.is_empty() { Err(of(path, "no certificate")) } else { Ok(found) }
}

impl Tls {
    /// Sends what the session has encrypted, as far as there is room.
    fn write(&mut self) -> io::Result<()> {
        while self.session.wants_write() {
            if waiting(self.session.write_tls(&mut self.stream))?.is_none() {
                break;
            }
        }
        Ok(())
    }

    /// Takes about one record; none where nothing waits, false at the end of the stream.
    fn read(&mut self, to: &mut Vec<u8>) -> io::Result<Option<usize>> {
        let Some(count) = waiting(self.session.read_tls(&mut self.stream))? else { return Ok(None) };
        if self.session.is_handshaking() {
            self.handshake += count;
            if self.handshake > HANDSHAKE_MAX {
                return Err(Error::other("a handshake that is too long"));
            }
        }
        let ready = self.session.process_new_packets().map_err(Error::other)?.plaintext_bytes_to_read();
        let start = to.len();
        to.resize(start + ready, 0);
        self.session.reader().read_exact(&mut to[start..])?;
        Ok(Some(count))
    }
}

impl Connection for Tls {
    fn fd(&self) -> RawFd {
        self.stream.as_raw_fd()
    }

    fn receive(&mut self, to: &mut Vec<u8>) -> io::Result<bool> {
        let mut taken = 0;
        while taken < PART {
            match self.read(to)? {
                Some(0) => return Ok(taken > 0),
                Some(count) => taken += count,
                None => break,
            }
        }
        Ok(true)
    }

    fn send(&mut self, from: &mut Vec<u8>) -> io::Result<()> {
        loop {
            let taken = self.session.writer().write(from)?;
            from.drain(..taken);
            self.write()?;
            if taken == 0 || self.session.wants_write() {
                return Ok(());
            }
        }
    }

    fn holds(&self) -> bool {
        self.session.wants_write()
    }
}

impl Drop for Tls {
    /// The other side hears that nothing follows, or in an alert why.
    fn drop(&mut self) {
        self.session.send_close_notify();
        let _ = self.write();
    }
}
