/** Reads what an agent sends on the control channel (bindings/cpdp/README.md), however hostile. */
import { COUNTER_NAMES, EVENT_KIND_AT, EVENT_NAMES, EVENT_SIZE, STATUS_NAMES } from '../generated/abi.ts';
import {
  ACTIVITY_MAC_AT,
  ACTIVITY_RECEIVED_AT,
  ACTIVITY_SENT_AT,
  ACTIVITY_SIZE,
  ANSWER_FLAG_MORE,
  BODY_MAX,
  FAULT_NAMES,
  FRAME_LINK_AT,
  FRAME_PORT_AT,
  FRAME_SIZE,
  HEADER_FLAGS_AT,
  HEADER_KIND_AT,
  HEADER_LENGTH_AT,
  HEADER_NUMBER_AT,
  HEADER_SIZE,
  HELLO_ABI_AT,
  HELLO_BATCH_AT,
  HELLO_BOOT_AT,
  HELLO_CORE_MTU_AT,
  HELLO_DESTINATIONS_AT,
  HELLO_FLAG_ACTIVITY,
  HELLO_FLAG_CLAMP_MSS,
  HELLO_FLAGS_AT,
  HELLO_FLOWS_AT,
  HELLO_FLOW_ENTRIES_AT,
  HELLO_GENERATION_AT,
  HELLO_HELD_AT,
  HELLO_LINKS_AT,
  HELLO_LOCATOR_AT,
  HELLO_PEERS_AT,
  HELLO_POOL_AT,
  HELLO_POOL_LENGTH_AT,
  HELLO_PROTOCOL_AT,
  HELLO_SIZE,
  HELLO_SOURCES_AT,
  KIND_ACTIVITY,
  KIND_APPLIED,
  KIND_EVENT,
  KIND_FAULT,
  KIND_FRAME_IN,
  KIND_HELLO,
  KIND_PACKET_IN,
  KIND_PONG,
  KIND_PRESENCE,
  KIND_STATUS,
  KIND_USAGE,
  LINK_INTERFACE_AT,
  LINK_LINK_AT,
  LINK_LINK_LOCAL_AT,
  LINK_MAC_AT,
  LINK_SIZE,
  PACKET_ADDRESS_AT,
  PACKET_HOP_LIMIT_AT,
  PACKET_INTERFACE_AT,
  PACKET_PROTOCOL_AT,
  PACKET_SIDE_AT,
  PACKET_SIZE,
  PRESENCE_LINK_AT,
  PRESENCE_MAC_AT,
  PRESENCE_NAMES,
  PRESENCE_PORT_AT,
  PRESENCE_SIZE,
  PRESENCE_WHAT_AT,
  SIDE_NAMES,
  STATUS_ACCESS_MOBILITY_AT,
  STATUS_ACCESS_TUNNEL_AT,
  STATUS_BATCHES_AT,
  STATUS_BUSY_MICROS_AT,
  STATUS_DROPPED_AT,
  STATUS_ENTRIES_AT,
  STATUS_GENERATION_AT,
  STATUS_MEMORY_AT,
  STATUS_NATIVE_FLOWS_AT,
  STATUS_PACKETS_AT,
  STATUS_REBUILDS_AT,
  STATUS_REDIRECTS_AT,
  STATUS_SIZE,
  STATUS_SOURCE_MAC_AT,
  STATUS_UP_MILLIS_AT,
  USE_DESTINATION_AT,
  USE_IDLE_MILLIS_AT,
  USE_LENGTH_AT,
  USE_SIZE,
  USE_SOURCE_AT,
} from '../generated/cpdp.ts';
import { NAME_SIZE, PROTOCOL } from './cpdp.ts';
import type {
  AgentActivity,
  AgentCommandStatus,
  AgentMessage,
  AgentPacket,
  AgentStatus,
  AgentUse,
  Hello,
  PresenceChange,
} from './cpdp.ts';
import { readEvent } from './records.ts';
import { readAddress, readMac, readPrefix } from './text.ts';

/** Longest prefix, and what stands for it where a record is about a pair of addresses. */
const LENGTH = { max: 128, pair: 255 } as const;

/** A body as octets and as numbers of it. */
interface Body {
  readonly octets: Uint8Array;
  readonly word: (at: number) => number;
  readonly long: (at: number) => number;
  readonly exact: (at: number) => bigint;
}

function bodyOf(octets: Uint8Array): Body {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  return {
    octets,
    word: (at) => view.getUint32(at, true),
    long: (at) => Number(view.getBigUint64(at, true)),
    exact: (at) => view.getBigUint64(at, true),
  };
}

/** A name that ends before its first zero octet, one character for each octet. */
function readName(octets: Uint8Array, at: number): string {
  const name = octets.subarray(at, at + NAME_SIZE);
  const end = name.indexOf(0);
  return String.fromCharCode(...(end < 0 ? name : name.subarray(0, end)));
}

function readHello({ octets, word, exact }: Body): Hello | string {
  const links = octets[HELLO_LINKS_AT] ?? 0;
  if (octets.length !== HELLO_SIZE + links * LINK_SIZE) {
    return `a hello of ${octets.length} octets with ${links} links`;
  }
  const poolLength = octets[HELLO_POOL_LENGTH_AT]!;
  if (poolLength > LENGTH.max) return `a hello with a pool of length ${poolLength}`;
  const flags = octets[HELLO_FLAGS_AT]!;
  return {
    protocol: word(HELLO_PROTOCOL_AT),
    abi: word(HELLO_ABI_AT),
    boot: exact(HELLO_BOOT_AT),
    generation: exact(HELLO_GENERATION_AT),
    capacities: {
      batch: word(HELLO_BATCH_AT),
      destinations: word(HELLO_DESTINATIONS_AT),
      sources: word(HELLO_SOURCES_AT),
      peers: word(HELLO_PEERS_AT),
      flows: word(HELLO_FLOWS_AT),
      held: word(HELLO_HELD_AT),
      flowEntries: word(HELLO_FLOW_ENTRIES_AT),
    },
    coreMtu: word(HELLO_CORE_MTU_AT),
    locator: readAddress(octets, HELLO_LOCATOR_AT),
    pool: readPrefix(octets, HELLO_POOL_AT, poolLength),
    links: Array.from({ length: links }, (_, index) => {
      const at = HELLO_SIZE + index * LINK_SIZE;
      return {
        link: octets[at + LINK_LINK_AT]!,
        interface: readName(octets, at + LINK_INTERFACE_AT),
        linkLocal: readAddress(octets, at + LINK_LINK_LOCAL_AT),
        mac: readMac(octets, at + LINK_MAC_AT),
      };
    }),
    activity: (flags & HELLO_FLAG_ACTIVITY) !== 0,
    clampMss: (flags & HELLO_FLAG_CLAMP_MSS) !== 0,
  };
}

function readStatus({ octets, long, exact }: Body): AgentStatus {
  const slots = (octets.length - STATUS_SIZE) >> 3;
  const known = Object.entries(COUNTER_NAMES).filter(([code]) => Number(code) < slots);
  return {
    generation: exact(STATUS_GENERATION_AT),
    upMillis: long(STATUS_UP_MILLIS_AT),
    busyMicros: long(STATUS_BUSY_MICROS_AT),
    packets: long(STATUS_PACKETS_AT),
    batches: long(STATUS_BATCHES_AT),
    dropped: long(STATUS_DROPPED_AT),
    rebuilds: long(STATUS_REBUILDS_AT),
    entries: long(STATUS_ENTRIES_AT),
    memory: long(STATUS_MEMORY_AT),
    accessTunnel: long(STATUS_ACCESS_TUNNEL_AT),
    accessMobility: long(STATUS_ACCESS_MOBILITY_AT),
    sourceMac: long(STATUS_SOURCE_MAC_AT),
    redirects: long(STATUS_REDIRECTS_AT),
    nativeFlows: long(STATUS_NATIVE_FLOWS_AT),
    counters: Object.fromEntries(known.map(([code, name]) => [name, long(STATUS_SIZE + 8 * Number(code))])),
  };
}

function readPacket({ octets, word }: Body): AgentPacket | string {
  const protocol = octets[PACKET_PROTOCOL_AT]!;
  if (protocol !== PROTOCOL.mobility) return `a packet of protocol ${protocol}`;
  const code = octets[PACKET_SIDE_AT]!;
  const side = SIDE_NAMES[code];
  if (side !== 'core' && side !== 'access') return `a packet from an unknown side ${code}`;
  return {
    src: readAddress(octets, PACKET_ADDRESS_AT),
    ifindex: word(PACKET_INTERFACE_AT),
    side,
    hopLimit: octets[PACKET_HOP_LIMIT_AT]!,
    data: octets.slice(PACKET_SIZE),
  };
}

function readPresence({ octets }: Body, at: number): PresenceChange | string {
  const code = octets[at + PRESENCE_WHAT_AT]!;
  const what = PRESENCE_NAMES[code] as PresenceChange['what'] | undefined;
  const link = octets[at + PRESENCE_LINK_AT]!;
  const port = readName(octets, at + PRESENCE_PORT_AT);
  if (what === undefined) return `an unknown presence ${code}`;
  const change: PresenceChange =
    what === 'port-up' || what === 'port-down'
      ? { what, link, port }
      : { what, link, port, mac: readMac(octets, at + PRESENCE_MAC_AT) };
  return change;
}

function readUse({ octets, long }: Body, at: number): AgentUse | string {
  const length = octets[at + USE_LENGTH_AT]!;
  const idleMillis = long(at + USE_IDLE_MILLIS_AT);
  if (length === LENGTH.pair) {
    const src = readAddress(octets, at + USE_SOURCE_AT);
    return { src, dst: readAddress(octets, at + USE_DESTINATION_AT), idleMillis };
  }
  if (length > LENGTH.max) return `use of a prefix of length ${length}`;
  return { prefix: readPrefix(octets, at + USE_DESTINATION_AT, length), idleMillis };
}

function readActivity({ octets, long }: Body, at: number): AgentActivity {
  return {
    mac: readMac(octets, at + ACTIVITY_MAC_AT),
    sent: long(at + ACTIVITY_SENT_AT),
    received: long(at + ACTIVITY_RECEIVED_AT),
  };
}

/** Every record of a body, or what is wrong with the first that is none. */
function records<T extends object>(
  what: string,
  body: Body,
  size: number,
  one: (body: Body, at: number) => T | string,
): T[] | string {
  if (body.octets.length % size !== 0) return `${what} in ${body.octets.length} octets`;
  const all: T[] = [];
  for (let at = 0; at < body.octets.length; at += size) {
    const record = one(body, at);
    if (typeof record === 'string') return record;
    all.push(record);
  }
  return all;
}

/** What a whole message says; a text where it cannot be what its kind says. */
function read(kind: number, flags: number, number: bigint, body: Body): AgentMessage | string {
  const { octets } = body;
  const more = (flags & ANSWER_FLAG_MORE) !== 0;
  switch (kind) {
    case KIND_HELLO: {
      if (octets.length < HELLO_SIZE) return `a hello of ${octets.length} octets`;
      const hello = readHello(body);
      return typeof hello === 'string' ? hello : { kind: 'hello', hello };
    }
    case KIND_APPLIED: {
      const names = Array.from(octets, (code) => STATUS_NAMES[code]);
      if (names.includes(undefined)) return 'an unknown command status';
      return { kind: 'applied', generation: number, statuses: names as AgentCommandStatus[] };
    }
    case KIND_EVENT: {
      const events = records('events', body, EVENT_SIZE, (_, at) => {
        const code = octets[at + EVENT_KIND_AT]!;
        return EVENT_NAMES[code] === undefined ? `an unknown event ${code}` : readEvent(octets, at);
      });
      return typeof events === 'string' ? events : { kind: 'event', lost: number, events };
    }
    case KIND_PACKET_IN: {
      if (octets.length < PACKET_SIZE) return `a packet of ${octets.length} octets`;
      const packet = readPacket(body);
      return typeof packet === 'string' ? packet : { kind: 'packet-in', lost: number, packet };
    }
    case KIND_FRAME_IN: {
      if (octets.length < FRAME_SIZE) return `a frame of ${octets.length} octets`;
      const frame = {
        link: octets[FRAME_LINK_AT]!,
        port: readName(octets, FRAME_PORT_AT),
        data: octets.slice(FRAME_SIZE),
      };
      return { kind: 'frame-in', lost: number, frame };
    }
    case KIND_PRESENCE: {
      const changes = records('presence', body, PRESENCE_SIZE, readPresence);
      return typeof changes === 'string' ? changes : { kind: 'presence', lost: number, changes };
    }
    case KIND_STATUS:
      if (octets.length < STATUS_SIZE) return `a status of ${octets.length} octets`;
      return { kind: 'status', number, status: readStatus(body) };
    case KIND_USAGE: {
      const uses = records('use', body, USE_SIZE, readUse);
      return typeof uses === 'string' ? uses : { kind: 'usage', number, more, uses };
    }
    case KIND_ACTIVITY: {
      const stations = records('activity', body, ACTIVITY_SIZE, readActivity);
      return typeof stations === 'string' ? stations : { kind: 'activity', number, more, stations };
    }
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
      const body = bodyOf(octets.subarray(at + HEADER_SIZE, end));
      const next = read(octets[at + HEADER_KIND_AT]!, octets[at + HEADER_FLAGS_AT]!, number, body);
      if (typeof next === 'string') return next;
      messages.push(next);
      at = end;
    }
    this.#octets = octets.slice(at);
    return messages;
  }
}
