//! All access links together, as the agent's loop sees them.

use std::collections::{HashMap, HashSet};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::time::{Duration, Instant};

use crate::access::filter::SNAP_CONTROL;
use crate::access::frames::{self, Pace};
use crate::access::ports::Ports;
use crate::access::presence::{Presence, Witness};
use crate::access::stations::{Stations, What, Word};
use crate::access::{Mac, Name, bridge, name_of};
use crate::audience::Audience;
use crate::netlink::link::{self, Link};
use crate::netlink::{message, socket};
use crate::options::Options;
use crate::sys::{self, entry};
use crate::{cpdp, log};

/// Lets a burst of changes wait while packets are forwarded.
const EVENT_BUFFER: libc::c_int = 4 << 20;
const DATAGRAM: usize = 1 << 15;
/// Frames of one port, and datagrams of events, before others get their turn.
const ROUNDS: usize = 64;
/// Datagrams for which the buffer has room, at most.
const WAITING: usize = 1 << 16;
/// Of rtnetlink.
const GROUPS: [u32; 2] = [libc::RTNLGRP_LINK, libc::RTNLGRP_NEIGH];
const ETHERNET: usize = 14;

pub struct Links {
    route: socket::Socket,
    /// Changes of interfaces and of what bridges learn.
    events: OwnedFd,
    ports: Ports,
    presence: Presence,
    pace: Pace,
    stations: Option<Stations>,
    /// Access links whose interface is down, and those where it has come up again.
    down: HashSet<u8>,
    returned: HashSet<u8>,
    /// Frames of control that could not be sent.
    pub dropped: u64,
}

impl Links {
    /// Opens the access links that the options name, whose interfaces have these indices.
    pub fn open(options: &Options, interfaces: &[u32]) -> io::Result<Self> {
        let stations = options.stations.as_deref().map(Stations::listen).transpose()?;
        let mut links = Self {
            route: socket::Socket::open(libc::NETLINK_ROUTE)?,
            events: socket::open_events(libc::NETLINK_ROUTE, &GROUPS, EVENT_BUFFER)?,
            ports: Ports::new(&options.access, interfaces)?,
            presence: Presence::default(),
            pace: Pace::default(),
            stations,
            down: HashSet::new(),
            returned: HashSet::new(),
            dropped: 0,
        };
        links.compare()?;
        Ok(links)
    }

    /// Adds what `turn` wants to hear of.
    pub fn poll(&self, polled: &mut Vec<libc::pollfd>) {
        polled.push(entry(self.events.as_raw_fd()));
        polled.extend(self.ports.open().iter().map(|port| entry(port.as_raw_fd())));
        self.stations.iter().for_each(|stations| stations.poll(polled));
    }

    /// How long until somebody has waited too long.
    pub fn patience(&self) -> Option<Duration> {
        self.stations.as_ref().and_then(|stations| stations.patience(Instant::now()))
    }

    /// Takes what has come; `polled` is what `poll` added.
    pub fn turn(&mut self, polled: &[libc::pollfd], control: &mut Audience) {
        let now = Instant::now();
        let Some((events, rest)) = polled.split_first() else { return };
        let (ports, stations) = rest.split_at(self.ports.open().len());
        for (position, _) in ports.iter().enumerate().filter(|(_, polled)| polled.revents != 0) {
            self.frames(position, now, control);
        }
        self.words(stations, now, control);
        // Last, since it opens and closes ports.
        if events.revents != 0 {
            self.changes();
        }
    }

    /// Access links whose interface has come up again since the last call: the kernel has forgotten what it knew of them.
    pub fn returned(&mut self) -> HashSet<u8> {
        std::mem::take(&mut self.returned)
    }

    /// Tells control what it has not heard yet, as far as there is room.
    pub fn tell(&mut self, control: &mut Audience) {
        if !control.is_there() {
            self.stations.iter_mut().for_each(Stations::deserted);
            return self.presence.forget();
        }
        if self.presence.wants_all() {
            self.presence.forget();
            self.presence.tell_all(self.ports.running());
        }
        self.presence.pump(|body| control.tell(cpdp::KIND_PRESENCE, body));
        control.lose(std::mem::take(&mut self.presence.lost));
    }

    /// A control has come: it hears everything, and no station is attached for it.
    pub fn greeted(&mut self) {
        self.stations.iter_mut().for_each(Stations::deserted);
        self.ports.detach_all();
        self.presence.forget();
        self.presence.tell_all(self.ports.running());
    }

    /// Carries out `frame-out`, `attached` and `keeping`; an error where the message is malformed.
    pub fn command(&mut self, kind: u32, number: u64, body: &[u8]) -> Result<(), &'static str> {
        match kind {
            cpdp::KIND_FRAME_OUT => self.send(body),
            cpdp::KIND_ATTACHED => {
                let (macs, rest) = body.as_chunks::<6>();
                let link = u8::try_from(number).map_err(|_| "no such access link")?;
                if !rest.is_empty() {
                    return Err("no whole number of MACs");
                }
                self.ports.attach(link, macs.to_vec()).then_some(()).ok_or("no such access link")
            }
            _ => {
                let mac: Mac = body.try_into().map_err(|_| "not one MAC")?;
                self.stations.iter_mut().for_each(|stations| stations.kept(mac));
                Ok(())
            }
        }
    }

    fn send(&mut self, body: &[u8]) -> Result<(), &'static str> {
        let (head, frame) = body.split_at_checked(cpdp::FRAME_SIZE).ok_or("no frame")?;
        if frame.len() < ETHERNET {
            return Err("a frame shorter than its header");
        }
        let port: Name = head[cpdp::FRAME_PORT_AT..][..16].try_into().unwrap_or_default();
        let sender = self.ports.sender(head[cpdp::FRAME_LINK_AT], port).ok_or("no such access link")?;
        let sent = sender.map(|socket| sys::send_frame(socket.as_raw_fd(), frame));
        self.dropped += u64::from(!matches!(sent, Some(Ok(Some(_)))));
        Ok(())
    }

    fn frames(&mut self, position: usize, now: Instant, control: &mut Audience) {
        let Some(port) = self.ports.open().get(position) else { return };
        let mut body: frames::Body = [0; cpdp::FRAME_SIZE + SNAP_CONTROL];
        frames::write_head(&mut body, port.link, port.name);
        for _ in 0..ROUNDS {
            // An error is that of an interface which went down; its event follows.
            let Ok(Some(length)) = sys::read(port.as_raw_fd(), &mut body[cpdp::FRAME_SIZE..]) else { return };
            let whole = &body[..cpdp::FRAME_SIZE + length];
            if self.pace.admits(port.link, &whole[cpdp::FRAME_SIZE..], now) {
                control.show(cpdp::KIND_FRAME_IN, whole);
            }
        }
    }

    fn words(&mut self, polled: &[libc::pollfd], now: Instant, control: &Audience) {
        let Some(stations) = &mut self.stations else { return };
        let (ports, presence) = (&self.ports, &mut self.presence);
        stations.turn(polled, now, |Word { what, port, mac }| {
            let Some(link) = ports.named(port).map(|port| port.link) else {
                return Some(Err(format!("no access link has a port {port:?}")));
            };
            let name = name_of(port);
            match what {
                What::Present => presence.present(link, *mac, name, Witness::Program),
                What::Absent => presence.absent(link, *mac, name, Witness::Program),
                What::Leaving if !control.is_there() => return Some(Err("no control is connected".into())),
                What::Leaving => {
                    presence.leaving(link, *mac, name);
                    return None;
                }
            }
            Some(Ok(()))
        });
    }

    /// Follows interfaces and bridges; where the kernel had no room for all changes, asks for what is.
    fn changes(&mut self) {
        let mut octets = [0; DATAGRAM];
        for _ in 0..ROUNDS {
            match socket::receive(self.events.as_raw_fd(), &mut octets) {
                Ok(None) => return,
                Ok(Some(length)) => {
                    for message in message::messages(&octets[..length]) {
                        self.follow(&message);
                    }
                }
                Err(_) => return self.begin_anew(&mut octets),
            }
        }
    }

    fn begin_anew(&mut self, octets: &mut [u8]) {
        log::line(log::NOTICE, "changes of interfaces were lost: all are read anew");
        // What still waits is older than the list that is asked for now, and would be taken for news after it.
        let waiting = |result| !matches!(result, Ok(None));
        for _ in 0..WAITING {
            if !waiting(socket::receive(self.events.as_raw_fd(), octets)) {
                break;
            }
        }
        if let Err(error) = self.compare() {
            log::line(log::ERROR, &format!("access links: {error}"));
        }
        self.presence.tell_all(self.ports.running());
        // One that was down and up again in between looks as if nothing had happened.
        self.returned.extend(self.ports.links().filter(|link| !self.down.contains(link)));
    }

    fn note(&mut self, interface: &Link) {
        let Some(link) = self.ports.link_of(interface.index) else { return };
        if !interface.up {
            self.down.insert(link);
        } else if self.down.remove(&link) {
            log::line(log::NOTICE, &format!("the interface of access link {link} is up again"));
            self.returned.insert(link);
        }
    }

    fn follow(&mut self, message: &message::Message) {
        if let Some(link) = Link::read(message) {
            self.note(&link);
            self.ports.update(&link, &mut self.presence);
        }
        let Some(learned) = bridge::Learned::read(message) else { return };
        let Some(port) = self.ports.of_bridge(learned.port, learned.bridge) else { return };
        match learned.present {
            true => self.presence.present(port.link, learned.mac, port.name, Witness::Bridge),
            false => self.presence.absent(port.link, learned.mac, port.name, Witness::Bridge),
        }
    }

    fn compare(&mut self) -> io::Result<()> {
        let mut links = Vec::new();
        self.route.dump(link::list(), |answer| links.extend(Link::read(answer)))?;
        links.iter().for_each(|link| self.note(link));
        self.ports.compare(&links, &mut self.presence);
        let mut known = HashMap::new();
        let ports = &self.ports;
        self.route.dump(bridge::list(), |answer| {
            let Some(learned) = bridge::Learned::read(answer) else { return };
            if let Some(port) = ports.of_bridge(learned.port, learned.bridge) {
                known.insert((port.link, learned.mac), port.name);
            }
        })?;
        self.presence.learned(&known);
        Ok(())
    }
}
