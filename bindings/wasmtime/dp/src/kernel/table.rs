//! The table of nftables that decides what comes from stations (docs/linux.md).

use std::io::{self, Write};
use std::process::{Command, Stdio};

use crate::cpdp;
use crate::netlink::nftables;
use crate::netlink::socket::Socket;
use crate::options::Options;
use crate::sys;

/// Packets of stations with native sources; one bit, so that other users of marks are left alone.
pub const MARK: u32 = 0x0100_0000;
/// Sets of source addresses on an interface: whose packets the kernel routes; whose go to the data plane; and whoever
/// they belong to.
pub const NATIVE: &str = "native";
pub const OWNED: &str = "owned";
pub const PREFIXES: &str = "prefixes";
/// Counters, and where the record `status` tells of each.
const COUNTERS: [(&str, usize); 5] = [
    ("access_tunnel", cpdp::STATUS_ACCESS_TUNNEL_AT),
    ("access_mobility", cpdp::STATUS_ACCESS_MOBILITY_AT),
    ("source_mac", cpdp::STATUS_SOURCE_MAC_AT),
    ("access_redirect", cpdp::STATUS_REDIRECTS_AT),
    ("native_flows", cpdp::STATUS_NATIVE_FLOWS_AT),
];

pub fn name(options: &Options) -> String {
    format!("maar_{}", options.name)
}

/// The expression on connection state is what turns connection tracking on, whose events tell of native flows;
/// Redirects are kept from stations because they would then bypass this router for good.
fn ruleset(options: &Options) -> String {
    let table = name(options);
    let access: Vec<String> =
        options.access.iter().map(|access| format!("\"{}\"", access.interface)).collect();
    let counters: String = COUNTERS.iter().map(|(name, _)| format!("counter {name} {{ }}\n")).collect();
    // What goes to a station is looked up where otherwise only a wrong MAC is: the element's counter tells of it.
    let (counter, received) = if options.activity {
        (" counter;", format!("oif . ip6 daddr @{PREFIXES} meta nfproto ipv6"))
    } else {
        ("", String::new())
    };
    let (of_stations, to_stations) = match &access[..] {
        [] => (String::new(), String::new()),
        _ => (
            format!(
                "iifname != {{ {access} }} return
    meta nfproto != ipv6 return
    meta l4proto ipv6 counter name access_tunnel drop
    meta l4proto mobility-header counter name access_mobility drop
    ip6 saddr {{ ::, fe80::/10 }} return
    ip6 daddr {{ fe80::/10, ff00::/8 }} return
    iif . ip6 saddr . ether saddr @{NATIVE} meta mark set meta mark | {MARK} return
    iif . ip6 saddr . ether saddr @{OWNED} return
    iif . ip6 saddr @{PREFIXES} counter name source_mac drop",
                access = access.join(", ")
            ),
            format!(
                "oifname {{ {} }} icmpv6 type nd-redirect counter name access_redirect drop",
                access.join(", ")
            ),
        ),
    };
    format!(
        "
table inet {table}
delete table inet {table}
table inet {table} {{
  {counters}
  set {NATIVE} {{ type iface_index . ipv6_addr . ether_addr; flags interval;{counter} }}
  set {OWNED} {{ type iface_index . ipv6_addr . ether_addr; flags interval;{counter} }}
  set {PREFIXES} {{ type iface_index . ipv6_addr; flags interval;{counter} }}
  chain prerouting {{
    type filter hook prerouting priority raw; policy accept;
    {of_stations}
  }}
  chain forward {{
    type filter hook forward priority filter; policy accept;
    meta nfproto ipv6 ct state new counter name native_flows
    {received}
  }}
  chain output {{
    type filter hook output priority filter; policy accept;
    {to_stations}
  }}
}}
"
    )
}

/// Loads the table in one transaction, by the program nft.
pub fn load(options: &Options) -> io::Result<()> {
    let mut nft = sys::lend_net_admin(&mut Command::new("nft"))
        .args(["-f", "-"])
        .stdin(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(|error| sys::named("nft", error))?;
    let written = nft.stdin.take().map_or(Ok(()), |mut input| input.write_all(ruleset(options).as_bytes()));
    let output = nft.wait_with_output()?;
    if !output.status.success() {
        return Err(io::Error::other(format!("nft: {}", String::from_utf8_lossy(&output.stderr).trim())));
    }
    written
}

/// Whether the table is there.
pub fn stands(socket: &mut Socket, table: &str) -> io::Result<bool> {
    let mut found = false;
    socket.dump(nftables::list_tables(), |answer| {
        found |= nftables::table(answer).is_some_and(|name| name == table);
    })?;
    Ok(found)
}

/// Deletes the table.
pub fn unload(socket: &mut Socket, table: &str) -> io::Result<()> {
    socket.batch(nftables::transaction([nftables::delete_table(table)]))
}

/// Writes what the table has counted into a record `status`.
pub fn count(socket: &mut Socket, table: &str, status: &mut [u8]) -> io::Result<()> {
    socket.dump(nftables::list_counters(table), |answer| {
        let Some((name, packets)) = nftables::counter(answer) else { return };
        if let Some((_, at)) = COUNTERS.iter().find(|(known, _)| *known == name) {
            status[*at..][..8].copy_from_slice(&packets.to_le_bytes());
        }
    })
}
