import type { Address, LinkId, Mac, Prefix } from '../../../bindings/entries.ts';
import { contains, linkLocalOf, prefixOf, withoutLength } from '../../wire/address.ts';
import { MN_PREFIX_LENGTH } from '../haa/network.ts';

/** A home address of an MN: the /64 that some MAAR (its anchor) assigned, and the addresses of it that were heard. */
export interface Home {
  readonly prefix: Prefix;
  readonly anchor: Address;
  /** As /128. */
  readonly addresses: Set<Prefix>;
  /** When the prefix ends for the MN: the longest valid lifetime that it was ever given. */
  validUntil: number;
  /** What its anchor gives at each renewal, as far as is known: never more than the anchor keeps it reserved for. */
  spanSeconds: number;
  /** Whether a session ever used it: only then is it worth following the MN with. */
  used: boolean;
  /** When packets to or from it were last known of. */
  lastUsed: number;
}

/** A home that nobody was given a lifetime of yet. */
export function newHome(prefix: Prefix, anchor: Address, now: number): Home {
  return { prefix, anchor, addresses: new Set(), validUntil: 0, spanSeconds: 0, used: false, lastUsed: now };
}

/** Whether a session may live on it: at `now` it had carried something within the time that its anchor leases it for. */
export function isInUse(home: Home, now: number): boolean {
  return now - home.lastUsed < home.spanSeconds * 1000;
}

/** A correspondent that an MN of ours has a session with, from any of its home addresses. */
export interface Session {
  /** CN's HoA, a /128 (or the /64 a peer named before the address was heard). */
  readonly cn: Prefix;
  /** Home prefixes of the MN that talk to it. */
  readonly homes: Set<Prefix>;
  /** CN's MAAR. */
  maar: Address;
  /** Registration counter of the CN at the time of `maar`; news with a lower one is old. */
  counter: number;
  lastUsed: number;
}

/** Addresses noted of one home; delivery is by prefix, so that the others work too. */
const MAX_ADDRESSES = 16;

export type NodeState = 'authorising' | 'attached' | 'refused';

/** One registered mobile node on an access link of ours. */
export interface MobileNode {
  readonly mnId: string;
  readonly mac: Mac;
  link: LinkId;
  port: string;
  /** Guessed from the MAC (EUI-64) until it is heard. */
  linkLocal: Address;
  linkLocalHeard: boolean;
  /** False once the link layer has said that the station is gone. */
  linkUp: boolean;
  /** True from the link layer's word that it is about to leave until it has left, or has not. */
  leaving: boolean;
  /** True while it leaves what is sent to it, and a probe, without an answer. */
  silent: boolean;
  state: NodeState;
  counter: number;
  readonly attachedAt: number;
  lastHeard: number;
  /** Advertisements sent while no address of the local prefix had been heard. */
  initialRas: number;
  /** What this MAAR assigned, from the first network that is for the MN and has anything left. */
  local: Home | undefined;
  /** What it assigned from other networks. */
  further: Home[];
  /** Homes anchored elsewhere, by prefix. */
  readonly foreign: Map<Prefix, Home>;
  /** Prefixes that earlier MAARs gave it and no session used: deprecated with every advertisement, and not bound. */
  readonly spent: Set<Prefix>;
  /** By CN HoA. The internal binding list is drawn from it. */
  readonly sessions: Map<Prefix, Session>;
  /** Source addresses heard on this link that belong to no home known yet: RS lists and first frames. */
  readonly claimed: Set<Address>;
  /** Correspondents that an aware MN named in its RS, as /128. */
  readonly named: Set<Prefix>;
}

export function newNode(at: { mnId: string; mac: Mac; link: LinkId; port: string }, now: number): MobileNode {
  return {
    ...at,
    linkLocal: linkLocalOf(at.mac),
    linkLocalHeard: false,
    linkUp: true,
    leaving: false,
    silent: false,
    state: 'authorising',
    counter: 0,
    attachedAt: now,
    lastHeard: now,
    initialRas: 0,
    local: undefined,
    further: [],
    foreign: new Map(),
    spent: new Set(),
    sessions: new Map(),
    claimed: new Set(),
    named: new Set(),
  };
}

type Homes = Pick<MobileNode, 'local' | 'further' | 'foreign'>;

/** The homes that this MAAR anchors. */
export function localHomes(node: Pick<Homes, 'local' | 'further'>): Home[] {
  return node.local === undefined ? [] : [node.local, ...node.further];
}

export function homesOf(node: Homes): Home[] {
  return [...localHomes(node), ...node.foreign.values()];
}

/** The home in which an address or prefix lies. */
export function homeOf(node: Homes, where: Address | Prefix): Home | undefined {
  return homesOf(node).find((home) => contains(home.prefix, where));
}

/** How the binding lists name a home: its addresses once heard, the prefix before. */
export function homeNames(home: Home): Prefix[] {
  return home.addresses.size > 0 ? [...home.addresses] : [home.prefix];
}

/** The per-MN prefix around an address or a longer prefix. */
export function mnPrefix(where: Address | Prefix): Prefix {
  return prefixOf(withoutLength(where), MN_PREFIX_LENGTH);
}

/** Notes an address of a home as heard; false if it was known, or there are too many. */
export function hear(home: Home, address: Prefix): boolean {
  if (!address.endsWith('/128') || home.addresses.has(address) || home.addresses.size >= MAX_ADDRESSES)
    return false;
  home.addresses.add(address);
  return true;
}
