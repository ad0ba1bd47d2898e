"""Builds distributed binding messages with scapy, from docs/messages.md and without the project's code.

Standard input: a JSON list of {profile, src, dst, message}. Standard output: the Mobility Headers in hexadecimal,
one a line. With "--pcap FILE" the packets are also written to FILE.
"""

import struct

from mobility import HomeNetworkPrefix, ServingMaar, Vendor, number, prefixed, timestamp, write
from scapy.layers.inet6 import IPv6, MIP6MH_BA, MIP6MH_BU, MIP6OptMNID
from scapy.fields import ByteField, IP6Field

FLAGS = {
    "romip-00": {"BU": (0x0200, 0x0100), "BA": (0x20, 0x10)},
    "romip-iana": {"BU": (0x0010, None), "BA": (0x02, None)},
}


class AnchoredPrefix(HomeNetworkPrefix):
    fields_desc = [
        ByteField("otype", 65), ByteField("olen", 18), ByteField("reserved", 0),
        ByteField("plen", 64), IP6Field("prefix", "::"),
    ]


def options_of(profile, message):
    kind = message["kind"]
    yield MIP6OptMNID(id=message["mnId"].encode())
    yield number(1, message["counter"], "!Q")
    if profile == "romip-iana":
        yield Vendor(subtype=5, data=bytes([kind[0] == "d"]))
    if kind.endswith("DBU"):
        yield timestamp(message["timestamp"])
    if kind == "sDBA":
        yield Vendor(subtype=4, data=struct.pack("!HH", message["part"], message["parts"]))
        for home in message["homes"]:
            yield prefixed(HomeNetworkPrefix, home["hoa"])
            yield number(2, home["validSeconds"], "!I")
            for correspondent in home["correspondents"]:
                yield prefixed(AnchoredPrefix, correspondent["hoa"])
                yield ServingMaar(address=correspondent["maar"])
                yield number(3, correspondent["counter"], "!Q")
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


write(lambda case: IPv6(src=case["src"], dst=case["dst"]) / header(case["profile"], case["message"]))
