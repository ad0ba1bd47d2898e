//! Sources that belong to a station, as elements of nftables sets: those with native addresses stay in the kernel's
//! routing, those anchored elsewhere go to the data plane, and from any other station both are dropped.

use std::collections::HashMap;
use std::io;

use super::change::Source;
use super::named;
use super::table::{NATIVE, OWNED, PREFIXES};
use crate::netlink::message::Request;
use crate::netlink::socket::Socket;
use crate::netlink::{Prefix, nftables};

/// Sources of one transaction. Each copies the sets: of 1,000 sources one took 18 ms and each deletion in it 0.7 ms. More at
/// once would keep packets waiting for longer.
const TOGETHER: usize = 32;

/// Packets of a station that the sets have matched.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Activity {
    pub sent: u64,
    pub received: u64,
}

pub struct Sources {
    table: String,
    /// Interfaces by link.
    interfaces: HashMap<u8, u32>,
    installed: HashMap<(u8, Prefix), Source>,
}

/// The source that a prefix on a link is to have.
#[derive(Clone, Copy)]
pub struct Wanted {
    pub link: u8,
    pub prefix: Prefix,
    pub source: Option<Source>,
}

/// Name of a set, and first and last key of an element of it.
type Element = (&'static str, [Vec<u8>; 2]);

/// First and last key of an element: interface index in network order, as nftables compares ranges, address, and MAC
/// padded to eight octets.
fn keys(interface: u32, prefix: Prefix, mac: Option<[u8; 6]>) -> [Vec<u8>; 2] {
    [prefix.address, prefix.last()].map(|address| {
        let mut key = interface.to_be_bytes().to_vec();
        key.extend_from_slice(&address);
        if let Some(mac) = mac {
            key.extend_from_slice(&mac);
            key.extend_from_slice(&[0, 0]);
        }
        key
    })
}

impl Sources {
    pub fn new(table: String, interfaces: HashMap<u8, u32>) -> Self {
        Self { table, interfaces, installed: HashMap::new() }
    }

    /// Makes the elements of all these those of their entries. Where the kernel refuses one of a transaction, each has one
    /// of its own, so that only what is wrong is left out; an error for each of those.
    pub fn sync(&mut self, socket: &mut Socket, wanted: &[Wanted]) -> Vec<io::Error> {
        let mut errors = Vec::new();
        for part in wanted.chunks(TOGETHER) {
            if self.sync_part(socket, part).is_err() {
                errors.extend(part.chunks(1).filter_map(|one| self.sync_part(socket, one).err()));
            }
        }
        errors
    }

    fn sync_part(&mut self, socket: &mut Socket, wanted: &[Wanted]) -> io::Result<()> {
        let [additions, removals] = self.changes(wanted);
        for (add, elements) in [(true, additions), (false, removals)] {
            if elements.is_empty() {
                continue;
            }
            let request =
                |(set, [first, last]): Element| nftables::element(&self.table, set, add, &first, &last);
            let changes: Vec<Request> = elements.into_iter().map(request).collect();
            named(socket.batch(nftables::transaction(changes)), || {
                format!("set elements of source {}", wanted[0].prefix)
            })?;
        }
        for &Wanted { link, prefix, source } in wanted {
            match source.filter(|_| self.interfaces.contains_key(&link)) {
                Some(source) => self.installed.insert((link, prefix), source),
                None => self.installed.remove(&(link, prefix)),
            };
        }
        Ok(())
    }

    /// The elements to add and those to remove, each in one transaction and in this order. The kernel changes one set after
    /// the other, as a transaction first names them, and matches packets meanwhile: had a prefix an owner while its station
    /// is in neither set of stations, that station's own packets would be dropped. So the owner comes last and goes first.
    fn changes(&self, wanted: &[Wanted]) -> [Vec<Element>; 2] {
        let [mut stations, mut owned, mut free, mut gone] = [const { Vec::new() }; 4];
        for &Wanted { link, prefix, source: after } in wanted {
            let before = self.installed.get(&(link, prefix)).copied();
            let Some(&interface) = self.interfaces.get(&link).filter(|_| before != after) else { continue };
            let station = |source: Source| {
                let set = if source.native { NATIVE } else { OWNED };
                (set, keys(interface, prefix, Some(source.mac)))
            };
            stations.extend(after.map(station));
            gone.extend(before.map(station));
            // That somebody has the prefix stays true where its station changes.
            match (before, after) {
                (None, _) => owned.push((PREFIXES, keys(interface, prefix, None))),
                (_, None) => free.push((PREFIXES, keys(interface, prefix, None))),
                _ => (),
            }
        }
        stations.append(&mut owned);
        free.append(&mut gone);
        [stations, free]
    }

    /// Takes note that the table is a new one, without elements.
    pub fn forget(&mut self) {
        self.installed.clear();
    }

    /// Packets of each station by MAC; zeros where the sets do not count.
    pub fn activity(&self, socket: &mut Socket) -> io::Result<HashMap<[u8; 6], Activity>> {
        let mut stations = HashMap::new();
        let mut sums: HashMap<[u8; 6], Activity> = HashMap::new();
        for (&(link, prefix), source) in &self.installed {
            for mac in [None, Some(source.mac)] {
                let [first, _] = keys(self.interfaces[&link], prefix, mac);
                stations.insert(first, source.mac);
            }
            sums.entry(source.mac).or_default();
        }
        for set in [NATIVE, OWNED, PREFIXES] {
            socket.dump(nftables::list_elements(&self.table, set), |answer| {
                for (key, packets) in nftables::counted(answer) {
                    let Some(sum) = stations.get(key).and_then(|mac| sums.get_mut(mac)) else { continue };
                    *(if set == PREFIXES { &mut sum.received } else { &mut sum.sent }) += packets;
                }
            })?;
        }
        Ok(sums)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PREFIX: [u8; 16] = [0x20, 1, 0xd, 0xb8, 0, 0xaa, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    const MAC: [u8; 6] = [2, 0, 0x5e, 0x10, 1, 0x0a];

    fn wanted(number: u8, native: Option<bool>) -> Wanted {
        let mut address = PREFIX;
        address[7] = number;
        let prefix = Prefix::new(address, 64).unwrap();
        Wanted { link: 0, prefix, source: native.map(|native| Source { mac: MAC, native }) }
    }

    /// Names of the sets whose elements are added, and removed, when sources that are installed become others.
    fn sets(before: &[Wanted], after: &[Wanted]) -> [Vec<&'static str>; 2] {
        let mut sources = Sources::new(String::new(), HashMap::from([(0, 5)]));
        for Wanted { link, prefix, source } in before {
            sources.installed.insert((*link, *prefix), source.unwrap());
        }
        sources.changes(after).map(|elements| elements.into_iter().map(|(set, _)| set).collect())
    }

    #[test]
    fn a_prefix_has_an_owner_only_while_its_station_is_in_a_set() {
        let (native, foreign, gone) = (Some(true), Some(false), None);
        let come = [wanted(1, foreign), wanted(2, native)];
        let none: Vec<&str> = Vec::new();
        assert_eq!(sets(&[], &come), [vec![OWNED, NATIVE, PREFIXES, PREFIXES], none.clone()]);
        let left = [wanted(1, gone), wanted(2, gone)];
        assert_eq!(sets(&come, &left), [none.clone(), vec![PREFIXES, PREFIXES, OWNED, NATIVE]]);
        let mixed = [wanted(1, native), wanted(2, gone), wanted(3, foreign)];
        assert_eq!(sets(&come, &mixed), [vec![NATIVE, OWNED, PREFIXES], vec![PREFIXES, OWNED, NATIVE]]);
        assert_eq!(sets(&come, &come), [none.clone(), none]);
    }

    #[test]
    fn keys_are_the_range_of_the_prefix_with_interface_and_padded_mac() {
        let prefix = Prefix::new(PREFIX, 64).unwrap();
        let [first, last] = keys(5, prefix, Some(MAC));
        let start = [0, 0, 0, 5, 0x20, 1, 0xd, 0xb8, 0, 0xaa, 0, 0];
        let end = [2, 0, 0x5e, 0x10, 1, 0x0a, 0, 0];
        assert_eq!(first, [&start[..], &[0; 8], &end].concat());
        assert_eq!(last, [&start[..], &[0xff; 8], &end].concat());
        assert_eq!(keys(5, prefix, None)[1], [&start[..], &[0xff; 8]].concat());
    }
}
