//! Takes back what the agent changed in the kernel: at an orderly end, and at the next start after a crash.

use std::io;
use std::net::Ipv6Addr;

use super::undo::{Undo, Value};
use super::{links, named, sysctl, table};
use crate::netlink::address::{self, LinkLocal};
use crate::netlink::message::{Message, Request};
use crate::netlink::neighbour::{self, Neighbour};
use crate::netlink::rule::{self, Rule};
use crate::netlink::socket::Socket;
use crate::netlink::{link, route};

/// What a request finds missing was taken away by somebody else, or went with its interface.
const GONE: [i32; 4] = [libc::ENOENT, libc::ESRCH, libc::ENODEV, libc::EADDRNOTAVAIL];

pub fn is_gone(error: &io::Error) -> bool {
    error.raw_os_error().is_some_and(|code| GONE.contains(&code))
}

/// Goes on past a fault and returns one line for each, so that one stubborn object keeps no other.
pub fn undo_all(route: &mut Socket, netfilter: &mut Socket, table: &str, undo: &mut Undo) -> Vec<String> {
    let mut faults = Vec::new();
    let mut note = |what: &str, result: io::Result<()>| match result {
        Err(error) if !is_gone(&error) => {
            faults.push(format!("{what}: {error}"));
        }
        _ => (),
    };
    // Rules first: from here on packets take the main table, as before us.
    let own = collect(route, rule::list(), Rule::own, &mut note);
    for rule in own {
        note(&format!("delete rule {}", rule.priority), route.request(rule.delete()));
    }
    for (prefix, table) in collect(route, route::list(), route::own, &mut note) {
        note(&format!("delete route {prefix}"), route.request(route::delete(prefix, table)));
    }
    for neighbour in collect(route, neighbour::list(), Neighbour::own, &mut note) {
        let what = format!("delete neighbour {}", Ipv6Addr::from(neighbour.address));
        note(&what, route.request(neighbour.delete()));
    }
    for address in collect(route, address::list(), LinkLocal::own, &mut note) {
        let what = format!("delete address {}", Ipv6Addr::from(address.address));
        note(&what, route.request(address.delete()));
    }
    note("delete the nftables table", table::unload(netfilter, table));
    let present = links(route).unwrap_or_default();
    for value in undo.values() {
        match value {
            Value::Sysctl(path, value) => note("restore", sysctl::restore(path, value)),
            Value::Mac(name, mac) => {
                let Some(found) = present.iter().find(|link| link.name == *name) else { continue };
                note(&format!("restore the MAC of {name}"), route.request(link::set_mac(found.index, *mac)));
            }
        }
    }
    if faults.is_empty()
        && let Err(error) = undo.clear()
    {
        faults.push(format!("empty the undo file: {error}"));
    }
    faults
}

fn collect<T>(
    socket: &mut Socket,
    list: Request,
    read: impl Fn(&Message) -> Option<T>,
    note: &mut impl FnMut(&str, io::Result<()>),
) -> Vec<T> {
    let mut found = Vec::new();
    let listed = socket.dump(list, |message| found.extend(read(message)));
    note("list", named(listed, || "what is ours".into()));
    found
}
