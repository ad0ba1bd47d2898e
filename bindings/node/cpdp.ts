/** Messages of the control channel (bindings/cpdp/README.md): what control writes, and what it can read. */
import type { Address, Command, CommandStatus, DataPlaneEvent, LinkId, Mac, Prefix } from '../entries.ts';
import type { Capacities } from '../dataplane.ts';
import { ABI_VERSION, COMMAND_SIZE, LIMIT_COMMANDS } from '../generated/abi.ts';
import {
  BODY_MAX,
  CPDP_VERSION,
  FRAME_LINK_AT,
  FRAME_PORT_AT,
  FRAME_SIZE,
  GREETING_ABI_AT,
  GREETING_LIFETIME_AT,
  GREETING_PROTOCOL_AT,
  GREETING_SIZE,
  HEADER_FLAGS_AT,
  HEADER_KIND_AT,
  HEADER_LENGTH_AT,
  HEADER_NUMBER_AT,
  HEADER_SIZE,
  KIND_ACTIVITY,
  KIND_APPLY,
  KIND_ATTACHED,
  KIND_FRAME_OUT,
  KIND_GREETING,
  KIND_KEEPING,
  KIND_PACKET_OUT,
  KIND_PING,
  KIND_STATUS,
  KIND_USAGE,
  PACKET_ADDRESS_AT,
  PACKET_PROTOCOL_AT,
  PACKET_SIZE,
} from '../generated/cpdp.ts';
import { CommandWriter } from './records.ts';
import { writeAddress, writeMac } from './text.ts';

/** Protocols of packets that go through the channel. */
export const PROTOCOL = { icmpv6: 58, mobility: 135 } as const;
/** Octets of an interface's name in a record. */
export const NAME_SIZE = 16;
export const MAC_SIZE = 6;
/** As many as one `attached` has room for. */
export const ATTACHED_MAX = BODY_MAX / MAC_SIZE;

/** `state`: the agent had no instance just then, and the command was not carried out. */
export type AgentCommandStatus = CommandStatus | 'state';

export interface AgentLink {
  readonly link: LinkId;
  readonly interface: string;
  readonly linkLocal: Address;
  readonly mac: Mac;
}

export interface Hello {
  readonly protocol: number;
  readonly abi: number;
  /** Another number means that the agent was started anew. */
  readonly boot: bigint;
  readonly generation: bigint;
  readonly capacities: Capacities;
  readonly coreMtu: number;
  readonly locator: Address;
  readonly pool: Prefix;
  readonly links: readonly AgentLink[];
  /** Whether packets of each station are counted. */
  readonly activity: boolean;
  readonly clampMss: boolean;
}

export interface AgentStatus {
  readonly generation: bigint;
  readonly upMillis: number;
  readonly busyMicros: number;
  readonly packets: number;
  readonly batches: number;
  readonly dropped: number;
  readonly rebuilds: number;
  readonly entries: number;
  /** Octets of linear memory. */
  readonly memory: number;
  /** What the router's kernel dropped, kept back or forwarded by itself. */
  readonly accessTunnel: number;
  readonly accessMobility: number;
  readonly sourceMac: number;
  readonly redirects: number;
  readonly nativeFlows: number;
  /** The module's, by name. */
  readonly counters: Readonly<Record<string, number>>;
}

/** A Mobility Header message that came to the agent's locator. */
export interface AgentPacket {
  readonly src: Address;
  /** Index of the interface on the router. */
  readonly ifindex: number;
  readonly side: 'core' | 'access';
  readonly hopLimit: number;
  readonly data: Uint8Array;
}

/** A frame heard on a port of an access link, or its beginning. */
export interface AgentFrame {
  readonly link: LinkId;
  readonly port: string;
  readonly data: Uint8Array;
}

export type PresenceChange =
  | { readonly what: 'port-up' | 'port-down'; readonly link: LinkId; readonly port: string }
  | {
      readonly what: 'present' | 'absent' | 'leaving';
      readonly link: LinkId;
      readonly port: string;
      readonly mac: Mac;
    };

/** When something last carried packets: a destination entry, or a pair of addresses. */
export type AgentUse =
  | { readonly prefix: Prefix; readonly idleMillis: number }
  | { readonly src: Address; readonly dst: Address; readonly idleMillis: number };

export interface AgentActivity {
  readonly mac: Mac;
  readonly sent: number;
  readonly received: number;
}

export type AgentMessage =
  | { readonly kind: 'hello'; readonly hello: Hello }
  | {
      readonly kind: 'applied';
      readonly generation: bigint;
      readonly statuses: readonly AgentCommandStatus[];
    }
  | { readonly kind: 'event'; readonly lost: bigint; readonly events: readonly DataPlaneEvent[] }
  | { readonly kind: 'packet-in'; readonly lost: bigint; readonly packet: AgentPacket }
  | { readonly kind: 'frame-in'; readonly lost: bigint; readonly frame: AgentFrame }
  | { readonly kind: 'presence'; readonly lost: bigint; readonly changes: readonly PresenceChange[] }
  | { readonly kind: 'status'; readonly number: bigint; readonly status: AgentStatus }
  /** `more`: another message goes on with the same answer. */
  | {
      readonly kind: 'usage';
      readonly number: bigint;
      readonly more: boolean;
      readonly uses: readonly AgentUse[];
    }
  | {
      readonly kind: 'activity';
      readonly number: bigint;
      readonly more: boolean;
      readonly stations: readonly AgentActivity[];
    }
  | { readonly kind: 'pong'; readonly number: bigint }
  | { readonly kind: 'fault'; readonly fault: string; readonly text: string };

function message(kind: number, flags: number, number: bigint, body: number): Uint8Array {
  const octets = new Uint8Array(HEADER_SIZE + body);
  const view = new DataView(octets.buffer);
  view.setUint32(HEADER_LENGTH_AT, body, true);
  octets[HEADER_KIND_AT] = kind;
  octets[HEADER_FLAGS_AT] = flags;
  view.setBigUint64(HEADER_NUMBER_AT, number, true);
  return octets;
}

/** The first message. `lifetime`: milliseconds that entries outlive this connection; 0 for until control is back. */
export function greeting(lifetime = 0): Uint8Array {
  const octets = message(KIND_GREETING, 0, 0n, GREETING_SIZE);
  const view = new DataView(octets.buffer);
  view.setUint32(HEADER_SIZE + GREETING_PROTOCOL_AT, CPDP_VERSION, true);
  view.setUint32(HEADER_SIZE + GREETING_ABI_AT, ABI_VERSION, true);
  view.setUint32(HEADER_SIZE + GREETING_LIFETIME_AT, lifetime, true);
  return octets;
}

/** One batch of at most `LIMIT_COMMANDS` commands; throws a RangeError for more. `flags` are apply flags. */
export function apply(generation: bigint, commands: readonly Command[], flags: number): Uint8Array {
  if (commands.length > LIMIT_COMMANDS) {
    throw new RangeError(`${commands.length} commands, more than ${LIMIT_COMMANDS}`);
  }
  const octets = message(KIND_APPLY, flags, generation, commands.length * COMMAND_SIZE);
  const writer = new CommandWriter(octets);
  commands.forEach((command, index) => writer.write(HEADER_SIZE + index * COMMAND_SIZE, command));
  return octets;
}

/**
 * A message to `dst` from the agent's locator, whose kernel fills the checksum; throws a TypeError where `dst` is no
 * address, a RangeError where the message is longer than a body.
 */
export function packetOut(dst: Address, protocol: keyof typeof PROTOCOL, data: Uint8Array): Uint8Array {
  const octets = message(KIND_PACKET_OUT, 0, 0n, bodyOf(PACKET_SIZE + data.length));
  if (!writeAddress(octets, HEADER_SIZE + PACKET_ADDRESS_AT, dst))
    throw new TypeError(`${dst} is no address`);
  octets[HEADER_SIZE + PACKET_PROTOCOL_AT] = PROTOCOL[protocol];
  octets.set(data, HEADER_SIZE + PACKET_SIZE);
  return octets;
}

/**
 * A whole frame to one port of an access link, or, without a name, to the link. Throws a RangeError where a port has a
 * longer name than interfaces have, or the frame is longer than a body.
 */
export function frameOut(link: LinkId, port: string | undefined, data: Uint8Array): Uint8Array {
  const octets = message(KIND_FRAME_OUT, 0, 0n, bodyOf(FRAME_SIZE + data.length));
  octets[HEADER_SIZE + FRAME_LINK_AT] = link;
  if (port !== undefined) writeName(octets, HEADER_SIZE + FRAME_PORT_AT, port);
  octets.set(data, HEADER_SIZE + FRAME_SIZE);
  return octets;
}

/** Of these stations only neighbour discovery and MLD reports are wanted; throws a RangeError past `ATTACHED_MAX`. */
export function attached(link: LinkId, macs: readonly Mac[]): Uint8Array {
  const octets = message(KIND_ATTACHED, 0, BigInt(link), bodyOf(macs.length * MAC_SIZE));
  macs.forEach((mac, index) => putMac(octets, HEADER_SIZE + index * MAC_SIZE, mac));
  return octets;
}

/** Answers `leaving`: what comes for the station is kept from now on. */
export function keeping(mac: Mac): Uint8Array {
  const octets = message(KIND_KEEPING, 0, 0n, MAC_SIZE);
  putMac(octets, HEADER_SIZE, mac);
  return octets;
}

export const ping = (number: bigint): Uint8Array => message(KIND_PING, 0, number, 0);
export const statusRequest = (number: bigint): Uint8Array => message(KIND_STATUS, 0, number, 0);
export const usageRequest = (number: bigint): Uint8Array => message(KIND_USAGE, 0, number, 0);
export const activityRequest = (number: bigint): Uint8Array => message(KIND_ACTIVITY, 0, number, 0);

function bodyOf(octets: number): number {
  if (octets > BODY_MAX) throw new RangeError(`a body of ${octets} octets, more than ${BODY_MAX}`);
  return octets;
}

function putMac(octets: Uint8Array, at: number, mac: Mac): void {
  if (!writeMac(octets, at, mac)) throw new TypeError(`${mac} is no MAC`);
}

/** One octet for each character, as `readName` has them: names of Linux are octets in no particular encoding. */
function writeName(octets: Uint8Array, at: number, name: string): void {
  if (name.length >= NAME_SIZE) throw new RangeError(`${name} is longer than names of interfaces are`);
  for (let index = 0; index < name.length; index++) octets[at + index] = name.charCodeAt(index);
}
