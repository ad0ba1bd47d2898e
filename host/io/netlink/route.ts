import { addressBytes, splitPrefix } from '../../wire/address.ts';
import type { Address, Prefix } from '../../wire/address.ts';
import { readPrefix } from '../../wire/address.ts';
import { AF } from '../linux.ts';
import { NLM_F, PROTOCOL_MAAR, RTA, RTM, RTN, RTNH_F, RT_TABLE } from './constants.ts';
import { MessageWriter, attributeU32, parseAttributes } from './message.ts';
import type { NetlinkMessage } from './message.ts';

const RTMSG = 12;
/** Metric of our routes: apart from the kernel's and daemons' usual 256 and 1024, so that theirs are never replaced or deleted. */
const METRIC = 77;

export type RouteTarget =
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'device'; readonly ifindex: number; readonly gateway?: Address };

export interface Route {
  readonly prefix: Prefix;
  readonly table: number;
  readonly target: RouteTarget;
}

function rtmsg(length: number, table: number, type: number, flags: number): Uint8Array {
  const fixed = new Uint8Array(RTMSG);
  fixed[0] = AF.inet6;
  fixed[1] = length;
  fixed[4] = table < 256 ? table : RT_TABLE.unspec;
  fixed[5] = PROTOCOL_MAAR;
  fixed[7] = type;
  fixed[8] = flags;
  return fixed;
}

function routeMessage(type: number, flags: number, route: Route): MessageWriter {
  const { address, length } = splitPrefix(route.prefix);
  const { target } = route;
  // A gateway may be the station's own global address: reachable on this link whatever the table says.
  const onlink = target.kind === 'device' && target.gateway !== undefined ? RTNH_F.onlink : 0;
  const kind = target.kind === 'device' ? RTN.unicast : RTN.unreachable;
  const message = new MessageWriter(type, flags, rtmsg(length, route.table, kind, onlink));
  message.attribute(RTA.dst, addressBytes(address)).u32(RTA.table, route.table).u32(RTA.priority, METRIC);
  if (target.kind === 'device') {
    message.u32(RTA.oif, target.ifindex);
    if (target.gateway !== undefined) message.attribute(RTA.gateway, addressBytes(target.gateway));
  }
  return message;
}

/** Adds a route or replaces ours of the same prefix in place, without a moment between. */
export function putRoute(route: Route): MessageWriter {
  return routeMessage(RTM.newroute, NLM_F.request | NLM_F.ack | NLM_F.create | NLM_F.replace, route);
}

/** Deletes our route of a prefix, whatever its target. */
export function deleteRoute(prefix: Prefix, table: number): MessageWriter {
  const { address, length } = splitPrefix(prefix);
  return new MessageWriter(RTM.delroute, NLM_F.request | NLM_F.ack, rtmsg(length, table, 0, 0))
    .attribute(RTA.dst, addressBytes(address))
    .u32(RTA.table, table)
    .u32(RTA.priority, METRIC);
}

export function listRoutes(): MessageWriter {
  const fixed = new Uint8Array(RTMSG);
  fixed[0] = AF.inet6;
  return new MessageWriter(RTM.getroute, NLM_F.request | NLM_F.dump, fixed);
}

/** Our own routes out of a dump of `listRoutes`. */
export function ownRoutes(answers: readonly NetlinkMessage[]): { prefix: Prefix; table: number }[] {
  const routes: { prefix: Prefix; table: number }[] = [];
  for (const { type, body } of answers) {
    if (type !== RTM.newroute || body.length < RTMSG || body[5] !== PROTOCOL_MAAR) continue;
    const attributes = parseAttributes(body, RTMSG);
    const octets = new Uint8Array(16);
    octets.set(attributes.get(RTA.dst)?.subarray(0, 16) ?? []);
    routes.push({
      prefix: readPrefix(octets, 0, Math.min(body[1]!, 128)),
      table: attributeU32(attributes, RTA.table) ?? body[4]!,
    });
  }
  return routes;
}
