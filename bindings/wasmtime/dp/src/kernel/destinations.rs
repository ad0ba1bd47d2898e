//! Destination entries as routes and permanent neighbours: to the station, or to the device that the data plane reads.

use std::collections::{HashMap, HashSet};
use std::io;
use std::net::Ipv6Addr;

use super::change::{Entry, Station};
use super::named;
use super::repair::is_gone;
use crate::netlink::Prefix;
use crate::netlink::neighbour::Neighbour;
use crate::netlink::route::{self, Target};
use crate::netlink::socket::Socket;

struct Use {
    mac: [u8; 6],
    prefixes: HashSet<Prefix>,
}

pub struct Destinations {
    /// Interfaces by link.
    interfaces: HashMap<u8, u32>,
    /// Device that leads to the data plane.
    tun: u32,
    installed: HashMap<Prefix, Entry>,
    /// Each as long as a prefix needs it.
    neighbours: HashMap<Neighbour, Use>,
}

impl Destinations {
    pub fn new(interfaces: HashMap<u8, u32>, tun: u32) -> Self {
        Self { interfaces, tun, installed: HashMap::new(), neighbours: HashMap::new() }
    }

    /// Makes the kernel's route for a prefix that of `entry`: replaced in place, or deleted.
    pub fn sync(&mut self, socket: &mut Socket, prefix: Prefix, entry: Option<Entry>) -> io::Result<()> {
        let before = self.installed.get(&prefix).copied();
        match entry {
            Some(Entry::Station(station)) => self.deliver(socket, prefix, station, before)?,
            Some(entry) => {
                if !matches!(before, Some(Entry::Module)) {
                    put(socket, prefix, Target::Device(self.tun, None))?;
                }
                self.installed.insert(prefix, entry);
            }
            None if before.is_none() => return Ok(()),
            None => {
                deleted(socket.request(route::delete(prefix, route::MAIN)), || format!("route {prefix}"))?;
                self.installed.remove(&prefix);
            }
        }
        let left = self.neighbour_of(before);
        if left != self.neighbour_of(entry)
            && let Some(left) = left
        {
            self.release(socket, prefix, left)?;
        }
        Ok(())
    }

    /// Takes note that the kernel has nothing any more that leads to stations of a link.
    pub fn forget(&mut self, link: u8) {
        let Some(&interface) = self.interfaces.get(&link) else { return };
        self.installed.retain(|_, entry| !matches!(entry, Entry::Station(station) if station.link == link));
        self.neighbours.retain(|neighbour, _| neighbour.interface != interface);
    }

    fn deliver(
        &mut self,
        socket: &mut Socket,
        prefix: Prefix,
        station: Station,
        before: Option<Entry>,
    ) -> io::Result<()> {
        let Some(neighbour) = self.neighbour_of(Some(Entry::Station(station))) else {
            return Err(io::Error::other(format!("{prefix} is on link {}, which is not here", station.link)));
        };
        // The neighbour first, or the first packet over the route would start a solicitation.
        if self.neighbours.get(&neighbour).is_none_or(|held| held.mac != station.mac) {
            named(socket.request(neighbour.put(station.mac)), || {
                format!("neighbour {}", Ipv6Addr::from(station.next_hop))
            })?;
        }
        let held = self
            .neighbours
            .entry(neighbour)
            .or_insert_with(|| Use { mac: station.mac, prefixes: HashSet::new() });
        held.mac = station.mac;
        held.prefixes.insert(prefix);
        if self.neighbour_of(before) != Some(neighbour) {
            // A route to an address by way of itself is none: it is on the link.
            let itself = prefix.address == station.next_hop && prefix.length == 128;
            put(socket, prefix, Target::Device(neighbour.interface, (!itself).then_some(station.next_hop)))?;
        }
        self.installed.insert(prefix, Entry::Station(station));
        Ok(())
    }

    fn neighbour_of(&self, entry: Option<Entry>) -> Option<Neighbour> {
        let Some(Entry::Station(Station { link, next_hop, .. })) = entry else { return None };
        let interface = *self.interfaces.get(&link)?;
        Some(Neighbour { interface, address: next_hop })
    }

    fn release(&mut self, socket: &mut Socket, prefix: Prefix, neighbour: Neighbour) -> io::Result<()> {
        let Some(held) = self.neighbours.get_mut(&neighbour) else { return Ok(()) };
        held.prefixes.remove(&prefix);
        if !held.prefixes.is_empty() {
            return Ok(());
        }
        self.neighbours.remove(&neighbour);
        deleted(socket.request(neighbour.delete()), || {
            format!("neighbour {}", Ipv6Addr::from(neighbour.address))
        })
    }
}

/// What the kernel has taken away itself, with an interface that went down, is deleted as well.
fn deleted(result: io::Result<()>, what: impl FnOnce() -> String) -> io::Result<()> {
    match result {
        Err(error) if is_gone(&error) => Ok(()),
        result => named(result, || format!("delete {}", what())),
    }
}

fn put(socket: &mut Socket, prefix: Prefix, target: Target) -> io::Result<()> {
    named(socket.request(route::put(prefix, route::MAIN, target)), || format!("route {prefix}"))
}
