//! The kernel as the data plane needs it, in the order of docs/linux.md.

use std::io;
use std::net::Ipv6Addr;

use super::undo::{Undo, Value};
use super::{find, named, sysctl, table};
use crate::netlink::Prefix;
use crate::netlink::address::LinkLocal;
use crate::netlink::link::{self, Link};
use crate::netlink::route::{self, Target};
use crate::netlink::rule::Rule;
use crate::netlink::socket::Socket;
use crate::options::{Access, Options};

const MARK_PRIORITY: u32 = 1000;
const ACCESS_PRIORITY: u32 = 1100;
/// Of access link 0; link n has this + n. Its default route leads to the link's TUN device.
const ACCESS_TABLE: u32 = 4177;
/// Encapsulation adds 40 octets; the data plane takes packets of up to 1,900; IPv6 needs 1,280 (RFC 8200 section 5).
const OUTER: u32 = 40;
const MTU: std::ops::RangeInclusive<u32> = 1280..=1900;
/// Packets that wait in a TUN device while other processes have the processor, as many as the sockets have room for. The
/// kernel's own 500 are half a second of 1,000 packets a second.
const TUN_QUEUE: u32 = 2048;

pub fn prepare(socket: &mut Socket, undo: &mut Undo, options: &Options, links: &[Link]) -> io::Result<()> {
    sysctl::enable_forwarding(undo)?;
    sysctl::set(undo, "net/netfilter/nf_conntrack_acct", "1")?;
    let tuns = options.access.iter().map(|access| options.access_tun(access.link));
    for name in tuns.chain([options.core_tun.clone()]) {
        // Without a link-local address of its own the device stays silent: no solicitations, no listener reports.
        sysctl::set_own(&format!("net/ipv6/conf/{name}/addr_gen_mode"), "1")?;
        sysctl::set_own(&format!("net/ipv6/conf/{name}/disable_ipv6"), "0")?;
        let mtu = options.core_mtu.saturating_sub(OUTER).clamp(*MTU.start(), *MTU.end());
        let up = link::set_up(find(links, &name)?.index, mtu, TUN_QUEUE);
        named(socket.request(up), || format!("bring {name} up"))?;
    }
    for access in &options.access {
        prepare_access(socket, undo, access, find(links, &access.interface)?)?;
    }
    table::load(options)?;
    // Packets to stations that are not here are answered and do not follow a default route back to where they came from.
    let pool = Prefix { address: options.pool.0.octets(), length: options.pool.1 };
    named(socket.request(route::put(pool, route::MAIN, Target::Unreachable)), || format!("route {pool}"))?;
    let mark = Rule { priority: MARK_PRIORITY, table: route::MAIN, interface: None, mark: Some(table::MARK) };
    named(socket.request(mark.add()), || "rule for native sources".into())?;
    for access in &options.access {
        let table = ACCESS_TABLE + u32::from(access.link);
        let device = find(links, &options.access_tun(access.link))?.index;
        let default = route::put(Prefix::ALL, table, Target::Device(device, None));
        named(socket.request(default), || format!("route of table {table}"))?;
        let interface = Some(access.interface.clone());
        let rule = Rule { priority: ACCESS_PRIORITY, table, interface, mark: None };
        named(socket.request(rule.add()), || format!("rule for {}", access.interface))?;
    }
    Ok(())
}

/// Gives an interface the address and MAC that all access links of the domain share, without duplicate address
/// detection: the next router's link has the same, and a lost DAD would take the address away.
fn prepare_access(socket: &mut Socket, undo: &mut Undo, access: &Access, link: &Link) -> io::Result<()> {
    let name = &access.interface;
    sysctl::set(undo, &format!("net/ipv6/conf/{name}/accept_dad"), "0")?;
    sysctl::set(undo, &format!("net/ipv6/conf/{name}/accept_ra"), "0")?;
    if let Some(mac) = link.mac.filter(|&mac| mac != access.mac) {
        undo.add(vec![Value::Mac(name.clone(), mac)])?;
        named(socket.request(link::set_mac(link.index, access.mac)), || format!("set the MAC of {name}"))?;
    }
    add_address(socket, &LinkLocal { interface: link.index, address: access.link_local.octets() })
}

pub fn add_address(socket: &mut Socket, address: &LinkLocal) -> io::Result<()> {
    match socket.request(address.add()) {
        // It was there before us, and stays there after us.
        Err(error) if error.raw_os_error() == Some(libc::EEXIST) => Ok(()),
        result => named(result, || {
            format!("add {} to interface {}", Ipv6Addr::from(address.address), address.interface)
        }),
    }
}
