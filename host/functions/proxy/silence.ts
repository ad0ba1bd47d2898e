import type { Mac } from '../../../bindings/entries.ts';
import type { Context } from '../../core/context.ts';
import type { StationActivity } from '../../core/maar-io.ts';
import type { LocationManager } from '../lm/location.ts';
import type { MobileNode } from '../lm/node.ts';
import { isAway, type Presence } from './presence.ts';

/**
 * Looks within the time of silence. What a station sent is known to one look's distance, so that it is asked after three
 * to four fourths of the time.
 */
const LOOKS = 4;

interface Observation extends StationActivity {
  /** Time of the first look that saw its latest packet, or when control heard it. */
  readonly heardAt: number;
  /** Whether anything has been sent to it since. */
  readonly waiting: boolean;
}

/**
 * Detection by silence, where no link layer tells of a station's leaving: one that is being sent to and sends nothing
 * itself is probed, and without an answer it counts as gone until it is heard. It compares packet counts that the data path
 * keeps anyway, so that no packet of a settled station comes up to control for it.
 */
export class Silence {
  readonly #context: Context;
  readonly #location: LocationManager;
  readonly #presence: Presence;
  readonly #silent: (node: MobileNode) => void;
  #observed = new Map<Mac, Observation>();

  /** `silent` hears of each MN that has just been found silent. */
  constructor(
    context: Context,
    location: LocationManager,
    presence: Presence,
    silent: (node: MobileNode) => void,
  ) {
    this.#context = context;
    this.#location = location;
    this.#presence = presence;
    this.#silent = silent;
  }

  start(): void {
    const { silence } = this.#context.config.buffer;
    if (silence > 0) this.#context.arm('proxy:activity', silence / LOOKS);
  }

  /** It is time to look again. */
  look(): void {
    if (this.#attached().length > 0) this.#context.emit({ type: 'activity' });
    this.start();
  }

  /** Takes the counts of this moment. */
  judge(stations: readonly StationActivity[]): void {
    const { now, config } = this.#context;
    const activity = new Map(stations.map((station) => [station.mac, station]));
    const before = this.#observed;
    this.#observed = new Map();
    for (const node of this.#attached()) {
      const counts = activity.get(node.mac);
      if (counts === undefined) continue;
      const observation = observe(counts, before.get(node.mac), node.lastHeard, now);
      this.#observed.set(node.mac, observation);
      if (node.silent) this.#presence.ask(node);
      else if (
        observation.waiting &&
        !isAway(node) &&
        now - observation.heardAt >= (config.buffer.silence * (LOOKS - 1)) / LOOKS
      ) {
        this.#probe(node);
      }
    }
  }

  #attached(): MobileNode[] {
    return [...this.#location.nodes.values()].filter(({ state, linkUp }) => state === 'attached' && linkUp);
  }

  #probe(node: MobileNode): void {
    this.#presence.probe(node, (present) => {
      if (present || isAway(node) || this.#location.nodes.get(node.mnId) !== node) return;
      node.silent = true;
      this.#context.count('station-silent');
      this.#context.trace('silent', { detail: { mnId: node.mnId } });
      this.#silent(node);
    });
  }
}

function observe(
  counts: StationActivity,
  before: Observation | undefined,
  lastHeard: number,
  now: number,
): Observation {
  const heardAt = before === undefined || counts.sent !== before.sent ? now : before.heardAt;
  const heard = heardAt === now || lastHeard > heardAt;
  const waiting = !heard && (before?.waiting === true || counts.received !== before?.received);
  return { ...counts, heardAt: Math.max(heardAt, lastHeard), waiting };
}
