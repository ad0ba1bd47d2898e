import type { Channel, Asked } from '../channel.ts';
import { LM_STATUS } from '../messages/constants.ts';
import type { PoolJoin } from '../messages/message.ts';
import type { Pool } from './pool.ts';
import type { ServerPeer } from './settings.ts';

/** Timer that it arms in its channel. */
export const JOIN = 'lm:join';

/** This server in the pool: it says what it is primary for, and hears it of the others (LM-svr:1). */
export class Membership {
  readonly #channel: Channel;
  readonly #pool: Pool;
  readonly #peers: readonly ServerPeer[];
  readonly #lifetime: number;

  /** `lifetime` in seconds: how long a server is a member after it said so. */
  constructor(channel: Channel, pool: Pool, peers: readonly ServerPeer[], lifetime: number) {
    this.#channel = channel;
    this.#pool = pool;
    this.#peers = peers.filter(({ role }) => role === 'server');
    this.#lifetime = lifetime;
  }

  /** Says so to every server, and again before it is forgotten. */
  join(): void {
    this.#say(this.#lifetime);
    this.#channel.arm(JOIN, (this.#lifetime * 1000) / 3);
  }

  leave(): void {
    this.#say(0);
  }

  /** Another server joins, or leaves. */
  joined(asked: Asked<PoolJoin>): void {
    const { peer, message } = asked;
    const { now } = this.#channel;
    const lifetimeSeconds = Math.min(message.lifetimeSeconds, this.#lifetime);
    let status: number = LM_STATUS.accepted;
    if (!this.#peers.some(({ address }) => address === peer)) status = LM_STATUS.notAuthorised;
    else if (lifetimeSeconds === 0) this.#pool.leave(peer);
    else if (!this.#pool.join(peer, message.primary, now + lifetimeSeconds * 1000, now)) {
      status = LM_STATUS.prefixOfAnother;
    }
    const primary = status === LM_STATUS.accepted ? this.#pool.own : [];
    this.#channel.answer(asked, { kind: 'LPA', status, lifetimeSeconds, primary });
  }

  #say(lifetimeSeconds: number): void {
    for (const { address } of this.#peers) {
      const draft = { kind: 'LPJ', lifetimeSeconds, primary: this.#pool.own } as const;
      this.#channel.request(address, 'join', draft, (answer) => {
        if (answer?.kind !== 'LPA' || lifetimeSeconds === 0) return;
        const { now } = this.#channel;
        const { status, primary } = answer;
        const until = now + answer.lifetimeSeconds * 1000;
        if (status === LM_STATUS.accepted && this.#pool.join(address, primary, until, now)) return;
        const detail = { why: 'primary for the same prefix, or not of the pool', status };
        this.#channel.trace('error', { to: this.#channel.nameOf(address), detail });
      });
    }
  }
}
