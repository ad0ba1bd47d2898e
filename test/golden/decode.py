"""Decodes IPv6 packets with scapy, without the project's code.

Standard input: packets in hexadecimal, one a line. Standard output: for each a line of JSON, its layers from the outside in, in
the words of test/support/frames.ts.
"""

import json
import logging
import struct
import sys

logging.getLogger("scapy").setLevel(logging.ERROR)
from scapy.config import conf
from scapy.layers import inet6
from scapy.layers.inet import TCP, UDP

# What sends to a well-known port here is a measuring stream, and what it holds is no message of that protocol.
conf.debug_dissector = False
UDP.guess_payload_class = TCP.guess_payload_class = lambda self, payload: conf.raw_layer

MOBILITY = 135
ICMPV6 = 58
FLAG_BITS = {inet6.MIP6MH_BU: (9, "reserved"), inet6.MIP6MH_BA: (5, "res2")}
# Where the options begin in Mobility Headers that scapy has no class for; None where it depends on the sender.
OPTIONS_AT = {11: 16, 14: 10, 15: 10, 17: 12, 18: 12, 19: 12, 20: 12}
NUMBERS = {
    inet6.ICMPv6EchoRequest: ("id", "seq"),
    inet6.ICMPv6EchoReply: ("id", "seq"),
    inet6.ICMPv6ND_RA: ("chlim", "M", "O", "prf", "routerlifetime", "reachabletime", "retranstimer"),
    inet6.ICMPv6ND_NA: ("R", "S", "O"),
    inet6.ICMPv6PacketTooBig: ("mtu",),
    inet6.ICMPv6ParamProblem: ("ptr",),
    inet6.ICMPv6DestUnreach: ("unused",),
    inet6.ICMPv6TimeExceeded: ("unused",),
}


def mobility_options(options):
    """Type and data of each, padding left out."""
    raw = [bytes(option) for option in options]
    return [[octets[0], octets[2:].hex()] for octets in raw if octets[0] not in (0, 1)]


def mobility(layer, octets):
    fields = {"type": octets[2], "head": None, "options": None}
    if isinstance(layer, inet6.MIP6MH_BRR):
        fields["options"] = mobility_options(layer.options)
    elif type(layer) in FLAG_BITS:
        bits, rest = FLAG_BITS[type(layer)]
        fields["sequence"], fields["lifetime"] = layer.seq, layer.mhtime
        fields["flags"] = int(layer.flags) << bits | int(getattr(layer, rest))
        if isinstance(layer, inet6.MIP6MH_BA):
            fields["status"] = layer.status
        fields["options"] = mobility_options(layer.options)
    elif octets[2] in OPTIONS_AT:
        at = OPTIONS_AT[octets[2]]
        # As the options of a Binding Update, whose head has 12 octets; Pad1 fills what the other head leaves.
        tail = bytes(-(12 + len(octets) - at) % 8) + octets[at:]
        update = struct.pack("!BBBB", 59, (12 + len(tail)) // 8 - 1, 5, 0) + bytes(8) + tail
        fields["options"] = mobility_options(inet6.MIP6MH_BU(update).options)
        fields["head"] = octets[6:at].hex()
    return fields


def records(record):
    """scapy 2.5 takes all records after the first for the payload of that one."""
    found = []
    while True:
        found.append([record.rtype, record.dst, list(record.sources)])
        if not record.payload:
            return found
        record = inet6.ICMPv6MLDMultAddrRec(bytes(record.payload))


def icmpv6(layer, octets):
    fields = {"type": layer.type, "code": octets[1]}
    for name in NUMBERS.get(type(layer), ()):
        fields[name] = int(getattr(layer, name))
    if hasattr(layer, "tgt"):
        fields["target"] = layer.tgt
    if isinstance(layer, inet6.ICMPv6MLReport2):
        fields["records"] = records(layer.records[0]) if layer.records else []
    if isinstance(layer, (inet6.ICMPv6ND_RS, inet6.ICMPv6ND_RA, inet6.ICMPv6ND_NS, inet6.ICMPv6ND_NA)):
        option, found = layer.payload, []
        while option:
            own = bytes(option)[: len(bytes(option)) - len(bytes(option.payload))]
            found.append([own[0], own.hex()])
            option = option.payload
        fields["options"] = found
    return fields


def layers_of(packet):
    found = []
    while isinstance(packet, inet6.IPv6):
        found.append({"layer": "IPv6", "src": packet.src, "dst": packet.dst, "hops": packet.hlim})
        layer, proto = packet.payload, packet.nh
        while isinstance(layer, (inet6._IPv6ExtHdr, inet6.IPv6ExtHdrFragment)) and not isinstance(layer, inet6._MobilityHeader):
            if isinstance(layer, inet6.IPv6ExtHdrFragment):
                found.append({"layer": "fragment", "offset": layer.offset * 8, "more": layer.m, "id": layer.id})
                if layer.offset > 0 or layer.m:
                    return found
            layer, proto = layer.payload, layer.nh
        if isinstance(layer, inet6.IPv6):
            packet = layer
            continue
        octets = bytes(layer)
        if proto in (MOBILITY, ICMPV6):
            name, read = ("mobility", mobility) if proto == MOBILITY else ("ICMPv6", icmpv6)
            sound = inet6.in6_chksum(proto, packet, octets) == 0
            found.append({"layer": name, "sound": sound, **(read(layer, octets) if sound else {})})
        elif isinstance(layer, (TCP, UDP)):
            name = "TCP" if isinstance(layer, TCP) else "UDP"
            sound = inet6.in6_chksum(proto, packet, octets) == 0
            found.append({"layer": name, "sound": sound, "from": layer.sport, "to": layer.dport, "octets": len(layer.payload)})
        return found
    return found


for line in sys.stdin:
    print(json.dumps(layers_of(inet6.IPv6(bytes.fromhex(line.strip())))))
