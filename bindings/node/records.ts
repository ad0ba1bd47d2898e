/** Commands into and events out of the records of the ABI. */
import type {
  Command,
  DataPlaneEvent,
  DeliverEntry,
  Entry,
  FlowKey,
  HoldKey,
  TunnelEntry,
} from '../entries.ts';
import {
  COMMAND_ADDRESS_AT,
  COMMAND_BYTES_AT,
  COMMAND_DELETE_DESTINATION,
  COMMAND_DELETE_HOLD,
  COMMAND_DELETE_PEER,
  COMMAND_DELETE_SOURCE,
  COMMAND_DESTINATION_PORT_AT,
  COMMAND_DIRECTION_AT,
  COMMAND_DISCARD,
  COMMAND_ENCAPSULATION_LIMIT_AT,
  COMMAND_FLAGS_AT,
  COMMAND_FLAG_FLOW,
  COMMAND_FLAG_LIMIT,
  COMMAND_FLAG_RESTORE,
  COMMAND_FLAG_REVERSE,
  COMMAND_LENGTH_AT,
  COMMAND_LINK_AT,
  COMMAND_MAC_AT,
  COMMAND_MILLIS_AT,
  COMMAND_OP_AT,
  COMMAND_PACKETS_AT,
  COMMAND_PREFIX_AT,
  COMMAND_PROTOCOL_AT,
  COMMAND_PUT_BUFFER,
  COMMAND_PUT_DELIVER,
  COMMAND_PUT_HOLD,
  COMMAND_PUT_PEER,
  COMMAND_PUT_REWRITE,
  COMMAND_PUT_SOURCE,
  COMMAND_PUT_TUNNEL,
  COMMAND_RELEASE,
  COMMAND_SIZE,
  COMMAND_SOURCE_AT,
  COMMAND_SOURCE_PORT_AT,
  DIRECTION_FROM,
  DIRECTION_STATION,
  DIRECTION_TO,
  EVENT_DIRECTION_AT,
  EVENT_DST_AT,
  EVENT_FLAGS_AT,
  EVENT_FLAG_MAC,
  EVENT_FLOW,
  EVENT_HOLD_DROP,
  EVENT_KIND_AT,
  EVENT_LENGTH_AT,
  EVENT_LINK_AT,
  EVENT_MAC_AT,
  EVENT_PEER_AT,
  EVENT_REDIRECT,
  EVENT_SRC_AT,
  EVENT_UNKNOWN_DESTINATION,
  EVENT_UNKNOWN_SOURCE,
} from '../generated/abi.ts';
import { readAddress, readMac, readPrefix, writeAddress, writeMac, writePrefix } from './text.ts';

/** Writes into one command record after the other; each call of `write` clears the record first. */
export class CommandWriter {
  readonly #octets: Uint8Array;
  readonly #view: DataView;
  #at = 0;

  constructor(octets: Uint8Array) {
    this.#octets = octets;
    this.#view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  }

  /**
   * Writes the command at `at`. Where a field is not what its type says (text that is no address, a number that
   * does not fit) the record keeps operation 0, which the module answers with `invalid`.
   */
  write(at: number, command: Command): void {
    this.#octets.fill(0, at, at + COMMAND_SIZE);
    this.#at = at;
    const op = this.#command(command);
    this.#octets[at + COMMAND_OP_AT] = op ?? 0;
  }

  #command(command: Command): number | undefined {
    if (command.op === 'put') return this.#entry(command.entry);
    if (command.op !== 'delete') {
      const op = command.op === 'release' ? COMMAND_RELEASE : COMMAND_DISCARD;
      return this.#hold(command) ? op : undefined;
    }
    switch (command.kind) {
      case 'destination':
        return this.#prefix(command.prefix) ? COMMAND_DELETE_DESTINATION : undefined;
      case 'flow':
        return this.#flow(command) ? COMMAND_DELETE_DESTINATION : undefined;
      case 'source':
        return this.#prefix(command.prefix) && this.#link(command.link) ? COMMAND_DELETE_SOURCE : undefined;
      case 'peer':
        return this.#address(COMMAND_PREFIX_AT, command.address) ? COMMAND_DELETE_PEER : undefined;
      case 'hold':
        return this.#hold(command) ? COMMAND_DELETE_HOLD : undefined;
    }
  }

  #entry(entry: Entry): number | undefined {
    if (entry.kind === 'peer') {
      return this.#address(COMMAND_PREFIX_AT, entry.address) ? COMMAND_PUT_PEER : undefined;
    }
    if (entry.kind === 'flow') return this.#flow(entry) ? this.#action(entry.action) : undefined;
    if (entry.kind === 'hold') {
      return this.#hold(entry) &&
        this.#number(COMMAND_PACKETS_AT, entry.packets) &&
        this.#number(COMMAND_MILLIS_AT, entry.millis)
        ? COMMAND_PUT_HOLD
        : undefined;
    }
    if (!this.#prefix(entry.prefix)) return undefined;
    switch (entry.kind) {
      case 'deliver':
      case 'tunnel':
        return this.#action(entry);
      case 'rewrite':
        if (entry.restore === true) this.#octets[this.#at + COMMAND_FLAGS_AT] = COMMAND_FLAG_RESTORE;
        return writePrefix(this.#octets, this.#at + COMMAND_ADDRESS_AT, entry.locator) ===
          this.#octets[this.#at + COMMAND_LENGTH_AT]
          ? COMMAND_PUT_REWRITE
          : undefined;
      case 'source': {
        if (!this.#link(entry.link)) return undefined;
        if (entry.mac !== undefined && !this.#mac(entry.mac)) return undefined;
        if (entry.reverse === undefined) return COMMAND_PUT_SOURCE;
        if (!this.#limit(entry.limit)) return undefined;
        this.#octets[this.#at + COMMAND_FLAGS_AT]! |= COMMAND_FLAG_REVERSE;
        return this.#address(COMMAND_ADDRESS_AT, entry.reverse) ? COMMAND_PUT_SOURCE : undefined;
      }
      case 'buffer':
        return this.#number(COMMAND_PACKETS_AT, entry.packets) &&
          this.#number(COMMAND_BYTES_AT, entry.bytes) &&
          this.#number(COMMAND_MILLIS_AT, entry.millis)
          ? COMMAND_PUT_BUFFER
          : undefined;
    }
  }

  #action(action: Omit<DeliverEntry, 'prefix'> | Omit<TunnelEntry, 'prefix'>): number | undefined {
    if (action.kind === 'tunnel') {
      const written = this.#limit(action.limit) && this.#address(COMMAND_ADDRESS_AT, action.locator);
      return written ? COMMAND_PUT_TUNNEL : undefined;
    }
    const written =
      this.#link(action.link) && this.#mac(action.mac) && this.#address(COMMAND_ADDRESS_AT, action.nextHop);
    return written ? COMMAND_PUT_DELIVER : undefined;
  }

  #limit(limit: number | undefined): boolean {
    if (limit === undefined) return true;
    this.#octets[this.#at + COMMAND_FLAGS_AT]! |= COMMAND_FLAG_LIMIT;
    this.#octets[this.#at + COMMAND_ENCAPSULATION_LIMIT_AT] = limit;
    return this.#octets[this.#at + COMMAND_ENCAPSULATION_LIMIT_AT] === limit;
  }

  #flow(flow: FlowKey): boolean {
    this.#octets[this.#at + COMMAND_FLAGS_AT] = COMMAND_FLAG_FLOW;
    this.#octets[this.#at + COMMAND_PROTOCOL_AT] = flow.protocol;
    return (
      this.#octets[this.#at + COMMAND_PROTOCOL_AT] === flow.protocol &&
      this.#port(COMMAND_SOURCE_PORT_AT, flow.sourcePort) &&
      this.#port(COMMAND_DESTINATION_PORT_AT, flow.destinationPort) &&
      this.#address(COMMAND_SOURCE_AT, flow.src) &&
      this.#address(COMMAND_PREFIX_AT, flow.dst)
    );
  }

  #port(field: number, value: number): boolean {
    this.#view.setUint16(this.#at + field, value, true);
    return this.#view.getUint16(this.#at + field, true) === value;
  }

  #prefix(text: string): boolean {
    const length = writePrefix(this.#octets, this.#at + COMMAND_PREFIX_AT, text);
    if (length === undefined) return false;
    this.#octets[this.#at + COMMAND_LENGTH_AT] = length;
    return true;
  }

  #address(field: number, text: string): boolean {
    return writeAddress(this.#octets, this.#at + field, text);
  }

  #mac(text: string): boolean {
    return writeMac(this.#octets, this.#at + COMMAND_MAC_AT, text);
  }

  #link(link: number): boolean {
    this.#octets[this.#at + COMMAND_LINK_AT] = link;
    return this.#octets[this.#at + COMMAND_LINK_AT] === link;
  }

  #hold(key: HoldKey): boolean {
    if (key.direction === 'station') {
      this.#octets[this.#at + COMMAND_DIRECTION_AT] = DIRECTION_STATION;
      return this.#link(key.link) && this.#mac(key.mac);
    }
    this.#octets[this.#at + COMMAND_DIRECTION_AT] = key.direction === 'from' ? DIRECTION_FROM : DIRECTION_TO;
    return this.#prefix(key.prefix);
  }

  #number(field: number, value: number): boolean {
    this.#view.setUint32(this.#at + field, value, true);
    return this.#view.getUint32(this.#at + field, true) === value;
  }
}

/** The event whose record stands at `at`. */
export function readEvent(octets: Uint8Array, at: number): DataPlaneEvent {
  const kind = octets[at + EVENT_KIND_AT];
  const src = (): string => readAddress(octets, at + EVENT_SRC_AT);
  const dst = (): string => readAddress(octets, at + EVENT_DST_AT);
  const peer = (): string => readAddress(octets, at + EVENT_PEER_AT);
  switch (kind) {
    case EVENT_FLOW:
      return { kind: 'flow', src: src(), dst: dst() };
    case EVENT_UNKNOWN_SOURCE: {
      const event = { kind: 'unknown-source', src: src(), link: octets[at + EVENT_LINK_AT]! } as const;
      const hasMac = (octets[at + EVENT_FLAGS_AT]! & EVENT_FLAG_MAC) !== 0;
      return hasMac ? { ...event, mac: readMac(octets, at + EVENT_MAC_AT) } : event;
    }
    case EVENT_REDIRECT:
      return { kind: 'redirect', peer: peer(), src: src(), dst: dst() };
    case EVENT_UNKNOWN_DESTINATION:
      return { kind: 'unknown-destination', peer: peer(), src: src(), dst: dst() };
    case EVENT_HOLD_DROP:
      return {
        kind: 'hold-drop',
        ...readHold(
          octets,
          at + EVENT_SRC_AT,
          octets[at + EVENT_LENGTH_AT]!,
          octets[at + EVENT_DIRECTION_AT]!,
        ),
      };
    default:
      throw new Error(`data plane: unknown event ${kind}`);
  }
}

function readHold(octets: Uint8Array, at: number, length: number, direction: number): HoldKey {
  if (direction === DIRECTION_STATION) {
    return { direction: 'station', link: octets[at]!, mac: readMac(octets, at + 1) };
  }
  return { direction: direction === DIRECTION_FROM ? 'from' : 'to', prefix: readPrefix(octets, at, length) };
}
