import type { Address, Prefix } from '../../../bindings/entries.ts';
import type { Context } from '../../core/context.ts';
import type { Usage } from '../../core/maar-io.ts';
import type { Domain } from '../lm/domain.ts';
import type { LocationManager } from '../lm/location.ts';
import { homeOf, mnPrefix, type Home, type MobileNode, type Session } from '../lm/node.ts';
import type { Attachment } from '../proxy/attachment.ts';
import type { Forwarding } from './forwarding.ts';

/** Correspondents of one MN; past that the one least recently used goes by its anchor. */
const MAX_SESSIONS = 512;
/** Begins as the schemes' timers must. */
const USAGE_TIMER = 'scheme:usage';

interface Parts {
  readonly context: Context;
  readonly domain: Domain;
  readonly location: LocationManager;
  readonly forwarding: Forwarding;
  readonly attachment: Pick<Attachment, 'entries'>;
}

/** The session with a correspondent; `here`: its MN is on a link of ours, and not one of those just released. */
interface Found {
  readonly node: MobileNode;
  readonly session: Session;
  readonly here: boolean;
}

/**
 * The sessions of the MNs here and the entries that send their packets to the correspondents' MAARs. Where those are the
 * scheme finds out; it routes its timers to `timer` and what is asked of use to `releaseIdle`.
 */
export class Sessions {
  readonly #parts: Parts;
  readonly #ended: (node: MobileNode, session: Session) => void;
  #watching = false;

  /** `ended` hears of every session that is taken out of use. */
  constructor(parts: Parts, ended: (node: MobileNode, session: Session) => void = () => undefined) {
    this.#parts = parts;
    this.#ended = ended;
  }

  /**
   * Whether packets to the correspondent must be tunnelled: it is not where its address is anchored, or one of our homes
   * that talks to it is not, so that native packets with that source would fail ingress filtering.
   */
  needsTunnel(node: MobileNode, session: Session): boolean {
    const { domain } = this.#parts;
    if (session.maar === domain.self) return false;
    const foreign = [...session.homes].some((prefix) => node.foreign.has(prefix));
    return foreign || session.maar !== domain.anchorOf(session.cn);
  }

  /** Makes the data plane follow what is known of a session. */
  install(node: MobileNode, session: Session): void {
    if (this.needsTunnel(node, session)) this.tunnel(node, session);
    else this.#withdraw(node, session);
  }

  /** Sends its packets to the correspondent's MAAR even if they could go natively. */
  tunnel(node: MobileNode, session: Session): void {
    this.#parts.forwarding.tunnel(owner(node, session), 'internal', session.cn, session.maar);
  }

  /** Keeps its packets until `tunnel`. */
  keep(node: MobileNode, session: Session): void {
    this.#parts.forwarding.keep(owner(node, session), 'internal', session.cn);
  }

  /** Leaves its packets to native routing. */
  #withdraw(node: MobileNode, session: Session): void {
    this.#parts.forwarding.withdraw(owner(node, session), session.cn);
  }

  remove(node: MobileNode, session: Session): void {
    this.#end(node, session);
    node.sessions.delete(session.cn);
  }

  /** Takes all sessions of an MN that left out of use; the list stays, for its new MAAR must get what was in force. */
  retire(node: MobileNode): void {
    for (const session of node.sessions.values()) this.#end(node, session);
  }

  #end(node: MobileNode, session: Session): void {
    this.#withdraw(node, session);
    this.#ended(node, session);
  }

  /** The session of a home of ours with a correspondent, made where there was none; at the limit the least used one goes. */
  open(node: MobileNode, home: Home, cn: Prefix, maar: Address): Session {
    const { context } = this.#parts;
    let session = node.sessions.get(cn);
    if (session === undefined) {
      if (node.sessions.size >= MAX_SESSIONS) {
        context.count('session-limit');
        const [oldest] = [...node.sessions.values()].sort((a, b) => a.lastUsed - b.lastUsed);
        if (oldest !== undefined) this.remove(node, oldest);
      }
      session = { cn, homes: new Set(), maar, counter: 0, lastUsed: context.now };
      node.sessions.set(cn, session);
      this.watch();
    }
    home.used = true;
    session.homes.add(home.prefix);
    session.lastUsed = context.now;
    return session;
  }

  /** Where a correspondent is, as well as we know without asking: here, gone from here, or at its anchor. */
  whereabouts(cn: Prefix): Address | undefined {
    const { location, domain } = this.#parts;
    if (location.find(cn) !== undefined) return domain.self;
    const released = location.findReleased(cn);
    return released?.movedTo ?? location.anchored.get(mnPrefix(cn))?.serving ?? domain.anchorOf(cn);
  }

  /** Every session with a correspondent among these prefixes, of MNs here and of those just released. */
  *with(prefixes: readonly Prefix[]): Generator<Found> {
    const { location } = this.#parts;
    const wanted = new Set(prefixes.map(mnPrefix));
    const released = [...location.released.values()].map(({ node }) => node);
    for (const node of [...location.nodes.values(), ...released]) {
      const here = location.nodes.get(node.mnId) === node;
      for (const session of node.sessions.values()) {
        if (wanted.has(mnPrefix(session.cn))) yield { node, session, here };
      }
    }
  }

  /** Sees to it that the data plane is asked what has been used, at half the idle time. */
  watch(): void {
    const { context } = this.#parts;
    if (!this.#watching) context.arm(USAGE_TIMER, context.config.timers.idle / 2);
    this.#watching = true;
  }

  timer(id: string): boolean {
    if (id !== USAGE_TIMER) return false;
    this.#parts.context.emit({ type: 'usage' });
    return true;
  }

  /**
   * Idle release: what carried nothing for the idle time leaves the lists and the data plane; its home stays. Watches on
   * while sessions are left.
   */
  releaseIdle({ destinations, pairs }: Usage): void {
    const { context, location, forwarding } = this.#parts;
    const { idle } = context.config.timers;
    const used = new Map(destinations.map(({ prefix, lastUsed }) => [prefix, lastUsed]));
    this.#watching = false;
    for (const node of location.nodes.values()) {
      for (const { src, dst, lastUsed } of pairs) touch(node, src, dst, lastUsed);
      for (const session of node.sessions.values()) {
        const delivered = [...session.homes].map((prefix) => used.get(prefix) ?? 0);
        session.lastUsed = Math.max(session.lastUsed, used.get(session.cn) ?? 0, ...delivered);
        if (context.now - session.lastUsed < idle) {
          this.watch();
          continue;
        }
        this.remove(node, session);
        context.count('session-idle');
        context.trace('idle', { detail: { mnId: node.mnId, cn: session.cn } });
      }
    }
    forwarding.commit();
  }

  /** Ends the homes anchored elsewhere whose prefix has run out, and the sessions of no other home; true if there were any. */
  expireHomes(node: MobileNode): boolean {
    const { context, forwarding, attachment } = this.#parts;
    const expired = [...node.foreign.values()].filter(({ validUntil }) => validUntil <= context.now);
    for (const home of expired) {
      for (const session of node.sessions.values()) {
        session.homes.delete(home.prefix);
        if (session.homes.size === 0) this.remove(node, session);
      }
      attachment.entries.uninstall(node, home);
      node.foreign.delete(home.prefix);
      context.trace('home-expired', { detail: { mnId: node.mnId, home: home.prefix } });
    }
    forwarding.commit();
    return expired.length > 0;
  }
}

function owner(node: MobileNode, session: Session): string {
  return `session ${node.mnId} ${session.cn}`;
}

/** Notes the use of the session that a pair of addresses belongs to, whichever of the two is the MN's. */
function touch(node: MobileNode, src: Address, dst: Address, lastUsed: number): void {
  for (const [own, other] of [
    [src, dst],
    [dst, src],
  ] as const) {
    const session = node.sessions.get(`${other}/128`);
    if (session !== undefined && homeOf(node, own) !== undefined) {
      session.lastUsed = Math.max(session.lastUsed, lastUsed);
    }
  }
}
