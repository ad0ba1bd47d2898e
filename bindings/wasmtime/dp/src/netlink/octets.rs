//! Requests to the octet, against those that the host in Node writes, which were tried on kernels before; and what a dump
//! tells of the same objects. Of little-endian machines, since netlink has the machine's order.

use std::net::Ipv6Addr;

use super::address::LinkLocal;
use super::link;
use super::message::{self, Message, Request};
use super::neighbour::Neighbour;
use super::nftables;
use super::route::{self, Target};
use super::rule::Rule;
use super::{PROTOCOL, Prefix};

fn address(text: &str) -> [u8; 16] {
    text.parse::<Ipv6Addr>().unwrap().octets()
}

fn prefix(text: &str, length: u8) -> Prefix {
    Prefix::new(address(text), length).unwrap()
}

fn hex(request: Request) -> String {
    let words: Vec<String> = request
        .finish(7)
        .chunks(4)
        .map(|word| word.iter().map(|octet| format!("{octet:02x}")).collect())
        .collect();
    words.join(" ")
}

/// Reads what the kernel would say of an object in a dump: in the parts that matter, what it was asked for.
fn read<T>(request: Request, read: impl Fn(&Message) -> Option<T>) -> Option<T> {
    let octets = request.finish(1);
    read(&message::messages(&octets).next().unwrap())
}

#[test]
fn routes() {
    let aa = prefix("2001:db8:aa::", 64);
    let gateway = Target::Device(5, Some(address("fe80::2")));
    assert_eq!(
        hex(route::put(aa, route::MAIN, gateway)),
        "5c000000 18000505 07000000 00000000 0a400000 fe4d0001 04000000 14000100 20010db8 00aa0000 00000000 \
         00000000 08000f00 fe000000 08000600 4d000000 08000400 05000000 14000500 fe800000 00000000 00000000 \
         00000002"
    );
    assert_eq!(
        hex(route::put(prefix("2001:db8:11::", 48), route::MAIN, Target::Unreachable)),
        "40000000 18000505 07000000 00000000 0a300000 fe4d0007 00000000 14000100 20010db8 00110000 00000000 \
         00000000 08000f00 fe000000 08000600 4d000000"
    );
    let default = || route::put(Prefix::ALL, 4177, Target::Device(5, None));
    assert_eq!(
        hex(default()),
        "48000000 18000505 07000000 00000000 0a000000 004d0001 00000000 14000100 00000000 00000000 00000000 \
         00000000 08000f00 51100000 08000600 4d000000 08000400 05000000"
    );
    assert_eq!(
        hex(route::delete(aa, route::MAIN)),
        "40000000 19000500 07000000 00000000 0a400000 fe4d0000 00000000 14000100 20010db8 00aa0000 00000000 \
         00000000 08000f00 fe000000 08000600 4d000000"
    );
    assert_eq!(read(route::put(aa, route::MAIN, gateway), route::own), Some((aa, route::MAIN)));
    assert_eq!(read(default(), route::own), Some((Prefix::ALL, 4177)));
    assert_eq!(read(route::delete(aa, route::MAIN), route::own), None);
}

#[test]
fn rules() {
    let access = Rule { priority: 1100, table: 4178, interface: Some("br0".into()), mark: None };
    assert_eq!(
        hex(access.add()),
        "3c000000 20000506 07000000 00000000 0a000000 00000001 00000000 08000600 4c040000 08000f00 52100000 \
         05001500 4d000000 08000300 62723000"
    );
    let mark = Rule { priority: 1000, table: route::MAIN, interface: None, mark: Some(0x0100_0000) };
    assert_eq!(
        hex(mark.add()),
        "44000000 20000506 07000000 00000000 0a000000 fe000001 00000000 08000600 e8030000 08000f00 fe000000 \
         05001500 4d000000 08000a00 00000001 08001000 00000001"
    );
    for rule in [access, mark] {
        assert_eq!(read(rule.add(), Rule::own), Some(rule));
    }
    let other = Request::new(libc::RTM_NEWRULE, 0, &[0; 12]).u8(21, PROTOCOL + 1);
    assert_eq!(read(other, Rule::own), None);
}

#[test]
fn neighbours_and_addresses() {
    let neighbour = Neighbour { interface: 5, address: address("fe80::2") };
    let mac = [2, 0, 0x5e, 0x10, 1, 0x0a];
    assert_eq!(
        hex(neighbour.put(mac)),
        "44000000 1c000505 07000000 00000000 0a000000 05000000 80000000 14000100 fe800000 00000000 00000000 \
         00000002 0a000200 02005e10 010a0000 05000c00 4d000000"
    );
    assert_eq!(
        hex(neighbour.delete()),
        "30000000 1d000500 07000000 00000000 0a000000 05000000 00000000 14000100 fe800000 00000000 00000000 \
         00000002"
    );
    assert_eq!(read(neighbour.put(mac), Neighbour::own), Some(neighbour));
    let added = LinkLocal { interface: 5, address: address("fe80::1") };
    assert_eq!(
        hex(added.add()),
        "50000000 14000506 07000000 00000000 0a4000fd 05000000 14000200 fe800000 00000000 00000000 00000001 \
         14000100 fe800000 00000000 00000000 00000001 08000800 02000000 05000b00 4d000000"
    );
    assert_eq!(read(added.add(), LinkLocal::own), Some(added));
}

#[test]
fn links() {
    assert_eq!(
        hex(link::set_mac(5, [2, 0, 0x5e, 0x10, 0, 0])),
        "2c000000 13000500 07000000 00000000 00000000 05000000 00000000 00000000 0a000100 02005e10 00000000"
    );
    assert_eq!(
        hex(link::set_up(5, 1460, 2048)),
        "30000000 13000500 07000000 00000000 00000000 05000000 01000000 01000000 08000400 b4050000 08000d00 \
         00080000"
    );
}

#[test]
fn elements_of_sets_in_a_transaction() {
    let change = |add| nftables::element("maar_a1", "owned", add, &[0, 0, 0, 5, 1], &[0, 0, 0, 5, 2]);
    let element = "01000000 0c000100 6d616172 5f613100 0a000200 6f776e65 64000000 28000380 24000180 10000180 \
                   09000100 00000005 01000000 10000a80 09000100 00000005 02000000";
    let transaction = nftables::transaction([change(true), change(false)]);
    assert_eq!(
        transaction.into_iter().map(hex).collect::<Vec<_>>(),
        [
            "14000000 10000100 07000000 00000000 0000000a".into(),
            format!("54000000 0c0a0504 07000000 00000000 {element}"),
            format!("54000000 0e0a0500 07000000 00000000 {element}"),
            "14000000 11000100 07000000 00000000 0000000a".into(),
        ]
    );
}

#[test]
fn counters() {
    let packets = |nest: Request| nest.attribute(1, &[0; 8]).attribute(2, &[0, 0, 0, 0, 0, 0, 1, 2]);
    let counter = Request::new(0x0a12, 0, &[1, 0, 0, 0]).text(2, "source_mac").nested(4, packets);
    assert_eq!(read(counter, nftables::counter), Some(("source_mac".into(), 0x102)));
    let uncounted = Request::new(0x0a12, 0, &[1, 0, 0, 0]).text(2, "source_mac");
    assert_eq!(read(uncounted, nftables::counter), None);
    let octets = Request::new(0x0a0c, 0, &[1, 0, 0, 0])
        .nested(3, |list| {
            list.nested(1, |element| {
                element
                    .nested(1, |key| key.attribute(1, &[5, 6, 7]))
                    .nested(7, |expression| expression.text(1, "counter").nested(2, packets))
            })
            .nested(1, |element| element.nested(1, |key| key.attribute(1, &[8])))
        })
        .finish(1);
    let answer = message::messages(&octets).next().unwrap();
    assert_eq!(nftables::counted(&answer).collect::<Vec<_>>(), [(&[5, 6, 7][..], 0x102)]);
}
