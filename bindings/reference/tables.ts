import { LIMIT_HOLDS, LINK_TUNNEL } from '../generated/abi.ts';
import type { Capacities, EntryDump } from '../dataplane.ts';
import type {
  Address,
  Command,
  CommandStatus,
  DeliverEntry,
  Entry,
  FlowEntry,
  HoldEntry,
  HoldKey,
  LinkId,
  TunnelEntry,
} from '../entries.ts';
import type { PrefixValue } from './address.ts';
import {
  addressOctets,
  formatAddress,
  formatPrefix,
  isLinkLocal,
  isMulticast,
  parseAddress,
  parseMac,
  parsePrefix,
} from './address.ts';
import { FlowEntryTable, canonicalFlow } from './flow-table.ts';
import { HoldPool } from './hold.ts';
import type { HoldRecord, HoldTarget } from './hold.ts';
import { PrefixTable } from './prefix-table.ts';
import type { Tunnel } from './relay.ts';

export type DestinationAction =
  | { readonly kind: 'deliver'; readonly link: LinkId; readonly nextHop: bigint; readonly mac: string }
  | ({ readonly kind: 'tunnel' } & Tunnel)
  | { readonly kind: 'rewrite' | 'restore'; readonly replacement: PrefixValue }
  | { readonly kind: 'buffer'; readonly hold: HoldRecord };

type ForwardAction = Exclude<DestinationAction, { kind: 'buffer' }>;

export interface Destination {
  readonly prefix: PrefixValue;
  readonly action: DestinationAction;
  /** Whole seconds, 0 if never. */
  lastUsed: number;
}

export interface Source {
  readonly prefix: PrefixValue;
  readonly link: LinkId;
  readonly mac: Uint8Array | undefined;
  readonly reverse: Tunnel | undefined;
  /** Whole seconds, 0 if never. */
  lastUsed: number;
}

const UINT32_MAX = 0xffff_ffff;
const LIMIT_MAX = 254;

/** All entries, and the commands that change them: "Commands" of the ABI page. */
export class Tables {
  readonly destinations = new PrefixTable<Destination>();
  readonly flows: FlowEntryTable<ForwardAction>;
  readonly peers = new Set<bigint>();
  readonly holds: HoldPool;
  readonly #sources = new Map<LinkId, PrefixTable<Source>>();
  readonly #capacities: Capacities;
  readonly #locator: bigint;
  readonly #discarded: (packets: number) => void;

  constructor(capacities: Capacities, locator: bigint, discarded: (packets: number) => void) {
    this.#capacities = capacities;
    this.#locator = locator;
    this.#discarded = discarded;
    this.flows = new FlowEntryTable(capacities.flowEntries);
    this.holds = new HoldPool(capacities.held);
  }

  source(link: LinkId, address: bigint): Source | undefined {
    return this.#sources.get(link)?.longest(address);
  }

  apply(command: Command): CommandStatus {
    if (command.op === 'put') return this.#put(command.entry);
    if (command.op === 'delete' && command.kind === 'peer') return this.#deletePeer(command.address);
    if (command.op === 'delete' && command.kind === 'flow') {
      const key = canonicalFlow(command);
      if (key === undefined) return 'invalid';
      return this.flows.delete(key) ? 'ok' : 'absent';
    }
    if (command.op !== 'delete' || command.kind === 'hold') return this.#changeHold(command);
    const prefix = unicastPrefix(command.prefix);
    if (prefix === undefined) return 'invalid';
    if (command.kind === 'destination') {
      return this.#deleteDestination(prefix);
    }
    if (!isLink(command.link)) return 'invalid';
    return this.#sources.get(command.link)?.delete(prefix) === true ? 'ok' : 'absent';
  }

  #changeHold(command: { readonly op: 'release' | 'discard' | 'delete' } & HoldKey): CommandStatus {
    const target = holdTarget(command);
    if (target === undefined) return 'invalid';
    if (command.op === 'release') {
      this.holds.release(target);
      return 'ok';
    }
    const discarded = command.op === 'discard' ? this.holds.discard(target) : this.holds.deleteEntry(target);
    if (discarded === undefined) return 'absent';
    this.#discarded(discarded);
    return 'ok';
  }

  #putHold(entry: HoldEntry): CommandStatus {
    const { packets, millis } = entry;
    const target = holdTarget(entry);
    if (target === undefined || !isCount(packets) || !isCount(millis)) return 'invalid';
    const known = this.holds.get(target);
    if (known !== undefined) {
      Object.assign(known, { packets, millis });
      return 'ok';
    }
    if (this.#holdEntries() >= LIMIT_HOLDS) return 'full';
    this.holds.add({ target, packets, bytes: Infinity, millis });
    return 'ok';
  }

  #put(entry: Entry): CommandStatus {
    if (entry.kind === 'peer') return this.#putPeer(entry.address);
    if (entry.kind === 'flow') return this.#putFlow(entry);
    if (entry.kind === 'hold') return this.#putHold(entry);
    const prefix = unicastPrefix(entry.prefix);
    if (prefix === undefined) return 'invalid';
    switch (entry.kind) {
      case 'deliver':
      case 'tunnel': {
        const action = this.#forwardAction(entry);
        return action === undefined ? 'invalid' : this.#putDestination(prefix, action);
      }
      case 'rewrite': {
        const replacement = parsePrefix(entry.locator);
        if (replacement === undefined || !isRewriting(prefix, replacement)) return 'invalid';
        if (this.#tunnelEnd(formatAddress(replacement.address)) === undefined) return 'invalid';
        const kind = entry.restore === true ? 'restore' : 'rewrite';
        return this.#putDestination(prefix, { kind, replacement });
      }
      case 'buffer':
        return this.#putBuffer(prefix, entry);
      case 'source':
        return this.#putSource(prefix, entry);
    }
  }

  #forwardAction(
    entry: Omit<DeliverEntry, 'prefix'> | Omit<TunnelEntry, 'prefix'>,
  ): ForwardAction | undefined {
    if (entry.kind === 'tunnel') {
      const tunnel = this.#tunnel(entry.locator, entry.limit);
      return tunnel === undefined ? undefined : { kind: 'tunnel', ...tunnel };
    }
    const nextHop = parseAddress(entry.nextHop);
    if (nextHop === undefined || nextHop === 0n || isMulticast(nextHop)) return undefined;
    const mac = parseMac(entry.mac);
    if (mac === undefined || isZero(mac) || isGroup(mac)) return undefined;
    if (!isLink(entry.link) || entry.link === LINK_TUNNEL) return undefined;
    return { kind: 'deliver', link: entry.link, nextHop, mac: entry.mac.toLowerCase() };
  }

  #putFlow(entry: FlowEntry): CommandStatus {
    const key = canonicalFlow(entry);
    const action = this.#forwardAction(entry.action);
    if (key === undefined || action === undefined) return 'invalid';
    return this.flows.put(key, action) ? 'ok' : 'full';
  }

  #putDestination(prefix: PrefixValue, action: DestinationAction): CommandStatus {
    const known = this.destinations.get(prefix);
    if (known === undefined && this.destinations.size >= this.#capacities.destinations) return 'full';
    if (known?.action.kind === 'buffer' && action.kind !== 'buffer') {
      this.holds.releaseEntry(known.action.hold);
    }
    this.destinations.set(prefix, { prefix, action, lastUsed: known?.lastUsed ?? 0 });
    return 'ok';
  }

  #putBuffer(prefix: PrefixValue, entry: Extract<Entry, { kind: 'buffer' }>): CommandStatus {
    const { packets, bytes, millis } = entry;
    if (![packets, bytes, millis].every(isCount)) return 'invalid';
    const known = this.destinations.get(prefix)?.action;
    if (known?.kind === 'buffer') {
      Object.assign(known.hold, { packets, bytes, millis });
      return 'ok';
    }
    if (this.#holdEntries() >= LIMIT_HOLDS) return 'full';
    const hold: HoldRecord = { target: { direction: 'to', prefix }, packets, bytes, millis };
    return this.#putDestination(prefix, { kind: 'buffer', hold });
  }

  #deleteDestination(prefix: PrefixValue): CommandStatus {
    const known = this.destinations.get(prefix);
    if (known === undefined) return 'absent';
    if (known.action.kind === 'buffer') this.#discarded(this.holds.discardEntry(known.action.hold));
    this.destinations.delete(prefix);
    return 'ok';
  }

  /** Hold and buffer entries. */
  #holdEntries(): number {
    const buffers = [...this.destinations.values()].filter(({ action }) => action.kind === 'buffer');
    return this.holds.size + buffers.length;
  }

  #putSource(prefix: PrefixValue, entry: Extract<Entry, { kind: 'source' }>): CommandStatus {
    if (!isLink(entry.link)) return 'invalid';
    const reverse = entry.reverse === undefined ? undefined : this.#tunnel(entry.reverse, entry.limit);
    if (entry.reverse !== undefined && reverse === undefined) return 'invalid';
    const mac = entry.mac === undefined ? new Uint8Array(6) : parseMac(entry.mac);
    if (mac === undefined || isGroup(mac)) return 'invalid';

    const onLink = this.#sources.get(entry.link) ?? new PrefixTable<Source>();
    const known = onLink.get(prefix);
    const total = [...this.#sources.values()].reduce((sum, table) => sum + table.size, 0);
    if (known === undefined && total >= this.#capacities.sources) return 'full';
    this.#sources.set(entry.link, onLink);
    onLink.set(prefix, {
      prefix,
      link: entry.link,
      mac: isZero(mac) ? undefined : mac,
      reverse,
      lastUsed: known?.lastUsed ?? 0,
    });
    return 'ok';
  }

  #putPeer(text: Address): CommandStatus {
    const address = this.#tunnelEnd(text);
    if (address === undefined) return 'invalid';
    if (!this.peers.has(address) && this.peers.size >= this.#capacities.peers) return 'full';
    this.peers.add(address);
    return 'ok';
  }

  #deletePeer(text: Address): CommandStatus {
    const address = parseAddress(text);
    if (address === undefined) return 'invalid';
    return this.peers.delete(address) ? 'ok' : 'absent';
  }

  #tunnelEnd(text: Address): bigint | undefined {
    const address = parseAddress(text);
    return address !== undefined && isTunnelEnd(address) && address !== this.#locator ? address : undefined;
  }

  #tunnel(locator: Address, limit: number | undefined): Tunnel | undefined {
    const peer = this.#tunnelEnd(locator);
    const possible = limit === undefined || (Number.isInteger(limit) && limit >= 0 && limit <= LIMIT_MAX);
    return peer !== undefined && possible ? { peer, limit } : undefined;
  }

  /** The tunnels that entries name, some more than once. */
  tunnels(): Tunnel[] {
    const forward = [...this.destinations.values(), ...this.flows.entries()].flatMap(({ action }) =>
      action.kind === 'tunnel' ? [action] : [],
    );
    const reverse = [...this.#sources.values()].flatMap((table) =>
      [...table.values()].flatMap((source) => source.reverse ?? []),
    );
    return [...forward, ...reverse];
  }

  dump(): EntryDump {
    return {
      destinations: [...this.destinations.values()].map(({ prefix, action, lastUsed }) => ({
        prefix: formatPrefix(prefix),
        action: action.kind,
        lastUsed: lastUsed * 1000,
      })),
      sources: [...this.#sources.values()].flatMap((table) =>
        [...table.values()].map(({ prefix, link, lastUsed }) => ({
          prefix: formatPrefix(prefix),
          link,
          lastUsed: lastUsed * 1000,
        })),
      ),
      peers: [...this.peers].map(formatAddress),
      flowEntries: this.flows.entries().map(({ key, action, lastUsed }) => ({
        ...key,
        action: action.kind,
        lastUsed: lastUsed * 1000,
      })),
    };
  }
}

/** An address that may stand at an end of a tunnel. */
export function isTunnelEnd(address: bigint): boolean {
  return address !== 0n && address !== 1n && !isMulticast(address) && !isLinkLocal(address);
}

function unicastPrefix(text: string): PrefixValue | undefined {
  const prefix = parsePrefix(text);
  if (prefix === undefined || (prefix.length >= 8 && isMulticast(prefix.address))) return undefined;
  return prefix;
}

function holdTarget(key: HoldKey): HoldTarget | undefined {
  if (key.direction !== 'station') {
    const prefix = unicastPrefix(key.prefix);
    return prefix && { direction: key.direction, prefix };
  }
  const mac = parseMac(key.mac);
  if (!isLink(key.link) || key.link === LINK_TUNNEL || mac === undefined) return undefined;
  if (isZero(mac) || isGroup(mac)) return undefined;
  return { direction: 'station', link: key.link, mac: key.mac.toLowerCase() };
}

/** Prefixes of one length that change no checksum in each other's place (RFC 6296 section 2.6). */
function isRewriting(one: PrefixValue, other: PrefixValue): boolean {
  const sum = ({ address }: PrefixValue): number => {
    const view = new DataView(addressOctets(address).buffer);
    return [0, 2, 4, 6, 8, 10, 12, 14].reduce((total, at) => (total + view.getUint16(at)) % 0xffff, 0);
  };
  return one.length >= 16 && one.length === other.length && sum(one) === sum(other);
}

function isLink(link: number): boolean {
  return Number.isInteger(link) && link >= 0 && link <= LINK_TUNNEL;
}

function isCount(value: number): boolean {
  return Number.isInteger(value) && value >= 1 && value <= UINT32_MAX;
}

function isZero(mac: Uint8Array): boolean {
  return mac.every((octet) => octet === 0);
}

function isGroup(mac: Uint8Array): boolean {
  return ((mac[0] ?? 0) & 1) === 1;
}
