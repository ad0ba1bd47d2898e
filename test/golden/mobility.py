"""What the builders of Mobility Headers beside this file share: options that scapy lacks, and the way in and out."""

import json
import logging
import struct
import sys

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.layers.inet6 import IPv6, _MIP6OptAlign
from scapy.fields import ByteField, FieldLenField, IntField, IP6Field, LongField, StrLenField
from scapy.utils import wrpcap

ENTERPRISE = 32473


class HomeNetworkPrefix(_MIP6OptAlign):
    fields_desc = [
        ByteField("otype", 22), ByteField("olen", 18), ByteField("reserved", 0),
        ByteField("plen", 64), IP6Field("prefix", "::"),
    ]
    x, y = 8, 4


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


def prefixed(option, text, **fields):
    address, length = text.split("/")
    return option(prefix=address, plen=int(length), **fields)


def number(subtype, value, form):
    return Vendor(subtype=subtype, data=struct.pack(form, value))


def timestamp(millis):
    return Timestamp(stamp=(millis // 1000 << 16) + round(millis % 1000 * 65536 / 1000))


def write(built):
    """Prints the payloads of the packets that `built` makes of a case each; "--pcap FILE" has them in a file too."""
    packets = []
    for case in json.load(sys.stdin):
        octets = bytes(built(case))
        packets.append(IPv6(octets))
        print(octets[40:].hex())
    if "--pcap" in sys.argv:
        wrpcap(sys.argv[sys.argv.index("--pcap") + 1], packets)
