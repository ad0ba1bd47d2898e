//! What the kernel is made to do (docs/linux.md): prepared at the start, brought in step with the entries with every
//! batch, and put back at the end.

use std::collections::HashMap;
use std::io;
use std::os::fd::{AsRawFd, RawFd};

pub mod change;
mod destinations;
mod prepare;
mod repair;
mod sources;
mod sysctl;
mod table;
mod undo;
mod watch;

use change::{Entry, Key};
use destinations::Destinations;
use sources::{Sources, Wanted};
use undo::Undo;
use watch::Watch;

use crate::journal::{Journal, Record};
use crate::log;
use crate::netlink::address::LinkLocal;
use crate::netlink::link::{self, Link};
use crate::netlink::socket::Socket;
use crate::options::Options;

pub use sources::Activity;

/// Dropped, it puts everything back.
pub struct Kernel {
    route: Socket,
    netfilter: Socket,
    table: String,
    tables: Watch,
    undo: Undo,
    /// That all access links of the domain share, by link.
    addresses: HashMap<u8, LinkLocal>,
    destinations: Destinations,
    sources: Sources,
}

impl Kernel {
    /// Takes back what an earlier run left behind and prepares everything; where that fails, it is put back. The TUN
    /// devices are open already: as long as another agent runs, theirs cannot be.
    pub fn prepare(options: &Options) -> io::Result<Self> {
        let mut route = Socket::open(libc::NETLINK_ROUTE)?;
        let mut netfilter = Socket::open(libc::NETLINK_NETFILTER)?;
        let mut undo = named(Undo::open(&options.state), || options.state.display().to_string())?;
        let table = table::name(options);
        let faults = repair::undo_all(&mut route, &mut netfilter, &table, &mut undo);
        if !faults.is_empty() {
            let faults = faults.join("; ");
            return Err(io::Error::other(format!("cannot take back what an earlier run left: {faults}")));
        }
        let links = links(&mut route)?;
        let index = |name: &str| find(&links, name).map(|link| link.index);
        let (mut interfaces, mut addresses) = (HashMap::new(), HashMap::new());
        for access in &options.access {
            let interface = index(&access.interface)?;
            interfaces.insert(access.link, interface);
            addresses.insert(access.link, LinkLocal { interface, address: access.link_local.octets() });
        }
        let destinations = Destinations::new(interfaces.clone(), index(&options.core_tun)?);
        let sources = Sources::new(table.clone(), interfaces);
        let tables = Watch::open()?;
        let mut kernel = Self { route, netfilter, table, tables, undo, addresses, destinations, sources };
        prepare::prepare(&mut kernel.route, &mut kernel.undo, options, &links)?;
        Ok(kernel)
    }

    /// Before the data plane's part of a batch: what goes away, and routes to stations. The kernel sends a packet to the
    /// data plane only while the entry for it stands there, and released packets find their routes.
    pub fn before(&mut self, records: &[Record]) {
        let outcome = change::outcome(records).into_iter().map(|(key, entry, _)| (key, entry));
        self.sync(outcome.filter(|(_, entry)| !matches!(entry, Some(Entry::Module | Entry::Source(_)))));
    }

    /// After it: everything as the entries now stand, also where the data plane has refused a command.
    pub fn after(&mut self, records: &[Record], entries: &Journal) {
        let outcome = change::outcome(records).into_iter();
        self.sync(outcome.map(|(key, _, record)| {
            let standing = entries.standing(record).and_then(change::read);
            (key, standing.and_then(|(_, entry)| entry))
        }));
    }

    /// Puts once more what the kernel forgets of an access link when its interface goes down: the router's address, and
    /// routes and neighbours of stations.
    pub fn restore(&mut self, link: u8, entries: &Journal) {
        let Some(address) = self.addresses.get(&link) else { return };
        if let Err(error) = prepare::add_address(&mut self.route, address) {
            log::line(log::ERROR, &error.to_string());
        }
        self.destinations.forget(link);
        let records = entries.records();
        self.sync(
            records
                .iter()
                .filter_map(change::read)
                .filter(|(_, entry)| matches!(entry, Some(Entry::Station(station)) if station.link == link)),
        );
    }

    /// Readable when `restore_table` has something to look at.
    pub fn tables(&self) -> RawFd {
        self.tables.as_raw_fd()
    }

    /// Loads the table once more, with the elements of all sources, where somebody else has deleted it.
    pub fn restore_table(&mut self, options: &Options, entries: &Journal) {
        if !self.tables.deleted() {
            return;
        }
        let loaded = table::stands(&mut self.netfilter, &self.table).and_then(|stands| {
            if stands {
                return Ok(false);
            }
            log::line(log::ERROR, &format!("somebody has deleted table {}: it is loaded again", self.table));
            table::load(options).map(|()| true)
        });
        match loaded {
            Ok(false) => (),
            Ok(true) => {
                self.sources.forget();
                let records = entries.records();
                let sources = records.iter().filter_map(change::read);
                self.sync(sources.filter(|(_, entry)| matches!(entry, Some(Entry::Source(_)))));
            }
            Err(error) => log::line(log::ERROR, &error.to_string()),
        }
    }

    /// What the kernel refuses is written to the log; the next batch that names the key tries again.
    fn sync(&mut self, outcome: impl Iterator<Item = (Key, Option<Entry>)>) {
        let mut wanted = Vec::new();
        let mut errors = Vec::new();
        for (key, entry) in outcome {
            match (key, entry) {
                (Key::Destination(prefix), entry) => {
                    errors.extend(self.destinations.sync(&mut self.route, prefix, entry).err());
                }
                (Key::Source(link, prefix), Some(Entry::Source(source))) => {
                    wanted.push(Wanted { link, prefix, source: Some(source) });
                }
                (Key::Source(link, prefix), _) => wanted.push(Wanted { link, prefix, source: None }),
            }
        }
        errors.extend(self.sources.sync(&mut self.netfilter, &wanted));
        for error in errors {
            log::line(log::ERROR, &error.to_string());
        }
    }

    /// Writes what nftables has counted into a record `status`.
    pub fn count(&mut self, status: &mut [u8]) {
        if let Err(error) = table::count(&mut self.netfilter, &self.table, status) {
            log::line(log::ERROR, &format!("counters of nftables: {error}"));
        }
    }

    /// Packets of each station by MAC; zeros where they are not counted.
    pub fn activity(&mut self) -> io::Result<HashMap<[u8; 6], Activity>> {
        self.sources.activity(&mut self.netfilter)
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        let faults = repair::undo_all(&mut self.route, &mut self.netfilter, &self.table, &mut self.undo);
        for fault in faults {
            log::line(log::ERROR, &fault);
        }
    }
}

fn links(route: &mut Socket) -> io::Result<Vec<Link>> {
    let mut links = Vec::new();
    route.dump(link::list(), |message| links.extend(Link::read(message)))?;
    Ok(links)
}

fn find<'a>(links: &'a [Link], name: &str) -> io::Result<&'a Link> {
    let found = links.iter().find(|link| link.name == name);
    found.ok_or_else(|| io::Error::other(format!("there is no interface {name}")))
}

/// The result with `what` before its error, whose number stays.
fn named<T>(result: io::Result<T>, what: impl FnOnce() -> String) -> io::Result<T> {
    result.map_err(|error| crate::sys::named(&what(), error))
}
