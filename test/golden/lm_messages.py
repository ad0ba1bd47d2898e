"""Builds location management messages with scapy, from docs/lm-messages.md and without the project's code.

Standard input: a JSON list of {src, dst, message}. Standard output: the Mobility Headers in hexadecimal, one a line.
With "--pcap FILE" the packets are also written to FILE. scapy knows Binding Update and Acknowledgement; all other
messages go in its generic header.
"""

import hashlib
import hmac
import socket
import struct

from mobility import ENTERPRISE, HomeNetworkPrefix, ServingMaar, Vendor, number, prefixed, timestamp, write
from scapy.layers.inet6 import IPv6, MIP6MH_BA, MIP6MH_BU, MIP6MH_Generic, MIP6OptAltCoA, MIP6OptMNID, _MIP6OptAlign
from scapy.fields import ByteField, IntField, IP6Field, StrFixedLenField

KEY = bytes(range(32))
SPI = 256
AUTHENTICATOR = 16
TYPES = {"HI": 14, "HAck": 15, "LRI": 17, "LRA": 18, "UPN": 19, "UPA": 20}
CODES = {"PBQ": 1, "PQA": 2, "LPJ": 3, "LPA": 4}


class MagAddress(_MIP6OptAlign):
    fields_desc = [
        ByteField("otype", 51), ByteField("olen", 18), ByteField("reserved", 0), ByteField("bits", 128),
        IP6Field("address", "::"),
    ]
    x, y = 8, 4


class Value(_MIP6OptAlign):
    fields_desc = [ByteField("otype", 23), ByteField("olen", 2), ByteField("reserved", 0), ByteField("value", 0)]
    x, y = 4, 0


class ContextRequest(_MIP6OptAlign):
    """Asks for Home Network Prefix and Vendor Specific options, of no further description."""

    fields_desc = [
        ByteField("otype", 40), ByteField("olen", 6), ByteField("reserved1", 0), ByteField("reserved2", 0),
        ByteField("type1", 22), ByteField("length1", 0), ByteField("type2", 19), ByteField("length2", 0),
    ]
    x, y = 4, 0


class Authentication(_MIP6OptAlign):
    fields_desc = [
        ByteField("otype", 9), ByteField("olen", 5 + AUTHENTICATOR), ByteField("subtype", 1), IntField("spi", SPI),
        StrFixedLenField("data", bytes(AUTHENTICATOR), AUTHENTICATOR),
    ]
    x, y = 8, 1


def prefixes(otype, texts):
    for text in texts:
        yield prefixed(HomeNetworkPrefix, text, otype=otype)


def binding_options(binding):
    yield from prefixes(22, binding["prefixes"])
    yield from prefixes(55, binding["delegated"])
    yield ServingMaar(address=binding["locator"])
    yield number(16, binding["counter"], "!Q")
    yield number(17, binding["lifetimeSeconds"], "!I")


def options_of(message):
    kind = message["kind"]
    if "mnId" in message:
        yield MIP6OptMNID(id=message["mnId"].encode())
    if kind in ("PBU", "PBA"):
        yield Value(otype=23, value=message["handoff"])
        yield Value(otype=24, value=message["accessTechnology"])
        yield from prefixes(22, message["prefixes"])
        yield from prefixes(55, message["delegated"])
        if kind == "PBU":
            yield MIP6OptAltCoA(acoa=message["locator"])
        yield number(16, message["counter"], "!Q")
    if kind == "HI":
        yield ContextRequest()
        yield number(16, message["counter"], "!Q")
    if kind == "HAck":
        homes = message["homes"]
        yield from prefixes(22, [home["prefix"] for home in homes])
        yield Vendor(subtype=20, data=b"".join(struct.pack("!I", home["validSeconds"]) for home in homes))
        for session in message["sessions"]:
            ends = b"".join(socket.inet_pton(socket.AF_INET6, session[end]) for end in ("cn", "maar"))
            bits = sum(1 << home for home in session["homes"])
            yield Vendor(subtype=21, data=ends + struct.pack("!QI", session["counter"], bits))
        yield number(16, message["counter"], "!Q")
    if "where" in message:
        yield from prefixes(22, [message["where"]])
    if "ticket" in message:
        yield number(18, message["ticket"], "!Q")
    if kind == "LRI":
        yield from prefixes(22, message["binding"]["prefixes"])
        yield from prefixes(55, message["binding"]["delegated"])
        yield MagAddress(address=message["binding"]["locator"])
        yield number(16, message["binding"]["counter"], "!Q")
    elif "binding" in message:
        yield from binding_options(message["binding"])
    yield from prefixes(6, message.get("primary", []))
    yield timestamp(message["timestamp"])
    yield Authentication()


def laid_out(start, options):
    """What scapy's Binding Update does for its options, for headers that it does not know."""
    data = b""
    for option in options:
        pad = option.alignment_delta(start + len(data)) if hasattr(option, "alignment_delta") else 0
        data += b"\0" if pad == 1 else b"" if pad == 0 else struct.pack("!BB", 1, pad - 2) + bytes(pad - 2)
        data += bytes(option)
    return data + bytes(-(start + len(data)) % 8)


def header(message):
    kind, sequence = message["kind"], message["sequence"]
    units = message.get("lifetimeSeconds", 0) // 4
    common = {"seq": sequence, "mhtime": units, "options": list(options_of(message))}
    if kind == "PBU":
        # A and P are among the upper 7 bits, which scapy names.
        return MIP6MH_BU(flags=(0x8000 | 0x0200) >> 9, **common)
    if kind == "PBA":
        return MIP6MH_BA(status=message["status"], flags=0x20 >> 5, res2=0, **common)
    if kind in CODES:
        status = message.get("status", 0x80 if message.get("register") else 0)
        fixed = struct.pack("!HIBBH", sequence, ENTERPRISE, CODES[kind], status, units)
    elif kind == "UPN":
        fixed = struct.pack("!HHH", sequence, 2, 0xC000 if message["retransmission"] else 0x8000)
    elif kind in ("HI", "HAck"):
        fixed = struct.pack("!HBB", sequence, 0x20 if kind == "HI" else 0x40, message.get("status", 0))
    elif kind == "LRI":
        fixed = struct.pack("!HHH", sequence, 0, message["binding"]["lifetimeSeconds"])
    elif kind == "LRA":
        fixed = struct.pack("!HBBH", sequence, 0, message["status"], message["lifetimeSeconds"])
    else:
        fixed = struct.pack("!HBBH", sequence, message["status"], 0, 0)
    tail = laid_out(6 + len(fixed), options_of(message))
    length = (6 + len(fixed) + len(tail)) // 8 - 1
    return MIP6MH_Generic(mhtype=TYPES.get(kind, 11), len=length, msg=fixed + tail)


def signed(packet):
    data = bytearray(bytes(packet)[40:])
    data[4:6] = b"\0\0"
    addresses = b"".join(socket.inet_pton(socket.AF_INET6, address) for address in (packet.src, packet.dst))
    digest = hmac.new(KEY, addresses + bytes(data[:-AUTHENTICATOR]), hashlib.sha256).digest()
    data[-AUTHENTICATOR:] = digest[:AUTHENTICATOR]
    whole = IPv6(bytes(packet)[:40] + bytes(data))
    del whole.payload.cksum
    return IPv6(bytes(whole))


write(lambda case: signed(IPv6(src=case["src"], dst=case["dst"]) / header(case["message"])))
