/** Messages of the control channel (bindings/cpdp/README.md) as control writes and reads them. */
import type { Address, Command, CommandStatus, DataPlaneEvent } from '../entries.ts';
import {
  ABI_VERSION,
  COMMAND_SIZE,
  COUNTER_NAMES,
  EVENT_KIND_AT,
  EVENT_NAMES,
  EVENT_SIZE,
  LIMIT_COMMANDS,
  STATUS_NAMES,
} from '../generated/abi.ts';
import {
  BODY_MAX,
  CPDP_VERSION,
  FAULT_NAMES,
  GREETING_ABI_AT,
  GREETING_PROTOCOL_AT,
  GREETING_SIZE,
  HEADER_FLAGS_AT,
  HEADER_KIND_AT,
  HEADER_LENGTH_AT,
  HEADER_NUMBER_AT,
  HEADER_SIZE,
  HELLO_ABI_AT,
  HELLO_BATCH_AT,
  HELLO_BOOT_AT,
  HELLO_DESTINATIONS_AT,
  HELLO_FLOWS_AT,
  HELLO_FLOW_ENTRIES_AT,
  HELLO_GENERATION_AT,
  HELLO_HELD_AT,
  HELLO_PEERS_AT,
  HELLO_PROTOCOL_AT,
  HELLO_SIZE,
  HELLO_SOURCES_AT,
  KIND_APPLIED,
  KIND_APPLY,
  KIND_EVENT,
  KIND_FAULT,
  KIND_GREETING,
  KIND_HELLO,
  KIND_PACKET_IN,
  KIND_PACKET_OUT,
  KIND_PING,
  KIND_PONG,
  KIND_STATUS,
  PACKET_ADDRESS_AT,
  PACKET_HOP_LIMIT_AT,
  PACKET_INTERFACE_AT,
  PACKET_PROTOCOL_AT,
  PACKET_SIZE,
  STATUS_BATCHES_AT,
  STATUS_BUSY_MICROS_AT,
  STATUS_DROPPED_AT,
  STATUS_ENTRIES_AT,
  STATUS_GENERATION_AT,
  STATUS_MEMORY_AT,
  STATUS_PACKETS_AT,
  STATUS_REBUILDS_AT,
  STATUS_SIZE,
  STATUS_UP_MILLIS_AT,
} from '../generated/cpdp.ts';
import { CommandWriter, readEvent } from './records.ts';
import { readAddress, writeAddress } from './text.ts';

const MOBILITY = 135;

/** `state`: the agent had no instance just then, and the command was not carried out. */
export type AgentCommandStatus = CommandStatus | 'state';

export interface Hello {
  readonly protocol: number;
  readonly abi: number;
  /** Another number means that the agent was started anew. */
  readonly boot: bigint;
  readonly generation: bigint;
  readonly capacities: {
    readonly batch: number;
    readonly destinations: number;
    readonly sources: number;
    readonly peers: number;
    readonly flows: number;
    readonly held: number;
    readonly flowEntries: number;
  };
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
  /** The module's, by name. */
  readonly counters: Readonly<Record<string, number>>;
}

/** A Mobility Header message that came to the agent's locator. */
export interface AgentPacket {
  readonly src: Address;
  /** Index of the interface on the router. */
  readonly ifindex: number;
  readonly hopLimit: number;
  readonly data: Uint8Array;
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
  | { readonly kind: 'status'; readonly number: bigint; readonly status: AgentStatus }
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

export function greeting(): Uint8Array {
  const octets = message(KIND_GREETING, 0, 0n, GREETING_SIZE);
  const view = new DataView(octets.buffer);
  view.setUint32(HEADER_SIZE + GREETING_PROTOCOL_AT, CPDP_VERSION, true);
  view.setUint32(HEADER_SIZE + GREETING_ABI_AT, ABI_VERSION, true);
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

/** A Mobility Header message to `dst`, checksum zero; throws a TypeError where that is no address. */
export function packetOut(dst: Address, data: Uint8Array): Uint8Array {
  const octets = message(KIND_PACKET_OUT, 0, 0n, PACKET_SIZE + data.length);
  if (!writeAddress(octets, HEADER_SIZE + PACKET_ADDRESS_AT, dst))
    throw new TypeError(`${dst} is no address`);
  octets[HEADER_SIZE + PACKET_PROTOCOL_AT] = MOBILITY;
  octets.set(data, HEADER_SIZE + PACKET_SIZE);
  return octets;
}

export const ping = (number: bigint): Uint8Array => message(KIND_PING, 0, number, 0);
export const statusRequest = (number: bigint): Uint8Array => message(KIND_STATUS, 0, number, 0);

function readHello(body: DataView): Hello {
  const word = (at: number): number => body.getUint32(at, true);
  return {
    protocol: word(HELLO_PROTOCOL_AT),
    abi: word(HELLO_ABI_AT),
    boot: body.getBigUint64(HELLO_BOOT_AT, true),
    generation: body.getBigUint64(HELLO_GENERATION_AT, true),
    capacities: {
      batch: word(HELLO_BATCH_AT),
      destinations: word(HELLO_DESTINATIONS_AT),
      sources: word(HELLO_SOURCES_AT),
      peers: word(HELLO_PEERS_AT),
      flows: word(HELLO_FLOWS_AT),
      held: word(HELLO_HELD_AT),
      flowEntries: word(HELLO_FLOW_ENTRIES_AT),
    },
  };
}

function readStatus(body: DataView): AgentStatus {
  const number = (at: number): number => Number(body.getBigUint64(at, true));
  const slots = (body.byteLength - STATUS_SIZE) >> 3;
  const known = Object.entries(COUNTER_NAMES).filter(([code]) => Number(code) < slots);
  return {
    generation: body.getBigUint64(STATUS_GENERATION_AT, true),
    upMillis: number(STATUS_UP_MILLIS_AT),
    busyMicros: number(STATUS_BUSY_MICROS_AT),
    packets: number(STATUS_PACKETS_AT),
    batches: number(STATUS_BATCHES_AT),
    dropped: number(STATUS_DROPPED_AT),
    rebuilds: number(STATUS_REBUILDS_AT),
    entries: number(STATUS_ENTRIES_AT),
    memory: number(STATUS_MEMORY_AT),
    counters: Object.fromEntries(known.map(([code, name]) => [name, number(STATUS_SIZE + 8 * Number(code))])),
  };
}

/** What a whole message says; a text where it cannot be what its kind says. */
function read(kind: number, number: bigint, octets: Uint8Array): AgentMessage | string {
  const body = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  switch (kind) {
    case KIND_HELLO:
      if (octets.length < HELLO_SIZE) return `a hello of ${octets.length} octets`;
      return { kind: 'hello', hello: readHello(body) };
    case KIND_APPLIED: {
      const names = Array.from(octets, (code) => STATUS_NAMES[code]);
      if (names.includes(undefined)) return 'an unknown command status';
      return { kind: 'applied', generation: number, statuses: names as AgentCommandStatus[] };
    }
    case KIND_EVENT: {
      if (octets.length % EVENT_SIZE !== 0) return `events in ${octets.length} octets`;
      for (let at = 0; at < octets.length; at += EVENT_SIZE) {
        const code = octets[at + EVENT_KIND_AT]!;
        if (EVENT_NAMES[code] === undefined) return `an unknown event ${code}`;
      }
      const events = Array.from({ length: octets.length / EVENT_SIZE }, (_, index) =>
        readEvent(octets, index * EVENT_SIZE),
      );
      return { kind: 'event', lost: number, events };
    }
    case KIND_PACKET_IN: {
      if (octets.length < PACKET_SIZE) return `a packet of ${octets.length} octets`;
      const packet = {
        src: readAddress(octets, PACKET_ADDRESS_AT),
        ifindex: body.getUint32(PACKET_INTERFACE_AT, true),
        hopLimit: octets[PACKET_HOP_LIMIT_AT]!,
        data: octets.slice(PACKET_SIZE),
      };
      return { kind: 'packet-in', lost: number, packet };
    }
    case KIND_STATUS:
      if (octets.length < STATUS_SIZE) return `a status of ${octets.length} octets`;
      return { kind: 'status', number, status: readStatus(body) };
    case KIND_PONG:
      return { kind: 'pong', number };
    case KIND_FAULT: {
      const fault = FAULT_NAMES[octets[0] ?? 0] ?? `fault ${octets[0]}`;
      return { kind: 'fault', fault, text: new TextDecoder().decode(octets.subarray(1)) };
    }
    default:
      return `a message of unknown kind ${kind}`;
  }
}

/** Puts messages together from the parts in which a stream brings them. */
export class AgentReader {
  #octets = new Uint8Array();

  /** All messages that `part` completes; a text where what has come is no message, after which nothing more is read. */
  take(part: Uint8Array): readonly AgentMessage[] | string {
    const octets = new Uint8Array(this.#octets.length + part.length);
    octets.set(this.#octets);
    octets.set(part, this.#octets.length);
    const view = new DataView(octets.buffer);
    const messages: AgentMessage[] = [];
    let at = 0;
    while (octets.length - at >= HEADER_SIZE) {
      const length = view.getUint32(at + HEADER_LENGTH_AT, true);
      if (length > BODY_MAX) return `a body of ${length} octets`;
      const end = at + HEADER_SIZE + length;
      if (end > octets.length) break;
      const number = view.getBigUint64(at + HEADER_NUMBER_AT, true);
      const next = read(octets[at + HEADER_KIND_AT]!, number, octets.subarray(at + HEADER_SIZE, end));
      if (typeof next === 'string') return next;
      messages.push(next);
      at = end;
    }
    this.#octets = octets.slice(at);
    return messages;
  }
}
