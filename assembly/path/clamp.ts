/** TCP maximum segment size (RFC 9293 section 3.7.1), lowered to what fits a tunnel. */
import { COUNTER_MSS_CLAMPED, LIMIT_MTU_MIN } from '../../bindings/generated/abi.as';
import { load16be, store16be } from '../mem/words';
import { count } from '../stats/counters';
import { IPV6_HEADER, TCP, upperLayerAt, walkHeaders } from '../wire/ipv6';

const TCP_HEADER: u32 = 20;
const DATA_OFFSET_AT: usize = 12;
const FLAGS_AT: usize = 13;
const CHECKSUM_AT: usize = 16;
const SYN: u32 = 2;

const NO_OPERATION: u32 = 1;
/** Kind and length, as an option is loaded. */
const MSS: u32 = 0x0402;

/** For a packet that goes into a tunnel with room for `room` octets. */
export function clampMss(packet: usize, length: u32, room: u32): void {
  if (walkHeaders(packet, length) != TCP) return;
  const tcp = packet + upperLayerAt();
  const left = length - upperLayerAt();
  if (left < TCP_HEADER || (load<u8>(tcp, FLAGS_AT) & SYN) == 0) return;
  const end: u32 = ((load<u8>(tcp, DATA_OFFSET_AT) as u32) >> 4) << 2;
  if (end > left) return;
  for (let at: u32 = TCP_HEADER; at + 1 < end;) {
    const option: u32 = load<u16>(tcp + at);
    const kind = option & 0xff;
    if (kind == NO_OPERATION) {
      at++;
      continue;
    }
    const size = option >> 8;
    if (kind == 0 || size < 2 || at + size > end) return;
    if (kind == (MSS & 0xff)) {
      if (option == MSS) lower(tcp, at + 2, max(LIMIT_MTU_MIN, room) - IPV6_HEADER - TCP_HEADER);
      return;
    }
    at += size;
  }
}

/** RFC 1624 section 3, equation 3. */
function lower(tcp: usize, at: u32, most: u32): void {
  const before = load16be(tcp + at);
  if (before <= most) return;
  store16be(tcp + at, most);
  let change = (before ^ 0xffff) + most;
  // Across two words of the checksum, the octets count the other way round.
  if ((at & 1) != 0) change <<= 8;
  let sum = (load16be(tcp + CHECKSUM_AT) ^ 0xffff) + change;
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  store16be(tcp + CHECKSUM_AT, sum ^ 0xffff);
  count(COUNTER_MSS_CLAMPED);
}
