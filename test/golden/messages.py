"""Builds distributed binding messages with scapy, from docs/messages.md and without the project's code.

Standard input: a JSON list of {profile, src, dst, message}. Standard output: the Mobility Headers in hexadecimal,
one a line. With "--pcap FILE" the packets are also written to FILE.
"""

import json
import logging
import struct
import sys

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.layers.inet6 import IPv6, MIP6MH_BA, MIP6MH_BU, MIP6OptMNID, _MIP6OptAlign
from scapy.fields import ByteField, FieldLenField, IntField, IP6Field, LongField, StrLenField
from scapy.utils import wrpcap

ENTERPRISE = 32473
FLAGS = {
    "romip-00": {"BU": (0x0200, 0x0100), "BA": (0x20, 0x10)},
    "romip-iana": {"BU": (0x0010, None), "BA": (0x02, None)},
}


class HomeNetworkPrefix(_MIP6OptAlign):
    fields_desc = [
        ByteField("otype", 22), ByteField("olen", 18), ByteField("reserved", 0),
        ByteField("plen", 64), IP6Field("prefix", "::"),
    ]
    x, y = 8, 4


class AnchoredPrefix(HomeNetworkPrefix):
    fields_desc = [
        ByteField("otype", 65), ByteField("olen", 18), ByteField("reserved", 0),
        ByteField("plen", 64), IP6Field("prefix", "::"),
    ]


class ServingMaar(_MIP6OptAlign):
    fields_desc = [ByteField("otype", 68), ByteField("olen", 16), IP6Field("address", "::")]
    x, y = 8, 6


class Timestamp(_MIP6OptAlign):
    fields_desc = [ByteField("otype", 27), ByteField("olen", 8), LongField("stamp", 0)]
    x, y = 8, 2


class Vendor(_MIP6OptAlign):
    fields_desc = [
        ByteField("otype", 19),
        FieldLenField("olen", None, length_of="data", fmt="B", adjust=lambda pkt, x: x + 5),
        IntField("enterprise", ENTERPRISE), ByteField("subtype", 0),
        StrLenField("data", b"", length_from=lambda pkt: pkt.olen - 5),
    ]
    x, y = 4, 2


def prefixed(option, text):
    address, length = text.split("/")
    return option(prefix=address, plen=int(length))


def timestamp(millis):
    return Timestamp(stamp=(millis // 1000 << 16) + round(millis % 1000 * 65536 / 1000))


def options_of(profile, message):
    kind = message["kind"]
    yield MIP6OptMNID(id=message["mnId"].encode())
    yield Vendor(subtype=1, data=struct.pack("!Q", message["counter"]))
    if profile == "romip-iana":
        yield Vendor(subtype=5, data=bytes([kind[0] == "d"]))
    if kind.endswith("DBU"):
        yield timestamp(message["timestamp"])
    if kind == "sDBA":
        yield Vendor(subtype=4, data=struct.pack("!HH", message["part"], message["parts"]))
        for home in message["homes"]:
            yield prefixed(HomeNetworkPrefix, home["hoa"])
            yield Vendor(subtype=2, data=struct.pack("!I", home["validSeconds"]))
            for correspondent in home["correspondents"]:
                yield prefixed(AnchoredPrefix, correspondent["hoa"])
                yield ServingMaar(address=correspondent["maar"])
                yield Vendor(subtype=3, data=struct.pack("!Q", correspondent["counter"]))
        return
    for home in message["homes"]:
        yield prefixed(HomeNetworkPrefix, home)
    maar = message.get("maar") or message.get("moved")
    if maar:
        yield ServingMaar(address=maar)
    for correspondent in message["correspondents"]:
        yield prefixed(AnchoredPrefix, correspondent)


def header(profile, message):
    kind = message["kind"]
    form = "BU" if kind.endswith("U") else "BA"
    d, e = FLAGS[profile][form]
    flags = d | (e or 0 if kind[0] == "d" else 0)
    common = {
        "seq": message["sequence"],
        "mhtime": message["lifetimeSeconds"] // 4,
        "options": list(options_of(profile, message)),
    }
    # scapy names the upper 7 and 3 bits of the flag fields; the rest it calls reserved.
    if form == "BU":
        flags |= 0x8000
        return MIP6MH_BU(flags=flags >> 9, reserved=flags & 0x1FF, **common)
    return MIP6MH_BA(status=message["status"], flags=flags >> 5, res2=flags & 0x1F, **common)


packets = []
for case in json.load(sys.stdin):
    packet = IPv6(src=case["src"], dst=case["dst"]) / header(case["profile"], case["message"])
    octets = bytes(packet)
    packets.append(IPv6(octets))
    print(octets[40:].hex())
if "--pcap" in sys.argv:
    wrpcap(sys.argv[sys.argv.index("--pcap") + 1], packets)
