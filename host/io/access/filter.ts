import { writeMac } from '../../wire/address.ts';
import type { Mac } from '../../wire/address.ts';

/** Octets shown of a frame: neighbour discovery and DHCPv6 whole, of data what tells its sender and addresses. */
export const SNAP = { control: 2048, data: 256 } as const;

/** Classic BPF (linux/filter.h): opcodes, and the most that one program may have. */
const BPF = {
  loadWord: 0x20,
  loadHalf: 0x28,
  loadByte: 0x30,
  jumpEqual: 0x15,
  jumpGreaterEqual: 0x35,
  jumpAnySet: 0x45,
  ret: 0x06,
} as const;
const INSTRUCTION = 8;
const MAX_INSTRUCTIONS = 4096;
/** Stations compared in one group, since a jump reaches 255 instructions. */
const GROUP = 120;

/** Offsets in an Ethernet frame that carries IPv6. */
const AT = {
  source: 6,
  sourceTail: 10,
  etherType: 12,
  nextHeader: 20,
  payload: 54,
  udpDestination: 56,
  payloadLength: 55,
  afterHopByHop: 62,
} as const;
/**
 * Ancillary data (SKF_AD_VLAN_TAG): the kernel takes a VLAN tag out of the frame before a packet socket sees it. Frames of
 * another VLAN are not of this link; VLAN 0 marks a priority only (IEEE 802.1Q).
 */
const VLAN_TAG = 0xffff_f02c;
const VLAN_ID = 0xfff;
const ETHERTYPE_IPV6 = 0x86dd;
const HOP_BY_HOP = 0;
const UDP = 17;
const ICMPV6 = 58;
/** Where DHCPv6 servers listen, RFC 8415 section 7.2. */
const DHCP_SERVER = 547;
/** ICMPv6 types: MLD 130 to 132 and neighbour discovery 133 to 137 stand together; MLDv2 reports are 143. */
const TYPE = { first: 130, past: 138, report: 143 } as const;

interface Instruction {
  readonly code: number;
  readonly k: number;
  /** Instructions to skip if the comparison holds, and if not. */
  readonly yes?: number;
  readonly no?: number;
}

/** Accepts the ICMPv6 types that control wants to see, given that the type is at `offset`; otherwise falls through. */
function messageTypes(offset: number): Instruction[] {
  return [
    { code: BPF.loadByte, k: offset },
    { code: BPF.jumpEqual, k: TYPE.report, yes: 2 },
    { code: BPF.jumpGreaterEqual, k: TYPE.past, yes: 2 },
    { code: BPF.jumpGreaterEqual, k: TYPE.first, no: 1 },
    { code: BPF.ret, k: SNAP.control },
  ];
}

const PLAIN = messageTypes(AT.payload);
/** MLD stands behind a hop-by-hop header of 8 octets (RFC 3810 section 5). */
const BEHIND_HOP_BY_HOP: Instruction[] = [
  { code: BPF.loadByte, k: AT.payload },
  { code: BPF.jumpEqual, k: ICMPV6, no: 2 + PLAIN.length },
  { code: BPF.loadByte, k: AT.payloadLength },
  { code: BPF.jumpEqual, k: 0, no: PLAIN.length },
  ...messageTypes(AT.afterHopByHop),
];

/** What is for DHCPv6 servers, whose station may be settled long since. */
const DHCP: Instruction[] = [
  { code: BPF.loadHalf, k: AT.udpDestination },
  { code: BPF.jumpEqual, k: DHCP_SERVER, no: 1 },
  { code: BPF.ret, k: SNAP.control },
];

const HEAD: Instruction[] = [
  { code: BPF.loadWord, k: VLAN_TAG },
  { code: BPF.jumpAnySet, k: VLAN_ID, yes: 2 },
  { code: BPF.loadHalf, k: AT.etherType },
  { code: BPF.jumpEqual, k: ETHERTYPE_IPV6, yes: 1 },
  { code: BPF.ret, k: 0 },
  { code: BPF.loadByte, k: AT.nextHeader },
  { code: BPF.jumpEqual, k: ICMPV6, no: PLAIN.length },
  ...PLAIN,
  { code: BPF.loadByte, k: AT.nextHeader },
  { code: BPF.jumpEqual, k: UDP, no: DHCP.length },
  ...DHCP,
  { code: BPF.loadByte, k: AT.nextHeader },
  { code: BPF.jumpEqual, k: HOP_BY_HOP, no: BEHIND_HOP_BY_HOP.length },
  ...BEHIND_HOP_BY_HOP,
];

/** Drops the frames of the listed stations: one group for each first four octets of a MAC. */
function stationGroups(macs: readonly Mac[]): Instruction[] {
  const tails = new Map<number, number[]>();
  for (const mac of macs) {
    const octets = new Uint8Array(6);
    writeMac(octets, 0, mac);
    const view = new DataView(octets.buffer);
    const head = view.getUint32(0);
    tails.set(head, [...(tails.get(head) ?? []), view.getUint16(4)]);
  }
  const program: Instruction[] = [];
  for (const [head, list] of tails) {
    for (let from = 0; from < list.length; from += GROUP) {
      const group = list.slice(from, from + GROUP);
      const length = 3 + 2 * group.length;
      // Past the kernel's limit stations stay visible, which costs control some frames and nothing else.
      if (HEAD.length + program.length + length + 1 > MAX_INSTRUCTIONS) return program;
      program.push(
        { code: BPF.loadWord, k: AT.source },
        { code: BPF.jumpEqual, k: head, no: length - 2 },
        { code: BPF.loadHalf, k: AT.sourceTail },
        ...group.flatMap((tail) => [
          { code: BPF.jumpEqual, k: tail, no: 1 },
          { code: BPF.ret, k: 0 },
        ]),
      );
    }
  }
  return program;
}

/**
 * The filter of an access port, as the octets of an array of struct sock_filter: passes IPv6 frames that are neighbour
 * discovery or MLD, and frames of any station that is not in `attached`.
 */
export function accessFilter(attached: readonly Mac[]): Uint8Array {
  const program = [...HEAD, ...stationGroups(attached), { code: BPF.ret, k: SNAP.data }];
  const octets = new Uint8Array(INSTRUCTION * program.length);
  const view = new DataView(octets.buffer);
  program.forEach(({ code, k, yes = 0, no = 0 }: Instruction, index) => {
    const at = INSTRUCTION * index;
    view.setUint16(at, code, true);
    view.setUint8(at + 2, yes);
    view.setUint8(at + 3, no);
    view.setUint32(at + 4, k, true);
  });
  return octets;
}
