import type { Address, Prefix } from '../../../../bindings/entries.ts';
import type { Channel } from '../channel.ts';
import type { Binding, ProxyBindingQuery } from '../messages/message.ts';
import type { Registration } from '../store.ts';
import { inForce, prefixesOf } from '../table.ts';
import { bindingOf } from './binding.ts';
import type { ServerLimits, ServerPeer } from './settings.ts';
import { Subscriptions } from './subscriptions.ts';

/** Tells peers what changes of the prefixes that they have asked about (LM-db:3). */
export class Notifier {
  readonly subscriptions: Subscriptions;
  readonly #channel: Channel;
  readonly #roles: ReadonlyMap<Address, ServerPeer['role']>;
  readonly #longest: number;

  constructor(
    channel: Channel,
    roles: ReadonlyMap<Address, ServerPeer['role']>,
    { subscriptions, maxSubscription }: ServerLimits,
  ) {
    this.#channel = channel;
    this.#roles = roles;
    this.#longest = maxSubscription;
    this.subscriptions = new Subscriptions(subscriptions);
  }

  /** Seconds for which the peer will be told of changes: of what it named, and of all of an MN that it named. */
  subscribe(
    peer: Address,
    { mnId, where, lifetimeSeconds }: Pick<ProxyBindingQuery, 'mnId' | 'where' | 'lifetimeSeconds'>,
    binding: Binding | undefined,
  ): number {
    const granted = Math.min(lifetimeSeconds, this.#longest);
    if (granted === 0) return 0;
    const until = this.#channel.now + granted * 1000;
    const wanted = [
      ...(where === undefined ? [] : [where]),
      ...(mnId === undefined || binding === undefined ? [] : prefixesOf(binding)),
    ];
    const added = wanted.filter((prefix) => this.subscriptions.add(peer, prefix, until));
    return added.length > 0 && added.length === wanted.length ? granted : 0;
  }

  /** One registration has taken the place of another of the same MN. */
  changed(previous: Registration | undefined, next: Registration): void {
    const { now } = this.#channel;
    const was = previous !== undefined && inForce(previous, now) ? previous : undefined;
    const moved = was?.locator !== next.locator || next.ended;
    const before = was === undefined ? [] : prefixesOf(was);
    const after = prefixesOf(next);
    const told = moved
      ? [...new Set([...before, ...after])]
      : [
          ...before.filter((prefix) => !after.includes(prefix)),
          ...after.filter((prefix) => !before.includes(prefix)),
        ];
    this.push(told, next.by, (prefixes) => {
      const held = prefixes.filter((prefix) => after.includes(prefix));
      return held.length > 0
        ? bindingOf(next, now, held)
        : { ...bindingOf({ ...next, ended: true }, now), prefixes, delegated: [] };
    });
  }

  /** A client that caused the change knows it; a server asked on behalf of others. */
  push(prefixes: readonly Prefix[], cause: Address, binding: (prefixes: readonly Prefix[]) => Binding): void {
    for (const [peer, mine] of this.subscriptions.of(prefixes, this.#channel.now)) {
      if (peer === cause && this.#roles.get(peer) === 'client') continue;
      const draft = { kind: 'UPN', retransmission: false, binding: binding(mine) } as const;
      this.#channel.request(peer, `push ${mine.join()}`, draft, (answer) => {
        if (answer === undefined) this.subscriptions.drop(peer);
      });
    }
  }
}
