//! What the link layer knows of ports and stations, and how much of it control has been told.

use std::collections::{HashMap, VecDeque};

use crate::access::{Mac, Name};
use crate::cpdp;

/// Stations remembered, for control that comes later.
const STATIONS: usize = 65_536;
/// Changes that wait for control to read them. Past that everything is told again.
const WAITING: usize = 2 * STATIONS;
/// Records in one message.
const RECORDS: usize = 512;

pub type Record = [u8; cpdp::PRESENCE_SIZE];

/// Who says that a station is there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Witness {
    /// A bridge that has learned it, and forgets it when it is silent.
    Bridge,
    /// A program such as hostapd, whose word counts until it takes it back.
    Program,
}

#[derive(Default)]
pub struct Presence {
    stations: HashMap<(u8, Mac), (Name, Witness)>,
    waiting: VecDeque<Record>,
    /// Changes that control will not hear of as such.
    pub lost: u64,
    again: bool,
}

impl Presence {
    /// A station is on a port.
    pub fn present(&mut self, link: u8, mac: Mac, port: Name, witness: Witness) {
        if self.note(link, mac, port, witness) {
            self.tell(record(link, cpdp::PRESENCE_PRESENT, mac, port));
        }
    }

    /// Remembers a station; false where it is no news that a bridge has learned it.
    fn note(&mut self, link: u8, mac: Mac, port: Name, witness: Witness) -> bool {
        let room = self.stations.len() < STATIONS;
        match self.stations.get_mut(&(link, mac)) {
            Some((known, Witness::Program)) if witness == Witness::Bridge && *known == port => return false,
            Some(known) => *known = (port, witness),
            None if room => drop(self.stations.insert((link, mac), (port, witness))),
            None => (),
        }
        true
    }

    /// A station has left a port; what a bridge forgets may still be there if a program has said so.
    pub fn absent(&mut self, link: u8, mac: Mac, port: Name, witness: Witness) {
        match self.stations.get(&(link, mac)) {
            Some(&(known, _)) if known != port => return,
            Some((_, Witness::Program)) if witness == Witness::Bridge => return,
            _ => self.stations.remove(&(link, mac)),
        };
        self.tell(record(link, cpdp::PRESENCE_ABSENT, mac, port));
    }

    pub fn leaving(&mut self, link: u8, mac: Mac, port: Name) {
        self.tell(record(link, cpdp::PRESENCE_LEAVING, mac, port));
    }

    /// A port came up or went down, and with it all of its stations.
    pub fn port(&mut self, link: u8, port: Name, up: bool) {
        let what = if up { cpdp::PRESENCE_PORT_UP } else { cpdp::PRESENCE_PORT_DOWN };
        if !up {
            self.stations.retain(|&(of, _), &mut (on, _)| (of, on) != (link, port));
        }
        self.tell(record(link, what, [0; 6], port));
    }

    /// Bridges have been asked anew: whom they know, by link, MAC and port. The others are absent; all are to be told
    /// by `tell_all`.
    pub fn learned(&mut self, known: &HashMap<(u8, Mac), Name>) {
        let gone: Vec<((u8, Mac), Name)> = self
            .stations
            .iter()
            .filter(|&(key, &(_, witness))| witness == Witness::Bridge && !known.contains_key(key))
            .map(|(&key, &(port, _))| (key, port))
            .collect();
        for ((link, mac), port) in gone {
            self.absent(link, mac, port, Witness::Bridge);
        }
        for (&(link, mac), &port) in known {
            self.note(link, mac, port, Witness::Bridge);
        }
    }

    /// Tells everything, after what waits: the ports that are up, then all stations. Where too much waits already,
    /// `wants_all` stays true instead.
    pub fn tell_all(&mut self, up: impl Iterator<Item = (u8, Name)>) {
        if self.waiting.len() >= WAITING {
            self.again = true;
            return;
        }
        let up = up.map(|(link, port)| record(link, cpdp::PRESENCE_PORT_UP, [0; 6], port));
        self.waiting.extend(up);
        let stations = self
            .stations
            .iter()
            .map(|(&(link, mac), &(port, _))| record(link, cpdp::PRESENCE_PRESENT, mac, port));
        self.waiting.extend(stations);
    }

    /// Whether changes went missing, so that `tell_all` is due.
    pub fn wants_all(&self) -> bool {
        self.again
    }

    /// Hands the records that wait to `tell`, which says whether it took them.
    pub fn pump(&mut self, mut tell: impl FnMut(&[u8]) -> bool) {
        while !self.waiting.is_empty() {
            let count = self.waiting.len().min(RECORDS);
            let body: Vec<u8> = self.waiting.range(..count).flatten().copied().collect();
            if !tell(&body) {
                return;
            }
            self.waiting.drain(..count);
        }
    }

    /// Forgets what waits: nobody is there to be told, or `tell_all` follows.
    pub fn forget(&mut self) {
        self.waiting.clear();
        self.again = false;
    }

    fn tell(&mut self, record: Record) {
        if self.waiting.len() >= WAITING {
            self.lost += 1;
            self.again = true;
            return;
        }
        self.waiting.push_back(record);
    }
}

fn record(link: u8, what: u32, mac: Mac, port: Name) -> Record {
    let mut record = [0; cpdp::PRESENCE_SIZE];
    record[cpdp::PRESENCE_LINK_AT] = link;
    record[cpdp::PRESENCE_WHAT_AT] = what as u8;
    record[cpdp::PRESENCE_MAC_AT..][..mac.len()].copy_from_slice(&mac);
    record[cpdp::PRESENCE_PORT_AT..][..port.len()].copy_from_slice(&port);
    record
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::name_of;

    const MAC: Mac = [2, 0, 0, 0, 0, 1];

    /// What is told: code, last octet of the MAC, and port.
    fn told(presence: &mut Presence) -> Vec<(u32, u8, String)> {
        let mut told = Vec::new();
        presence.pump(|body| {
            told.extend(body.chunks_exact(cpdp::PRESENCE_SIZE).map(|record| {
                let port = String::from_utf8_lossy(&record[cpdp::PRESENCE_PORT_AT..][..16]);
                let what = record[cpdp::PRESENCE_WHAT_AT].into();
                (what, record[cpdp::PRESENCE_MAC_AT + 5], port.trim_end_matches('\0').into())
            }));
            true
        });
        told
    }

    fn expected(told: &[(u32, u8, &str)]) -> Vec<(u32, u8, String)> {
        told.iter().map(|&(what, mac, port)| (what, mac, port.into())).collect()
    }

    #[test]
    fn changes_are_told_once_in_order_and_everything_to_control_that_comes() {
        let (mut presence, port) = (Presence::default(), name_of("p0"));
        presence.port(1, port, true);
        presence.present(1, MAC, port, Witness::Bridge);
        let all = expected(&[(cpdp::PRESENCE_PORT_UP, 0, "p0"), (cpdp::PRESENCE_PRESENT, 1, "p0")]);
        assert_eq!(told(&mut presence), all);
        assert_eq!(told(&mut presence), []);
        presence.tell_all([(1, port)].into_iter());
        assert_eq!(told(&mut presence), all);
    }

    #[test]
    fn what_control_does_not_take_is_kept_for_it() {
        let mut presence = Presence::default();
        presence.present(1, MAC, name_of("p0"), Witness::Bridge);
        presence.pump(|_| false);
        assert_eq!(told(&mut presence), expected(&[(cpdp::PRESENCE_PRESENT, 1, "p0")]));
    }

    #[test]
    fn a_station_that_has_moved_is_not_absent_because_its_old_port_forgets_it() {
        let (mut presence, old, new) = (Presence::default(), name_of("p0"), name_of("p1"));
        presence.present(1, MAC, old, Witness::Bridge);
        presence.present(1, MAC, new, Witness::Bridge);
        presence.absent(1, MAC, old, Witness::Bridge);
        let moved = expected(&[(cpdp::PRESENCE_PRESENT, 1, "p0"), (cpdp::PRESENCE_PRESENT, 1, "p1")]);
        assert_eq!(told(&mut presence), moved);
        presence.absent(1, MAC, new, Witness::Bridge);
        assert_eq!(told(&mut presence), expected(&[(cpdp::PRESENCE_ABSENT, 1, "p1")]));
    }

    #[test]
    fn a_bridge_that_forgets_a_silent_station_does_not_gainsay_hostapd() {
        let (mut presence, port) = (Presence::default(), name_of("wlan0"));
        presence.present(1, MAC, port, Witness::Program);
        presence.present(1, MAC, port, Witness::Bridge);
        presence.absent(1, MAC, port, Witness::Bridge);
        assert_eq!(told(&mut presence), expected(&[(cpdp::PRESENCE_PRESENT, 1, "wlan0")]));
        presence.absent(1, MAC, port, Witness::Program);
        assert_eq!(told(&mut presence), expected(&[(cpdp::PRESENCE_ABSENT, 1, "wlan0")]));
    }

    #[test]
    fn bridges_asked_anew_tell_who_is_gone() {
        let (mut presence, port) = (Presence::default(), name_of("p0"));
        presence.present(1, MAC, port, Witness::Bridge);
        presence.present(1, [2, 0, 0, 0, 0, 2], port, Witness::Program);
        told(&mut presence);
        presence.learned(&HashMap::from([((1, [2, 0, 0, 0, 0, 3]), port)]));
        presence.tell_all(std::iter::empty());
        let mut changes = told(&mut presence);
        assert_eq!(changes.remove(0), (cpdp::PRESENCE_ABSENT, 1, "p0".into()));
        changes.sort();
        let present = expected(&[(cpdp::PRESENCE_PRESENT, 2, "p0"), (cpdp::PRESENCE_PRESENT, 3, "p0")]);
        assert_eq!(changes, present);
    }

    #[test]
    fn with_its_port_a_station_is_gone() {
        let (mut presence, port) = (Presence::default(), name_of("p0"));
        presence.present(1, MAC, port, Witness::Program);
        presence.port(1, port, false);
        told(&mut presence);
        presence.tell_all(std::iter::empty());
        assert_eq!(told(&mut presence), []);
    }

    #[test]
    fn what_is_told_over_and_over_takes_bounded_room() {
        let (mut presence, port) = (Presence::default(), name_of("p0"));
        for n in 0..1000u16 {
            let [high, low] = n.to_be_bytes();
            presence.present(1, [2, 0, 0, 0, high, low], port, Witness::Bridge);
        }
        for _ in 0..2 * WAITING / 1000 {
            presence.tell_all(std::iter::empty());
        }
        assert!(presence.wants_all() && presence.waiting.len() < WAITING + STATIONS);
        presence.forget();
        presence.tell_all(std::iter::empty());
        assert_eq!((told(&mut presence).len(), presence.wants_all()), (1000, false));
    }

    #[test]
    fn past_what_may_wait_everything_is_told_again() {
        let (mut presence, port) = (Presence::default(), name_of("p0"));
        presence.present(1, MAC, port, Witness::Bridge);
        for _ in 0..WAITING {
            presence.leaving(1, MAC, port);
        }
        assert_eq!((presence.lost, presence.wants_all()), (1, true));
        presence.forget();
        presence.tell_all(std::iter::empty());
        assert_eq!((told(&mut presence).len(), presence.wants_all()), (1, false));
    }
}
