import { parseMobility } from '../../../wire/mobility/message.ts';
import { ICMPV6_TYPE } from '../../../wire/icmpv6/registry.ts';
import { IPV6_HEADER, NEXT_HEADER, parseIpv6 } from '../../../wire/ipv6.ts';
import type { CapturedPacket } from '../../lab.ts';

/** Bits D and E of the draft's own layout (wire profile of the lab): E tells d-messages from s-messages. */
const E_OF_BU = 0x0100;
const E_OF_BA = 0x10;

/** Matches packets on a link that carry this message. */
export function carries(name: string): (packet: CapturedPacket) => boolean {
  return ({ data }) => messageIn(data) === name;
}

function messageIn(data: Uint8Array): string | undefined {
  const packet = parseIpv6(data);
  if (!packet.ok) return undefined;
  const { nextHeader, payload, src, dst } = packet.value;
  if (nextHeader === NEXT_HEADER.icmpv6) {
    return data[IPV6_HEADER] === ICMPV6_TYPE.RS ? 'RS' : undefined;
  }
  if (nextHeader !== NEXT_HEADER.mobility) return undefined;
  const message = parseMobility(payload, src, dst);
  if (!message.ok) return undefined;
  if (message.value.kind === 'BU') return (message.value.flags & E_OF_BU) === 0 ? 'sDBU' : 'dDBU';
  if (message.value.kind === 'BA') return (message.value.flags & E_OF_BA) === 0 ? 'sDBA' : 'dDBA';
  return message.value.kind;
}
