"""Packets through the kernel that this runs on: `exchange.py REQUEST RESPONSE`, two files of JSON.

The request has `setup`, lines for sh that find the TUN devices "access" and "core" up, and `steps`, each with
the device that a packet comes in by, the packet, and how many are expected to come out; by "socket" it goes out
of a raw socket of protocol 41 instead, from the address `from` to `to`. The response has, for each step, device and octets
of what came out. With a third argument, a folder of kernel modules, this is the first process of a user-mode
kernel: it prepares that, and halts it at the end.
"""
import ctypes
import fcntl
import json
import os
import select
import socket
import struct
import subprocess
import sys
import time
import traceback

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000
IPV6_IN_IPV6 = 41
SYS_FINIT_MODULE = 313  # x86-64
POWER_OFF = 0x4321FEDC
EXPECTED_S = 3.0
SURPLUS_S = 0.02
# A router whose own neighbour discovery does not mix with what comes out, and that answers every error.
ROUTER = """
echo 0 > /proc/sys/net/ipv6/auto_flowlabels
echo 0 > /proc/sys/net/ipv6/icmp/ratelimit
for scope in default all; do
  echo 1 > /proc/sys/net/ipv6/conf/$scope/forwarding
  echo 0 > /proc/sys/net/ipv6/conf/$scope/accept_dad
done
echo 1 > /proc/sys/net/ipv6/conf/default/addr_gen_mode
ip link set lo up
"""

libc = ctypes.CDLL(None, use_errno=True)


def prepare_machine(modules):
    os.environ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
    for kind, where in (("proc", "/proc"), ("sysfs", "/sys"), ("tmpfs", "/run")):
        subprocess.run(["mount", "-t", kind, kind, where], check=True)
    for name in ("lib/crc-ccitt", "net/ipv6/ipv6", "net/ipv6/tunnel6", "net/ipv6/ip6_tunnel", "drivers/net/tun"):
        descriptor = os.open(f"{modules}/kernel/{name}.ko", os.O_RDONLY)
        if libc.syscall(SYS_FINIT_MODULE, descriptor, b"", 0) != 0:
            raise OSError(ctypes.get_errno(), f"module {name}")


def tun(name):
    descriptor = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(descriptor, TUNSETIFF, struct.pack("16sH14x", name.encode(), IFF_TUN | IFF_NO_PI))
    subprocess.run(["ip", "link", "set", name, "up"], check=True)
    return descriptor


def exchange(request):
    subprocess.run(["sh", "-ec", ROUTER], check=True)
    devices = {name: tun(name) for name in ("access", "core")}
    names = {descriptor: name for name, descriptor in devices.items()}
    subprocess.run(["sh", "-ec", request["setup"]], check=True)

    def outputs(expected):
        found = []
        end = time.monotonic() + (EXPECTED_S if expected > 0 else SURPLUS_S)
        while True:
            ready, _, _ = select.select(list(names), [], [], max(0, end - time.monotonic()))
            if not ready:
                return found
            for descriptor in ready:
                packet = os.read(descriptor, 65536)
                if packet[24] != 0xFF:  # multicast: reports of the kernel's own groups
                    found.append([names[descriptor], packet.hex()])
                    if len(found) == expected:
                        end = time.monotonic() + SURPLUS_S

    sender = socket.socket(socket.AF_INET6, socket.SOCK_RAW, IPV6_IN_IPV6)
    sender.bind((request["from"], 0))
    outputs(0)
    response = []
    for device, packet, expected in request["steps"]:
        octets = bytes.fromhex(packet)
        if device == "socket":
            sender.sendto(octets, (request["to"], 0))
        else:
            os.write(devices[device], octets)
        response.append(outputs(expected))
    return response


def main(request, response, modules=None):
    if modules is not None:
        prepare_machine(modules)
    with open(request) as file:
        result = exchange(json.load(file))
    with open(response, "w") as file:
        json.dump(result, file)


try:
    # A user-mode kernel appends parameters of its own.
    main(*sys.argv[1:4])
except Exception:
    # Before the machine halts: nothing after that is printed.
    traceback.print_exc()
    sys.exit(1)
finally:
    if len(sys.argv) > 3:
        sys.stderr.flush()
        libc.reboot(POWER_OFF)
