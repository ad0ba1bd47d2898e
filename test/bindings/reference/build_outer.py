"""Builds with scapy what the data plane should send; one JSON request on standard input, hexadecimal lines out."""

import json
import sys

from scapy.layers.inet6 import ICMPv6PacketTooBig, ICMPv6TimeExceeded, IPv6, IPv6ExtHdrFragment

request = json.load(sys.stdin)
inner = bytes.fromhex(request["inner"])
outer = IPv6(
    src=request["locator"],
    dst=request["peer"],
    tc=IPv6(inner).tc,
    fl=request["flowLabel"],
    hlim=request["hopLimit"],
)

if request["build"] == "tunnel":
    outer.nh = 41
    packets = [outer / inner]
elif request["build"] == "fragments":
    first = (request["coreMtu"] - 48) // 8 * 8
    header = {"nh": 41, "id": request["identification"]}
    packets = [
        outer / IPv6ExtHdrFragment(m=1, offset=0, **header) / inner[:first],
        outer / IPv6ExtHdrFragment(m=0, offset=first // 8, **header) / inner[first:],
    ]
else:
    reply = IPv6(src=request["locator"], dst=IPv6(inner).src, hlim=64)
    if request["build"] == "too-big":
        error = ICMPv6PacketTooBig(mtu=max(1280, request["coreMtu"] - 40))
    else:
        error = ICMPv6TimeExceeded(code=0)
    packets = [reply / error / inner[:1232]]

for packet in packets:
    print(bytes(packet).hex())
