import { addressBytes, readAddress } from '../../wire/address.ts';
import type { Address } from '../../wire/address.ts';
import { AF } from '../linux.ts';
import { IFA, IFA_F, NLM_F, PROTOCOL_MAAR, RTM, SCOPE } from './constants.ts';
import { MessageWriter, parseAttributes } from './message.ts';
import type { NetlinkMessage } from './message.ts';

const IFADDRMSG = 8;

export interface InterfaceAddress {
  readonly ifindex: number;
  readonly address: Address;
  readonly prefixLength: number;
}

function addressMessage(
  type: number,
  flags: number,
  { ifindex, address, prefixLength }: InterfaceAddress,
): MessageWriter {
  const fixed = new Uint8Array(IFADDRMSG);
  fixed[0] = AF.inet6;
  fixed[1] = prefixLength;
  fixed[3] = /^fe[89ab]/.test(address) ? SCOPE.link : SCOPE.universe;
  new DataView(fixed.buffer).setUint32(4, ifindex, true);
  return new MessageWriter(type, flags, fixed)
    .attribute(IFA.local, addressBytes(address))
    .attribute(IFA.address, addressBytes(address));
}

/** Adds an address that is in use at once: duplicate address detection would find the same address on the next MAAR's link. */
export function addAddress(address: InterfaceAddress): MessageWriter {
  return addressMessage(RTM.newaddr, NLM_F.request | NLM_F.ack | NLM_F.create | NLM_F.excl, address)
    .u32(IFA.flags, IFA_F.nodad)
    .u8(IFA.proto, PROTOCOL_MAAR);
}

export function deleteAddress(address: InterfaceAddress): MessageWriter {
  return addressMessage(RTM.deladdr, NLM_F.request | NLM_F.ack, address);
}

export function listAddresses(): MessageWriter {
  const fixed = new Uint8Array(IFADDRMSG);
  fixed[0] = AF.inet6;
  return new MessageWriter(RTM.getaddr, NLM_F.request | NLM_F.dump, fixed);
}

/** All IPv6 addresses out of a dump of `listAddresses`; `own` marks those that we added. */
export function parseAddresses(
  answers: readonly NetlinkMessage[],
): (InterfaceAddress & { readonly own: boolean })[] {
  const addresses: (InterfaceAddress & { own: boolean })[] = [];
  for (const { type, body } of answers) {
    if (type !== RTM.newaddr || body.length < IFADDRMSG) continue;
    const attributes = parseAttributes(body, IFADDRMSG);
    const octets = attributes.get(IFA.local) ?? attributes.get(IFA.address);
    if (octets?.length !== 16) continue;
    addresses.push({
      ifindex: new DataView(body.buffer, body.byteOffset).getUint32(4, true),
      address: readAddress(octets),
      prefixLength: body[1]!,
      own: attributes.get(IFA.proto)?.[0] === PROTOCOL_MAAR,
    });
  }
  return addresses;
}
