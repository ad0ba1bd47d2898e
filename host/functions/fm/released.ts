import type { Address } from '../../../bindings/entries.ts';
import type { Context } from '../../core/context.ts';
import type { LocationManager, Released } from '../lm/location.ts';
import type { Home, MobileNode } from '../lm/node.ts';
import type { Forwarding } from './forwarding.ts';

/** Timer ids, each followed by the MN-ID: end of the hold time, and of what memory outlives that by. */
const HOLD_TIMER = 'scheme:release ';
const FORGET_TIMER = 'scheme:forget ';

interface Parts {
  readonly context: Context;
  readonly location: LocationManager;
  readonly forwarding: Forwarding;
}

/**
 * The lists of MNs that moved on. For the hold time they send after the MN what still comes for its homes from elsewhere,
 * a little longer they answer whoever asks for it. The scheme routes its timers to `timer`.
 */
export class ReleasedLists {
  readonly #parts: Parts;
  readonly #forgotten: (mnId: string) => void;

  /** `forgotten` hears of an MN of which memory has ended, unless it is back. */
  constructor(parts: Parts, forgotten: (mnId: string) => void) {
    this.#parts = parts;
    this.#forgotten = forgotten;
  }

  /** Keeps the lists of an MN that left, in the place of older ones. */
  add(node: MobileNode, movedTo: Address, counter: number): Released {
    const { context, location } = this.#parts;
    const { mnId } = node;
    const before = location.released.get(mnId);
    if (before !== undefined) this.drop(before);
    const released: Released = { mnId, node, movedTo, counter, forwarding: true };
    location.released.set(mnId, released);
    context.arm(`${HOLD_TIMER}${mnId}`, context.config.timers.hold);
    return released;
  }

  /** Sends what comes for a home anchored elsewhere after the MN, if the hold time still runs. */
  follow(released: Released, home: Home): void {
    if (!released.forwarding) return;
    this.#parts.forwarding.tunnel(owner(released), 'released', home.prefix, released.movedTo);
  }

  /** Forgets released lists at once: the MN is back, or they are replaced by newer ones. */
  drop(released: Released): void {
    const { context, location } = this.#parts;
    this.#stopForwarding(released);
    context.disarm(`${HOLD_TIMER}${released.mnId}`);
    context.disarm(`${FORGET_TIMER}${released.mnId}`);
    location.released.delete(released.mnId);
  }

  timer(id: string): boolean {
    if (id.startsWith(HOLD_TIMER)) this.#endHold(id.slice(HOLD_TIMER.length));
    else if (id.startsWith(FORGET_TIMER)) this.#forget(id.slice(FORGET_TIMER.length));
    else return false;
    return true;
  }

  /** The hold time is over: released lists leave forwarding, and memory a little later. */
  #endHold(mnId: string): void {
    const { context, location } = this.#parts;
    const released = location.released.get(mnId);
    if (released === undefined) return;
    this.#stopForwarding(released);
    context.arm(`${FORGET_TIMER}${mnId}`, context.config.timers.forget);
  }

  #stopForwarding(released: Released): void {
    const { forwarding } = this.#parts;
    released.forwarding = false;
    for (const { prefix } of released.node.foreign.values()) forwarding.withdraw(owner(released), prefix);
    forwarding.commit();
  }

  #forget(mnId: string): void {
    const { location } = this.#parts;
    if (location.released.delete(mnId) && !location.nodes.has(mnId)) this.#forgotten(mnId);
  }
}

function owner({ mnId }: Released): string {
  return `released ${mnId}`;
}
