import type { Context } from '../../core/context.ts';
import type { MobileNode } from '../lm/node.ts';
import type { AccessLinks } from './access.ts';

/** Probes that a silent MN may leave unanswered before it counts as gone. */
const ALIVE_PROBES = 3;
const ALIVE_PROBE_MILLIS = 1000;

/** Whether MNs are still on their links: what the link layer tells, and what they answer when asked. */
export class Presence {
  readonly #context: Context;
  readonly #access: AccessLinks;
  readonly #gone: (node: MobileNode, why: string) => void;
  readonly #probes = new Map<string, ((present: boolean) => void)[]>();
  readonly #unanswered = new Map<string, number>();

  /** `gone` hears of MNs that are no longer there. */
  constructor(context: Context, access: AccessLinks, gone: (node: MobileNode, why: string) => void) {
    this.#context = context;
    this.#access = access;
    this.#gone = gone;
  }

  watch(node: MobileNode): void {
    this.#context.arm(`proxy:alive ${node.mnId}`, this.#context.config.timers.idle);
  }

  heard(node: MobileNode): void {
    node.lastHeard = this.#context.now;
    this.#unanswered.delete(node.mnId);
    this.#answer(node.mnId, true);
  }

  forget(node: MobileNode): void {
    this.#unanswered.delete(node.mnId);
    this.#answer(node.mnId, false);
    for (const timer of ['alive', 'gone', 'stayed']) this.#context.disarm(`proxy:${timer} ${node.mnId}`);
  }

  /** Asks the MN on its link whether it is still there; `done` hears within `timers.probe`. */
  probe(node: MobileNode, done: (present: boolean) => void): void {
    if (isAway(node)) {
      done(false);
      return;
    }
    const running = this.#probes.get(node.mnId);
    if (running !== undefined) {
      // A repeated question must not put off the answer.
      running.push(done);
      return;
    }
    this.#probes.set(node.mnId, [done]);
    this.#access.probe(node);
    this.#context.arm(`proxy:probe ${node.mnId}`, this.#context.config.timers.probe);
  }

  /** Asks again for an MN that counts as gone: whatever it answers is heard. */
  ask(node: MobileNode): void {
    this.#access.probe(node);
  }

  probeEnded(mnId: string): void {
    this.#answer(mnId, false);
  }

  /**
   * Its port has gone down. Another MAAR will ask for it; if none does within the hold time, it is gone. `keep` runs before
   * one that has asked already is answered, which takes the MN over with all its entries.
   */
  linkLost(node: MobileNode, keep: () => void): void {
    node.linkUp = false;
    this.#settleLeaving(node);
    // The hold time counts from here, whenever it last sent.
    node.lastHeard = this.#context.now;
    this.#context.trace('link-lost', { detail: { mnId: node.mnId, port: node.port } });
    this.#context.arm(`proxy:gone ${node.mnId}`, this.#context.config.timers.hold);
    keep();
    this.#answer(node.mnId, false);
  }

  /** The link layer has announced that it leaves. `proxy:stayed` fires if it is still there when its packets expire. */
  leaving(node: MobileNode): void {
    node.leaving = true;
    this.#context.arm(`proxy:stayed ${node.mnId}`, this.#context.config.buffer.millis);
  }

  linkBack(node: MobileNode): void {
    node.linkUp = true;
    this.#settleLeaving(node);
    this.#context.disarm(`proxy:gone ${node.mnId}`);
  }

  /** A bridge has forgotten it. Bridges forget stations that are merely quiet: a reason to ask, not to believe. */
  doubt(node: MobileNode): void {
    node.lastHeard = Math.min(node.lastHeard, this.#context.now - this.#context.config.timers.idle);
    this.#context.arm(`proxy:alive ${node.mnId}`, 0);
  }

  check(node: MobileNode): void {
    const { timers } = this.#context.config;
    if (node.state === 'refused') return;
    const quiet = this.#context.now - node.lastHeard;
    if (!node.linkUp) {
      if (quiet >= timers.hold) this.#gone(node, 'its link stayed down');
      return;
    }
    if (quiet < timers.idle) {
      this.#unanswered.delete(node.mnId);
      this.#context.arm(`proxy:alive ${node.mnId}`, timers.idle - quiet);
      return;
    }
    const unanswered = this.#unanswered.get(node.mnId) ?? 0;
    if (unanswered >= ALIVE_PROBES || node.state === 'authorising') {
      this.#gone(node, 'it has fallen silent');
      return;
    }
    this.#unanswered.set(node.mnId, unanswered + 1);
    this.#access.probe(node);
    this.#context.arm(`proxy:alive ${node.mnId}`, ALIVE_PROBE_MILLIS);
  }

  #settleLeaving(node: MobileNode): void {
    node.leaving = false;
    node.silent = false;
    this.#context.disarm(`proxy:stayed ${node.mnId}`);
  }

  #answer(mnId: string, present: boolean): void {
    const waiting = this.#probes.get(mnId);
    if (waiting === undefined) return;
    this.#probes.delete(mnId);
    this.#context.disarm(`proxy:probe ${mnId}`);
    for (const done of waiting) done(present);
  }
}

/** Whether the MN's link or its silence has told that it is leaving or gone: nothing sent on its link would reach it. */
export function isAway(node: MobileNode): boolean {
  return !node.linkUp || node.leaving || node.silent;
}
