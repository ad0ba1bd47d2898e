/**
 * Outer fragments put together at the exit of the tunnel (RFC 2473 section 7.1, RFC 8200 section 4.5). A datagram that
 * anything overlaps in is lost as a whole (RFC 5722); exact duplicates are not told apart.
 */
import {
  COUNTER_REASSEMBLED,
  LIMIT_HEADROOM,
  LIMIT_PACKET_MAX,
  REASON_REASSEMBLY,
  REASSEMBLIES,
  REASSEMBLY_MILLIS,
} from '../../bindings/generated/abi.as';
import { AREA_REASSEMBLIES, REASSEMBLY_SIZE, areaBase, frameAt } from '../mem/areas';
import { now } from '../mem/clock';
import { copy16, equal16, load16be, store16be } from '../mem/words';
import { count, countDrop } from '../stats/counters';
import { ecnOf, setEcn } from '../wire/ecn';
import {
  DESTINATION_OPTIONS,
  HOP_LIMIT_AT,
  IPV6_HEADER,
  IPV6_IN_IPV6,
  NEXT_HEADER_AT,
  PAYLOAD_LENGTH_AT,
  SOURCE_AT,
} from '../wire/ipv6';
import { drop, lengthOf, offsetOf, onHold, pass, setPacket } from './outputs';

const FRAGMENT_HEADER: u32 = 8;
const HEADERS: u32 = IPV6_HEADER + FRAGMENT_HEADER;
const MORE: u32 = 1;

const FREE: u8 = 0;
const OPEN: u8 = 1;
/** Kept for its time, so that the rest of its fragments begin nothing new. */
const SPOILT: u8 = 2;

/** Sets of ECN fields, a bit for each: CE, and CE beside Not-ECT. */
const SOME_CE: u32 = 8;
const CE_AND_NOT_ECT: u32 = 9;
const CE: u32 = 3;

@unmanaged
class Datagram {
  began: u64;
  identification: u32;
  /** Where the furthest fragment ends, and how many octets have come. */
  reach: u32;
  came: u32;
  state: u8;
  /** Whether the last fragment has come. */
  ended: bool;
  ecn: u8;
  hopLimit: u8;
}

/** A bit for each eight octets that have come, and the packet. */
const UNITS: usize = 24;
const PACKET: usize = 56;

/**
 * Takes in a fragment of a peer to our locator. Where its packet begins if it is whole now; 0 if the fragment has its verdict.
 */
export function reassemble(index: u32, descriptor: usize, packet: usize): usize {
  const header = packet + IPV6_HEADER;
  const next = load<u8>(header);
  const length = lengthOf(descriptor) - HEADERS;
  if (lengthOf(descriptor) < HEADERS || (next != IPV6_IN_IPV6 && next != DESTINATION_OPTIONS)) {
    pass(descriptor);
    return 0;
  }
  const offset = load16be(header + 2) & 0xfff8;
  const more = load16be(header + 2) & MORE;
  if ((offset | more) == 0) {
    memory.copy(packet + FRAGMENT_HEADER, packet, IPV6_HEADER);
    setPacket(descriptor, offsetOf(descriptor) + FRAGMENT_HEADER, IPV6_HEADER + length);
    return finish(packet + FRAGMENT_HEADER, next, length);
  }
  const end = offset + length;
  if (length == 0 || (length & 7 & (0 - more)) != 0 || end > LIMIT_PACKET_MAX - IPV6_HEADER) {
    return refuse(descriptor);
  }
  const datagram = datagramOf(packet + SOURCE_AT, load<u32>(header, 4));
  const at = changetype<usize>(datagram);
  const reach = datagram.reach;
  let known: u8 = 0;
  for (let unit = offset >> 3; unit < (end + 7) >> 3; unit++) {
    const bits = load<u8>(at + (unit >> 3), UNITS);
    const bit = (1 as u8) << ((unit & 7) as u8);
    known |= bits & bit;
    store<u8>(at + (unit >> 3), bits | bit, UNITS);
  }
  const misfits = datagram.ended ? more == 0 || end > reach : more == 0 && end < reach;
  if (known != 0 || misfits || datagram.state == SPOILT) {
    datagram.state = SPOILT;
    return refuse(descriptor);
  }
  memory.copy(at + PACKET + IPV6_HEADER + offset, packet + HEADERS, length);
  if (offset == 0) {
    memory.copy(at + PACKET, packet, IPV6_HEADER);
    store<u8>(at + PACKET + NEXT_HEADER_AT, next);
  }
  datagram.reach = max(reach, end);
  datagram.came += length;
  datagram.ecn |= (1 as u8) << (ecnOf(packet) as u8);
  datagram.hopLimit = min(datagram.hopLimit, load<u8>(packet, HOP_LIMIT_AT));
  if (more == 0) datagram.ended = true;
  if (!datagram.ended || datagram.came != datagram.reach) {
    onHold(descriptor);
    return 0;
  }
  datagram.state = FREE;
  const ecn: u32 = datagram.ecn;
  if ((ecn & CE_AND_NOT_ECT) == CE_AND_NOT_ECT) return refuse(descriptor);
  const whole = frameAt(index) + LIMIT_HEADROOM;
  memory.copy(whole, at + PACKET, IPV6_HEADER + datagram.came);
  if ((ecn & SOME_CE) != 0) setEcn(whole, CE);
  store<u8>(whole, datagram.hopLimit, HOP_LIMIT_AT);
  setPacket(descriptor, LIMIT_HEADROOM, IPV6_HEADER + datagram.came);
  count(COUNTER_REASSEMBLED);
  return finish(whole, load<u8>(whole, NEXT_HEADER_AT), datagram.came);
}

function finish(packet: usize, next: u8, length: u32): usize {
  store<u8>(packet, next, NEXT_HEADER_AT);
  store16be(packet + PAYLOAD_LENGTH_AT, length);
  return packet;
}

function refuse(descriptor: usize): usize {
  drop(descriptor, REASON_REASSEMBLY);
  return 0;
}

/** The datagram of a fragment, begun now if it is new. */
function datagramOf(source: usize, identification: u32): Datagram {
  const first = areaBase(AREA_REASSEMBLIES);
  let oldest: u64 = ~0;
  let chosen = first;
  const end = first + (REASSEMBLIES as usize) * REASSEMBLY_SIZE;
  for (let at = first; at < end; at += REASSEMBLY_SIZE) {
    const datagram = changetype<Datagram>(at);
    if (datagram.state != FREE) {
      if (now() - datagram.began >= REASSEMBLY_MILLIS) giveUp(datagram);
      else if (datagram.identification == identification && equal16(at + PACKET + SOURCE_AT, source))
        return datagram;
    }
    const began = datagram.state == FREE ? 0 : datagram.began + 1;
    if (began < oldest) {
      oldest = began;
      chosen = at;
    }
  }
  const datagram = changetype<Datagram>(chosen);
  giveUp(datagram);
  memory.fill(chosen, 0, PACKET);
  copy16(chosen + PACKET + SOURCE_AT, source);
  datagram.began = now();
  datagram.identification = identification;
  datagram.state = OPEN;
  datagram.hopLimit = 255;
  return datagram;
}

function giveUp(datagram: Datagram): void {
  if (datagram.state == OPEN) countDrop(REASON_REASSEMBLY);
  datagram.state = FREE;
}
