import {
  REASON_ADDRESS,
  REASON_JUMBOGRAM,
  REASON_NONE,
  REASON_TRUNCATED,
  REASON_VERSION,
} from '../../bindings/generated/abi.as';
import { checksum } from '../../assembly/wire/checksum';
import { ECN_DROP, decapsulateEcn } from '../../assembly/wire/ecn';
import { flowHash } from '../../assembly/table/flow';
import { setSeed } from '../../assembly/table/hash';
import { flowLabel } from '../../assembly/wire/flowlabel';
import {
  WALK_FAILED,
  WALK_FRAGMENT,
  checkHeader,
  isLocalPair,
  upperLayerAt,
  walkHeaders,
} from '../../assembly/wire/ipv6';
import { copy16, load48, powerOfTwo, store48 } from '../../assembly/mem/words';
import { address, zeroed } from './instance';

/** A packet of 2001:db8::1 to 2001:db8::2 with `payload` zero octets. */
function packet(next: u32, payload: u32): usize {
  const at = zeroed(40 + payload + 8);
  store<u8>(at, 0x60);
  store<u8>(at, (payload >> 8) as u8, 4);
  store<u8>(at, payload as u8, 5);
  store<u8>(at, next as u8, 6);
  store<u8>(at, 64, 7);
  copy16(at + 8, address(0, 1));
  copy16(at + 24, address(0, 2));
  return at;
}

describe('header check', () => {
  it('judges version and lengths', () => {
    const at = packet(59, 8);
    expect<u32>(checkHeader(at, 48)).toBe(REASON_NONE);
    expect<u32>(checkHeader(at, 49)).toBe(REASON_NONE);
    expect<u32>(checkHeader(at, 47)).toBe(REASON_TRUNCATED);
    expect<u32>(checkHeader(at, 39)).toBe(REASON_TRUNCATED);
    store<u8>(at, 0x40);
    expect<u32>(checkHeader(at, 48)).toBe(REASON_VERSION);
    expect<u32>(checkHeader(packet(59, 0), 40)).toBe(REASON_NONE);
    expect<u32>(checkHeader(packet(0, 0), 40)).toBe(REASON_JUMBOGRAM);
  });

  it('judges addresses', () => {
    const source = packet(59, 0);
    store<u8>(source, 0xff, 8);
    expect<u32>(checkHeader(source, 40)).toBe(REASON_ADDRESS);
    const loopback = packet(59, 0);
    store<u64>(loopback, 0, 24);
    expect<u32>(checkHeader(loopback, 40)).toBe(REASON_NONE);
    store<u8>(loopback, 1, 39);
    expect<u32>(checkHeader(loopback, 40)).toBe(REASON_ADDRESS);
    store<u8>(loopback, 0, 39);
    expect<u32>(checkHeader(loopback, 40)).toBe(REASON_ADDRESS);
  });

  it('tells the pairs that stay on their link', () => {
    const at = packet(59, 0);
    expect<i32>(i32(isLocalPair(at))).toBe(0);
    store<u16>(at, 0xbffe, 24);
    expect<i32>(i32(isLocalPair(at))).toBe(1);
    store<u16>(at, 0xc0fe, 24);
    expect<i32>(i32(isLocalPair(at))).toBe(0);
    store<u8>(at, 0xff, 24);
    expect<i32>(i32(isLocalPair(at))).toBe(1);
  });
});

describe('extension headers', () => {
  it('walks to the protocol and says where it begins', () => {
    const at = packet(0, 32);
    store<u8>(at, 44, 40);
    store<u8>(at, 60, 48);
    store<u8>(at, 58, 56);
    expect<u32>(walkHeaders(at, 72)).toBe(58);
    expect<u32>(upperLayerAt()).toBe(64);
    expect<u32>(walkHeaders(packet(17, 0), 40)).toBe(17);
  });

  it('stops at a later fragment, at the end of the packet and after eight headers', () => {
    const fragment = packet(44, 8);
    store<u8>(fragment, 8, 43);
    expect<u32>(walkHeaders(fragment, 48)).toBe(WALK_FRAGMENT);
    const long = packet(60, 8);
    store<u8>(long, 1, 41);
    expect<u32>(walkHeaders(long, 48)).toBe(WALK_FAILED);
    expect<u32>(walkHeaders(packet(43, 7), 47)).toBe(WALK_FAILED);
    const chain = packet(60, 80);
    for (let header = 0; header < 8; header++) store<u8>(chain + 40 + 8 * header, header == 7 ? 17 : 60);
    expect<u32>(walkHeaders(chain, 120)).toBe(17);
    store<u8>(chain, 60, 96);
    expect<u32>(walkHeaders(chain, 120)).toBe(WALK_FAILED);
  });
});

describe('checksum, ECN, flow label, words', () => {
  it('sums an echo request of odd length, and comes to 0 over its own result', () => {
    const at = packet(58, 9);
    store<u8>(at, 128, 40);
    store<u8>(at, 0xab, 48);
    const sum = checksum(at, at + 40, 9, 58);
    // The pseudo-header (addresses, length, protocol) and the message, as 16-bit words in network order.
    let total: u32 = 2 * 0x2001 + 2 * 0x0db8 + 1 + 2 + 9 + 58 + 0x8000 + 0xab00;
    total = (total & 0xffff) + (total >> 16);
    expect<u32>(bswap<u16>(sum as u16)).toBe(total ^ 0xffff);
    store<u16>(at, sum as u16, 42);
    expect<u32>(checksum(at, at + 40, 9, 58)).toBe(0);
  });

  it('has the table of RFC 6040 section 4.2, one digit for each pair', () => {
    const rows: StaticArray<u32> = [0x0004, 0x1113, 0x2123, 0x3333];
    for (let inner: u32 = 0; inner < 4; inner++) {
      for (let outer: u32 = 0; outer < 4; outer++) {
        expect<u32>(decapsulateEcn(inner, outer)).toBe((rows[inner] >> (4 * (3 - outer))) & 0xf);
      }
    }
    expect<u32>(ECN_DROP).toBe(4);
  });

  it('has the flow label of the ABI page, which the traffic class does not change', () => {
    const at = packet(59, 0);
    setSeed(0x1122334455667788);
    const pair = flowHash(at + 8, at + 24);
    expect<u32>(flowLabel(at, pair)).toBe(0xad72e);
    store<u8>(at, 0x6f);
    store<u8>(at, 0xf0, 1);
    expect<u32>(flowLabel(at, pair)).toBe(0xad72e);
    store<u8>(at, 1, 3);
    expect<u32>(flowLabel(at, pair)).toBe(0x4baa6);
  });

  it('never has flow label 0', () => {
    // 0 is the only factor with which the product is 0.
    expect<u32>(flowLabel(packet(59, 0), 0)).toBe(1);
  });

  it('stores 48 bits without touching what follows', () => {
    const at = zeroed(8);
    store48(at, 0xffffffffffff);
    expect<u64>(load<u64>(at)).toBe(0xffffffffffff);
    expect<u64>(load48(at)).toBe(0xffffffffffff);
    expect<u32>(powerOfTwo(0)).toBe(1);
    expect<u32>(powerOfTwo(64)).toBe(64);
    expect<u32>(powerOfTwo(65)).toBe(128);
  });
});
