import type { Address, LinkId, Mac, Prefix } from '../../bindings/entries.ts';
import { CHANNEL_SETTINGS, type ChannelPeer } from '../functions/lm/channel.ts';

/** What the control plane of one MAAR needs to know; host/daemon/config fills it from a file, the simulation from code. */
export interface MaarConfig {
  /** Name in logs and in the domain's list of peers. */
  readonly name: string;
  /** Our address towards the core: source of signalling, outer address of tunnels, the "address of the MAAR" of the draft. */
  readonly address: Address;
  readonly scheme: { readonly name: string; readonly options: Readonly<Record<string, unknown>> };
  readonly links: readonly LinkConfig[];
  /** Prefixes we assign: one /64 for each MN, from each network that is for it. */
  readonly pool: PoolConfig;
  /** The other MAARs of the domain: the only ones that may signal or tunnel to us. */
  readonly peers: readonly PeerConfig[];
  readonly aaa: AaaConfig;
  /** The MN-ID is the station's MAC, as a NAI: `<12 hex digits>@<realm>`. */
  readonly mnRealm: string;
  readonly coreMtu: number;
  /** Encapsulation limit of our tunnels, 0 to 254 (RFC 2473 section 4.1.1); none if absent. It takes 8 octets. */
  readonly encapsulationLimit?: number;
  readonly timers: TimerConfig;
  readonly hold: { readonly packets: number; readonly millis: number };
  /** Budget of each home address of a station that is leaving or gone; with 0 `packets` nothing is kept for it. */
  readonly buffer: BufferConfig;
  /** Location management as a service; only schemes that need it look at it. */
  readonly lm?: LocationConfig;
}

/** The client of location management (LMc): whom it asks and tells, and for how long it believes what it hears. */
export interface LocationConfig {
  /** LM servers in order of preference: the next is asked when one is silent. */
  readonly servers: readonly ChannelPeer[];
  /** The MAARs of `peers`, each with the key shared with it: they redirect packets, and hand MNs over. */
  readonly maars: readonly ChannelPeer[];
  /** Entries of the cache. */
  readonly capacity: number;
  /** For how long an absent location is remembered, in milliseconds. */
  readonly absentFor: number;
  /** For how long one is remembered of which no server will tell changes, in milliseconds. */
  readonly untoldFor: number;
  /** For how long changes are asked for, in seconds. */
  readonly subscription: number;
  /** How far clocks may be apart, in milliseconds. */
  readonly window: number;
}

/** What a file need not say of `LocationConfig`. */
export const DEFAULT_LOCATION = {
  capacity: 65_536,
  absentFor: 5_000,
  untoldFor: 10_000,
  subscription: 300,
  window: CHANNEL_SETTINGS.window,
} as const satisfies Partial<LocationConfig>;

export interface BufferConfig {
  readonly packets: number;
  readonly bytes: number;
  readonly millis: number;
  /** Milliseconds without a sign of a station that is being sent to, after which it is asked for; 0 never asks. */
  readonly silence: number;
}

export interface LinkConfig {
  readonly id: LinkId;
  /** The same on every access link of the domain, so that the MN's default router never changes. */
  readonly linkLocal: Address;
  readonly mac: Mac;
  readonly mtu: number;
}

export interface PoolConfig {
  readonly prefix: Prefix;
  readonly preferredSeconds: number;
  readonly validSeconds: number;
  /** Parts of the prefix, each with terms of its own; without any, the pool is one stateless network for every MN. */
  readonly networks?: readonly NetworkConfig[];
}

export interface NetworkConfig {
  /** Name in logs, views and the store. */
  readonly name: string;
  readonly prefix: Prefix;
  /** Whether MNs form their addresses by themselves from what is advertised, or are given them by DHCPv6. */
  readonly mode: 'stateless' | 'stateful';
  readonly preferredSeconds: number;
  /** Time of a lease: the valid lifetime of every advertisement and of every renewal. */
  readonly validSeconds: number;
  /** Whose prefixes it has: an MN-ID, or a pattern of them with one "*". */
  readonly mnId: string;
}

export interface PeerConfig {
  readonly name: string;
  readonly address: Address;
  /** What this peer assigns, so that the anchor of any home address is known without asking. */
  readonly prefixes: readonly Prefix[];
  /** Which of them it assigns by DHCPv6: a host that was advertised them would form addresses of its own there. */
  readonly stateful?: readonly Prefix[];
}

export interface AaaConfig {
  readonly originHost: string;
  readonly originRealm: string;
  readonly destinationRealm: string;
  readonly vendorId: number;
  /** In order of preference. */
  readonly servers: readonly { readonly name: string; readonly host: Address; readonly port: number }[];
}

/** Milliseconds, but for `bindingSeconds`. */
export interface TimerConfig {
  /** Released lists answer repeats and re-tunnel packets in flight for this long (MinDelayBeforeBCEDelete). */
  readonly hold: number;
  /** Memory of released lists lasts this much longer than `hold`. */
  readonly forget: number;
  /** Lifetime of a binding; refreshed at half of it. */
  readonly bindingSeconds: number;
  /** A binding or a home address that carried nothing for this long is released. */
  readonly idle: number;
  /** How long the old MAAR waits for an MN to answer on its old link before letting it go. */
  readonly probe: number;
  /** First retransmission of a DBU; doubles up to `retransmitMax`. */
  readonly retransmit: number;
  readonly retransmitMax: number;
  /** DBU timestamps further than this from our clock are refused as replays. */
  readonly timestampWindow: number;
}

/** What every MAAR runs on unless its configuration says otherwise, in the lab and in the daemon. */
export const DEFAULT_TIMERS: TimerConfig = {
  hold: 10_000,
  forget: 2_000,
  bindingSeconds: 300,
  idle: 60_000,
  // Far below `retransmit`: the sDBU that waits for the probe must not be repeated meanwhile.
  probe: 50,
  retransmit: 1_000,
  retransmitMax: 32_000,
  // Clocks of a domain may differ by seconds; sequence numbers and registration counters stop replays within it.
  timestampWindow: 10_000,
};
