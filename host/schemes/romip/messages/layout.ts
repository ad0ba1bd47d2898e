import type { BindingAcknowledgement, BindingUpdate } from '../../../wire/mobility/message.ts';
import { readVendor } from './vendor.ts';

/** Where a profile keeps the draft's D and E. Without `e`, E is the role option. */
interface FlagLayout {
  readonly update: { readonly d: number; readonly e?: number };
  readonly acknowledgement: { readonly d: number; readonly e?: number };
}

export const LAYOUTS = {
  /** The bits as the draft draws them; in a PMIPv6 node they read as P and F, P and T. */
  'romip-00': { update: { d: 0x0200, e: 0x0100 }, acknowledgement: { d: 0x20, e: 0x10 } },
  /** The D flag of RFC 8885, which collides with nothing. */
  'romip-iana': { update: { d: 0x0010 }, acknowledgement: { d: 0x02 } },
} as const satisfies Readonly<Record<string, FlagLayout>>;

export type ProfileName = keyof typeof LAYOUTS;

/** What the wire form of a message depends on. */
export interface Wire {
  readonly layout: FlagLayout;
  readonly enterprise: number;
}

/** 's' for messages to and from the previous MAAR, 'd' for those to and from correspondents' MAARs and anchors. */
export type Role = 's' | 'd';

/** The role of a distributed message; undefined without D, and without a role option where E is one. */
export function roleOf(wire: Wire, mobility: BindingUpdate | BindingAcknowledgement): Role | undefined {
  const { d, e } = mobility.kind === 'BU' ? wire.layout.update : wire.layout.acknowledgement;
  if ((mobility.flags & d) === 0) return undefined;
  if (e !== undefined) return (mobility.flags & e) === 0 ? 's' : 'd';
  for (const option of mobility.options) {
    const item = option.kind === 'vendor' ? readVendor(wire.enterprise, option) : undefined;
    if (typeof item === 'object' && item.item === 'role') return item.role;
  }
  return undefined;
}
