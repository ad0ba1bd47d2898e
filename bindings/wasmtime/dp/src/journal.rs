//! The entries as control last put them: for the next instance after a trap, and for the difference to a whole set.

use std::cmp::Reverse;
use std::collections::HashMap;

use maar_module::abi;

pub type Record = [u8; abi::COMMAND_SIZE];

/// What identifies an entry: its table, and the fields of the record that its table is keyed by; others are zero.
type Key = [u8; abi::COMMAND_SIZE];

struct Kept {
    record: Record,
    /// Entries are put into a new instance in the order in which they came.
    order: u64,
    /// False for what a whole set has not named yet.
    named: bool,
}

#[derive(Default)]
pub struct Journal {
    entries: HashMap<Key, Kept>,
    next: u64,
    /// What the last whole set did not name and is still to be deleted, newest first.
    ending: Vec<Key>,
}

/// Octets of a record that identify an entry in its table.
fn key_of(record: &Record) -> Option<(Key, bool)> {
    let (table, put) = match u32::from(record[abi::COMMAND_OP_AT]) {
        abi::COMMAND_PUT_DELIVER
        | abi::COMMAND_PUT_TUNNEL
        | abi::COMMAND_PUT_BUFFER
        | abi::COMMAND_PUT_REWRITE => (abi::COMMAND_DELETE_DESTINATION, true),
        abi::COMMAND_PUT_SOURCE => (abi::COMMAND_DELETE_SOURCE, true),
        abi::COMMAND_PUT_PEER => (abi::COMMAND_DELETE_PEER, true),
        abi::COMMAND_PUT_HOLD => (abi::COMMAND_DELETE_HOLD, true),
        op @ (abi::COMMAND_DELETE_DESTINATION
        | abi::COMMAND_DELETE_SOURCE
        | abi::COMMAND_DELETE_PEER
        | abi::COMMAND_DELETE_HOLD) => (op, false),
        _ => return None,
    };
    let flow = table == abi::COMMAND_DELETE_DESTINATION
        && u32::from(record[abi::COMMAND_FLAGS_AT]) & abi::COMMAND_FLAG_FLOW != 0;
    let station = table == abi::COMMAND_DELETE_HOLD
        && u32::from(record[abi::COMMAND_DIRECTION_AT]) == abi::DIRECTION_STATION;
    let mut key = [0; abi::COMMAND_SIZE];
    let mut keep = |at: usize, octets: usize| key[at..][..octets].copy_from_slice(&record[at..][..octets]);
    if !station {
        keep(abi::COMMAND_PREFIX_AT, 16);
    }
    if !station && !flow && table != abi::COMMAND_DELETE_PEER {
        keep(abi::COMMAND_LENGTH_AT, 1);
    }
    if table == abi::COMMAND_DELETE_HOLD {
        keep(abi::COMMAND_DIRECTION_AT, 1);
    }
    if table == abi::COMMAND_DELETE_SOURCE || station {
        keep(abi::COMMAND_LINK_AT, 1);
    }
    if station {
        keep(abi::COMMAND_MAC_AT, 6);
    }
    if flow {
        keep(abi::COMMAND_PROTOCOL_AT, 1);
        keep(abi::COMMAND_SOURCE_PORT_AT, 2);
        keep(abi::COMMAND_DESTINATION_PORT_AT, 2);
        keep(abi::COMMAND_SOURCE_AT, 16);
        key[abi::COMMAND_FLAGS_AT] = abi::COMMAND_FLAG_FLOW as u8;
    }
    key[abi::COMMAND_OP_AT] = table as u8;
    Some((key, put))
}

impl Journal {
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Takes note of a command that was carried out.
    pub fn done(&mut self, record: &Record) {
        let Some((key, put)) = key_of(record) else { return };
        if !put {
            self.entries.remove(&key);
            return;
        }
        self.next += 1;
        let kept = Kept { record: clean(record), order: self.next, named: true };
        self.entries.insert(key, kept);
    }

    /// A whole set begins: nothing is named yet, and what the last one left to delete may be named by this one.
    pub fn begin(&mut self) {
        self.ending.clear();
        for kept in self.entries.values_mut() {
            kept.named = false;
        }
    }

    /// Whether the command puts an entry that stands just so; it is named then.
    pub fn repeats(&mut self, record: &Record) -> bool {
        let Some((key, true)) = key_of(record) else { return false };
        match self.entries.get_mut(&key) {
            Some(kept) if kept.record == clean(record) => {
                kept.named = true;
                true
            }
            _ => false,
        }
    }

    /// The entry that stands for the key of a command.
    pub fn standing(&self, record: &Record) -> Option<&Record> {
        self.entries.get(&key_of(record)?.0).map(|kept| &kept.record)
    }

    /// The whole set ends: what it has not named is to be deleted, unless it is put before its turn comes. Oldest first:
    /// from its sets of ranges nftables deletes the oldest element 25 times as fast as one of 1,000 on average.
    pub fn end(&mut self) {
        let mut unnamed: Vec<_> = self.entries.iter().filter(|(_, kept)| !kept.named).collect();
        unnamed.sort_unstable_by_key(|(_, kept)| Reverse(kept.order));
        self.ending = unnamed.into_iter().map(|(key, _)| *key).collect();
    }

    /// Whether `ending` has something.
    pub fn ends(&self) -> bool {
        !self.ending.is_empty()
    }

    /// At most `most` commands that delete what is to be deleted.
    pub fn ending(&self, most: usize) -> Vec<Record> {
        let unnamed = |key: &&Key| self.entries.get(*key).is_some_and(|kept| !kept.named);
        self.ending.iter().rev().filter(unnamed).take(most).copied().collect()
    }

    /// Takes note that the entries of these commands are gone, whatever the data plane made of them.
    pub fn ended(&mut self, commands: &[Record]) {
        for key in commands {
            self.entries.remove(key);
        }
        let standing = |key: &Key| self.entries.get(key).is_some_and(|kept| !kept.named);
        while self.ending.last().is_some_and(|key| !standing(key)) {
            self.ending.pop();
        }
    }

    /// All entries, oldest first.
    pub fn records(&self) -> Vec<Record> {
        let mut kept: Vec<&Kept> = self.entries.values().collect();
        kept.sort_unstable_by_key(|kept| kept.order);
        kept.iter().map(|kept| kept.record).collect()
    }
}

/// The record without what the module writes.
fn clean(record: &Record) -> Record {
    let mut clean = *record;
    clean[abi::COMMAND_STATUS_AT] = 0;
    clean
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(op: u32, octet: u8) -> Record {
        let mut record = [0; abi::COMMAND_SIZE];
        record[abi::COMMAND_OP_AT] = op as u8;
        record[abi::COMMAND_LENGTH_AT] = 64;
        record[abi::COMMAND_PREFIX_AT] = octet;
        record
    }

    #[test]
    fn every_command_but_those_about_held_packets_concerns_an_entry() {
        for op in 1..=abi::COMMAND_PUT_REWRITE {
            let held = op == abi::COMMAND_RELEASE || op == abi::COMMAND_DISCARD;
            assert_eq!(key_of(&record(op, 1)).is_none(), held, "command {op}");
        }
    }

    #[test]
    fn a_deliver_entry_takes_the_place_of_a_tunnel() {
        let mut journal = Journal::default();
        journal.done(&record(abi::COMMAND_PUT_TUNNEL, 1));
        journal.done(&record(abi::COMMAND_PUT_DELIVER, 1));
        assert_eq!(journal.records(), [record(abi::COMMAND_PUT_DELIVER, 1)]);
        let delete = record(abi::COMMAND_DELETE_DESTINATION, 1);
        assert_eq!(journal.standing(&delete), Some(&record(abi::COMMAND_PUT_DELIVER, 1)));
        journal.done(&delete);
        assert_eq!(journal.standing(&delete), None);
        assert_eq!(journal.len(), 0);
    }

    #[test]
    fn flows_and_prefixes_are_different_entries() {
        let mut journal = Journal::default();
        let mut flow = record(abi::COMMAND_PUT_TUNNEL, 1);
        flow[abi::COMMAND_FLAGS_AT] = abi::COMMAND_FLAG_FLOW as u8;
        journal.done(&record(abi::COMMAND_PUT_TUNNEL, 1));
        journal.done(&flow);
        flow[abi::COMMAND_SOURCE_PORT_AT] = 9;
        journal.done(&flow);
        assert_eq!(journal.len(), 3);
    }

    #[test]
    fn holds_by_station_are_keyed_by_link_and_mac_alone() {
        let mut journal = Journal::default();
        let mut hold = record(abi::COMMAND_PUT_HOLD, 1);
        hold[abi::COMMAND_DIRECTION_AT] = abi::DIRECTION_STATION as u8;
        hold[abi::COMMAND_MAC_AT] = 2;
        journal.done(&hold);
        hold[abi::COMMAND_PREFIX_AT] = 7;
        journal.done(&hold);
        assert_eq!(journal.len(), 1);
        hold[abi::COMMAND_MAC_AT] = 4;
        journal.done(&hold);
        assert_eq!(journal.len(), 2);
    }

    #[test]
    fn a_whole_set_leaves_what_it_does_not_name() {
        let mut journal = Journal::default();
        for octet in (1..9).rev() {
            journal.done(&record(abi::COMMAND_PUT_TUNNEL, octet));
        }
        journal.begin();
        assert!(journal.repeats(&record(abi::COMMAND_PUT_TUNNEL, 1)));
        assert!(!journal.repeats(&record(abi::COMMAND_PUT_DELIVER, 2)));
        journal.done(&record(abi::COMMAND_PUT_DELIVER, 2));
        let oldest_first = [8, 7, 6, 5, 4, 3].map(|octet| record(abi::COMMAND_DELETE_DESTINATION, octet));
        journal.end();
        assert_eq!(journal.ending(9), oldest_first);
    }

    #[test]
    fn what_is_put_again_before_its_turn_stays() {
        let mut journal = Journal::default();
        for octet in 1..5 {
            journal.done(&record(abi::COMMAND_PUT_TUNNEL, octet));
        }
        let delete = |octet| record(abi::COMMAND_DELETE_DESTINATION, octet);
        journal.begin();
        journal.end();
        assert_eq!(journal.ending(1), [delete(1)]);
        journal.ended(&[delete(1)]);
        journal.done(&record(abi::COMMAND_PUT_TUNNEL, 2));
        journal.done(&delete(3));
        assert_eq!(journal.ending(9), [delete(4)]);
        journal.ended(&[delete(4)]);
        assert!(!journal.ends());
        assert_eq!(journal.records(), [record(abi::COMMAND_PUT_TUNNEL, 2)]);
    }

    #[test]
    fn the_next_set_may_name_what_the_last_one_left_to_delete() {
        let mut journal = Journal::default();
        journal.done(&record(abi::COMMAND_PUT_TUNNEL, 1));
        journal.begin();
        journal.end();
        journal.begin();
        assert!(!journal.ends(), "nothing is missing before the set ends");
        assert!(journal.repeats(&record(abi::COMMAND_PUT_TUNNEL, 1)));
        journal.end();
        assert!(!journal.ends());
    }

    #[test]
    fn entries_come_back_in_order() {
        let mut journal = Journal::default();
        for octet in (1..50).rev() {
            journal.done(&record(abi::COMMAND_PUT_PEER, octet));
        }
        let octets: Vec<u8> = journal.records().iter().map(|r| r[abi::COMMAND_PREFIX_AT]).collect();
        assert_eq!(octets, (1..50).rev().collect::<Vec<u8>>());
    }
}
