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
        let changes: Vec<Request> = wanted.iter().flat_map(|one| self.changes(one)).collect();
        if changes.is_empty() {
            return Ok(());
        }
        named(socket.batch(nftables::transaction(changes)), || {
            format!("set elements of source {}", wanted[0].prefix)
        })?;
        for &Wanted { link, prefix, source } in wanted {
            match source.filter(|_| self.interfaces.contains_key(&link)) {
                Some(source) => self.installed.insert((link, prefix), source),
                None => self.installed.remove(&(link, prefix)),
            };
        }
        Ok(())
    }

    fn changes(&self, &Wanted { link, prefix, source: after }: &Wanted) -> Vec<Request> {
        let before = self.installed.get(&(link, prefix)).copied();
        let Some(&interface) = self.interfaces.get(&link).filter(|_| before != after) else {
            return Vec::new();
        };
        let mut changes = Vec::new();
        for (add, source) in [(false, before), (true, after)] {
            let Some(source) = source else { continue };
            let set = if source.native { NATIVE } else { OWNED };
            changes.push(self.change(set, add, &keys(interface, prefix, Some(source.mac))));
        }
        // That somebody has the prefix stays true where its station changes.
        if before.is_none() || after.is_none() {
            changes.push(self.change(PREFIXES, after.is_some(), &keys(interface, prefix, None)));
        }
        changes
    }

    fn change(&self, set: &str, add: bool, [first, last]: &[Vec<u8>; 2]) -> Request {
        nftables::element(&self.table, set, add, first, last)
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

    #[test]
    fn keys_are_the_range_of_the_prefix_with_interface_and_padded_mac() {
        let prefix = Prefix::new([0x20, 1, 0xd, 0xb8, 0, 0xaa, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], 64).unwrap();
        let [first, last] = keys(5, prefix, Some([2, 0, 0x5e, 0x10, 1, 0x0a]));
        let start = [0, 0, 0, 5, 0x20, 1, 0xd, 0xb8, 0, 0xaa, 0, 0];
        let end = [2, 0, 0x5e, 0x10, 1, 0x0a, 0, 0];
        assert_eq!(first, [&start[..], &[0; 8], &end].concat());
        assert_eq!(last, [&start[..], &[0xff; 8], &end].concat());
        assert_eq!(keys(5, prefix, None)[1], [&start[..], &[0xff; 8]].concat());
    }
}
