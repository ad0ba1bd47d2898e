//! The ports of all access links, opened and closed as they come and go.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};

use crate::access::presence::Presence;
use crate::access::{Mac, Name, name_of, socket};
use crate::log;
use crate::netlink::link::Link;
use crate::options;

pub struct Port {
    pub socket: OwnedFd,
    pub link: u8,
    pub name: Name,
    index: u32,
    running: bool,
}

pub struct Ports {
    /// Number of the access link by index of its interface.
    links: HashMap<u32, u8>,
    /// By number of the access link.
    senders: HashMap<u8, OwnedFd>,
    attached: HashMap<u8, Vec<Mac>>,
    open: Vec<Port>,
}

impl Ports {
    /// `interfaces`: index of each access link's interface.
    pub fn new(access: &[options::Access], interfaces: &[u32]) -> io::Result<Self> {
        let (mut links, mut senders) = (HashMap::new(), HashMap::new());
        for (entry, &index) in access.iter().zip(interfaces) {
            links.insert(index, entry.link);
            senders.insert(entry.link, socket::open_sender(index)?);
        }
        Ok(Self { links, senders, attached: HashMap::new(), open: Vec::new() })
    }

    pub fn open(&self) -> &[Port] {
        &self.open
    }

    /// The access link whose interface this is.
    pub fn link_of(&self, index: u32) -> Option<u8> {
        self.links.get(&index).copied()
    }

    /// Numbers of all access links.
    pub fn links(&self) -> impl Iterator<Item = u8> + '_ {
        self.links.values().copied()
    }

    pub fn named(&self, name: &str) -> Option<&Port> {
        self.open.iter().find(|port| port.name == name_of(name))
    }

    /// The open port that is the interface `index`, as a port of the bridge `bridge`.
    pub fn of_bridge(&self, index: u32, bridge: u32) -> Option<&Port> {
        let link = self.links.get(&bridge)?;
        self.open.iter().find(|port| port.index == index && port.link == *link)
    }

    /// Those that can carry frames.
    pub fn running(&self) -> impl Iterator<Item = (u8, Name)> + '_ {
        self.open.iter().filter(|port| port.running).map(|port| (port.link, port.name))
    }

    /// Takes note of what an interface is now.
    pub fn update(&mut self, link: &Link, presence: &mut Presence) {
        let position = self.open.iter().position(|port| port.index == link.index);
        let (Some(number), true) = (self.number_of(link), link.present) else {
            return position.into_iter().for_each(|position| self.close(position, presence));
        };
        // An interface of another name or link is another port.
        if let Some(position) = position {
            let port = &self.open[position];
            if (port.link, port.name) != (number, name_of(&link.name)) {
                self.close(position, presence);
            }
        }
        let position = self.open.iter().position(|port| port.index == link.index);
        let Some(position) = position.or_else(|| self.add(link, number)) else { return };
        let port = &mut self.open[position];
        if port.running != link.running {
            port.running = link.running;
            presence.port(port.link, port.name, port.running);
        }
    }

    /// Takes note of all interfaces that there are.
    pub fn compare(&mut self, links: &[Link], presence: &mut Presence) {
        for position in (0..self.open.len()).rev() {
            if !links.iter().any(|link| link.index == self.open[position].index) {
                self.close(position, presence);
            }
        }
        for link in links {
            self.update(link, presence);
        }
    }

    /// The access link that an interface is a port of.
    fn number_of(&self, link: &Link) -> Option<u8> {
        match self.links.get(&link.index) {
            Some(&number) => (link.kind != "bridge").then_some(number),
            None => self.links.get(&link.master?).copied(),
        }
    }

    fn add(&mut self, link: &Link, number: u8) -> Option<usize> {
        match socket::open_port(link.index, self.attached.get(&number).map_or(&[], Vec::as_slice)) {
            Ok(socket) => {
                let name = name_of(&link.name);
                self.open.push(Port { socket, link: number, name, index: link.index, running: false });
                Some(self.open.len() - 1)
            }
            Err(error) => {
                log::line(log::ERROR, &format!("port {}: {error}", link.name));
                None
            }
        }
    }

    fn close(&mut self, position: usize, presence: &mut Presence) {
        let port = self.open.swap_remove(position);
        if port.running {
            presence.port(port.link, port.name, false);
        }
    }

    /// Of these stations only neighbour discovery and MLD are wanted from now on; false where there is no such link.
    pub fn attach(&mut self, link: u8, macs: Vec<Mac>) -> bool {
        for port in self.open.iter().filter(|port| port.link == link) {
            if let Err(error) = socket::attach(&port.socket, &macs) {
                log::line(log::ERROR, &format!("filter of a port of link {link}: {error}"));
            }
        }
        self.attached.insert(link, macs);
        self.senders.contains_key(&link)
    }

    /// No station is attached any more.
    pub fn detach_all(&mut self) {
        for link in self.senders.keys().copied().collect::<Vec<u8>>() {
            self.attach(link, Vec::new());
        }
    }

    /// The socket on which a frame goes out: of a port or, without a name, of the link. The result is none where the
    /// link is unknown, and holds none where the port is gone.
    pub fn sender(&self, link: u8, port: Name) -> Option<Option<&OwnedFd>> {
        let whole = self.senders.get(&link)?;
        if port == [0; 16] {
            return Some(Some(whole));
        }
        let named = self.open.iter().find(|open| open.link == link && open.name == port);
        Some(named.map(|port| &port.socket))
    }
}

impl AsRawFd for Port {
    fn as_raw_fd(&self) -> std::os::fd::RawFd {
        self.socket.as_raw_fd()
    }
}
