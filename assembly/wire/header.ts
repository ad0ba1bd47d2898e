/** Writing IPv6 headers. */
import { LOCATOR } from '../mem/options';
import { copy16, store16be, store32be } from '../mem/words';
import { DESTINATION_AT, HOP_LIMIT_AT, NEXT_HEADER_AT, PAYLOAD_LENGTH_AT, SOURCE_AT } from './ipv6';

/** A header from our locator at `packet`; `flow` is traffic class and flow label as one number of 28 bits. */
export function writeHeader(
  packet: usize,
  flow: u32,
  payloadLength: u32,
  nextHeader: u32,
  hopLimit: u32,
  destination: usize,
): void {
  store32be(packet, 0x60000000 | flow);
  store16be(packet + PAYLOAD_LENGTH_AT, payloadLength);
  store<u8>(packet, nextHeader as u8, NEXT_HEADER_AT);
  store<u8>(packet, hopLimit as u8, HOP_LIMIT_AT);
  copy16(packet + SOURCE_AT, LOCATOR);
  copy16(packet + DESTINATION_AT, destination);
}

/** A fragment header for IPv6 in IPv6 (RFC 8200 section 4.5); `offset` in octets, a multiple of 8. */
export function writeFragment(
  at: usize,
  nextHeader: u32,
  offset: u32,
  more: bool,
  identification: u32,
): void {
  store16be(at, nextHeader << 8);
  store16be(at + 2, offset | (more ? 1 : 0));
  store32be(at + 4, identification);
}
