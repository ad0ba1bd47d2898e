import type { Address, Prefix } from '../../../../bindings/entries.ts';
import type { Random } from '../../../core/machine.ts';
import type { ChannelPeer, ChannelTimes } from '../channel.ts';

export interface ServerPeer extends ChannelPeer {
  /** `client`: a MAAR. `server`: a member of the pool. */
  readonly role: 'client' | 'server';
}

export interface ServerSettings {
  readonly name: string;
  readonly address: Address;
  /** Prefixes that this server is the primary one of. */
  readonly primary: readonly Prefix[];
  /**
   * Where other networks send packets for MNs that are in this one. With it, this server keeps their locations to itself
   * (hierarchy); without, it passes updates for prefixes of other servers on.
   */
  readonly gateway: Address | undefined;
  readonly peers: readonly ServerPeer[];
  readonly random: Random;
  /** Whether other servers use the same store: it is asked whether all is known here before anything is told or refused. */
  readonly shared?: boolean;
  readonly limits?: Partial<ServerLimits>;
  readonly channel?: Partial<ChannelTimes>;
}

export interface ServerLimits {
  /** The longest lifetimes that are granted, in seconds. */
  readonly maxLifetime: number;
  readonly maxSubscription: number;
  /** How long a server is a member of the pool after it said so, in seconds. */
  readonly poolLifetime: number;
  readonly subscriptions: number;
  /** How long an ended registration is kept, in milliseconds. */
  readonly keepEnded: number;
}

export const SERVER_LIMITS: ServerLimits = {
  maxLifetime: 3_600,
  maxSubscription: 600,
  poolLifetime: 60,
  subscriptions: 1_000_000,
  keepEnded: 60_000,
};
