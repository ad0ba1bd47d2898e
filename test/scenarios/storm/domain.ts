import type { Random } from '../../../host/core/machine.ts';
import type {
  EndName,
  HostName,
  LabOptions,
  MaarName,
  MoveKind,
  NodeName,
  Stream,
} from '../../../host/lab/lab.ts';
import { CN, maarAddress, maarPool, mnId } from '../../../host/lab/plan.ts';
import { realParts, SimLab } from '../../../host/lab/sim-lab.ts';
import { seededRandom } from '../../../host/sim/random.ts';
import { contains, prefixOf } from '../../../host/wire/address.ts';
import { FaultCount } from '../../support/fault-count.ts';
import { wasm } from '../../support/sim-lab.ts';
import { Auditor } from './auditor.ts';
import { withClock } from './clock.ts';
import { holds } from './invariants.ts';
import { StateCheck } from './state-check.ts';
import { FAULTS, Weather } from './weather.ts';

export type Arrangement = Pick<LabOptions, 'scheme' | 'schemeOptions' | 'anycast'>;

const HOSTS: readonly HostName[] = ['A', 'B', 'C'];
export const ROAMED: readonly MaarName[] = ['a1', 'a2', 'b1', 'b2'];
const KINDS: readonly MoveKind[] = ['carrier', 'silent', 'admin'];
/** How far the clocks of any two nodes are apart at most, in milliseconds. */
const MAX_SKEW = 3_000;
/** Long enough for everything to end that is kept for those who are cut off. */
const MAX_PARTITION = 45_000;
const MAX_SESSIONS = 5;
const TALK_MILLIS = 500;
const PING_MILLIS = 250;

const TIMERS = { bindingSeconds: 10, hold: 2_000, forget: 1_000, idle: 6_000, retransmitMax: 8_000 };
const POOL = { preferredSeconds: 30, validSeconds: 60 };

/** How much longer than its lease a host may hold an address. */
const GRACE_MILLIS = 1_000;
const PROBES = 4;
/** What a host takes to solicit, an AAA client to reconnect, and a binding to end, with the retransmissions of each. */
const SETTLE_MILLIS = 40_000;

interface Session {
  readonly from: HostName;
  readonly to: EndName;
  readonly ends: { readonly from: string; readonly to: string };
  /** Both ends send of themselves: of one that only listens nobody would know that it still has its address after it was gone. */
  readonly streams: readonly Stream[];
}

/** A whole domain that a seed determines: who goes where and talks to whom, what goes wrong, and what must hold. */
export class Storm {
  readonly count = new FaultCount(FAULTS);
  readonly lab: SimLab;
  readonly #random: Random;
  readonly #weather: Weather;
  readonly #auditor: Auditor;
  readonly #check: StateCheck;
  readonly #down = new Set<NodeName>();
  readonly #cutOff = new Set<NodeName>();
  /** What ends, and when. */
  #due: { readonly at: number; readonly what: () => Promise<void> }[] = [];
  #sessions: Session[] = [];
  #names = 0;
  readonly #places = new Map<HostName, MaarName>();

  constructor(arrangement: Arrangement, seed: number) {
    this.#random = seededRandom(seed, 'storm');
    this.#weather = new Weather(seededRandom(seed, 'weather'), this.count);
    this.#auditor = new Auditor(() => this.lab.now());
    const options: LabOptions = { ...arrangement, seed, timers: TIMERS, pool: POOL };
    const parts = realParts(options, wasm);
    const clocks = seededRandom(seed, 'clocks');
    const ahead = new Map<string, number>();
    const clockOf = (name: string): number => {
      const known = ahead.get(name);
      if (known !== undefined) return known;
      this.count.add('clock skew');
      const drawn = Math.floor(clocks() * MAX_SKEW);
      ahead.set(name, drawn);
      return drawn;
    };
    this.lab = new SimLab(options, {
      ...parts,
      maar: (config, random, leases) => {
        const name = config.name as MaarName;
        const machine = parts.maar(config, random, leases);
        const skew = clockOf(name);
        return this.#auditor.control(name, {
          ...withClock(machine, skew),
          view: (now) => machine.view(now + skew),
        });
      },
      lm: (plan, state, startedAt, random) => {
        const skew = clockOf(plan.name);
        const machine = parts.lm(plan, state, startedAt + skew, random);
        return { ...withClock(machine, skew), view: (now) => machine.view(now + skew) };
      },
      dataPlane: (planeOptions) => {
        const plane = parts.dataPlane(planeOptions);
        const name = ROAMED.find((maar) => maarAddress(maar) === planeOptions.locator);
        return name === undefined ? plane : this.#auditor.plane(name, plane);
      },
    });
    this.lab.disturb((packet) => this.#weather.fate(packet));
    this.#check = new StateCheck(this.lab, this.#auditor, arrangement.scheme, TIMERS);
  }

  /** Packets that went in a circle where that is to be expected. */
  get circles(): number {
    return this.#auditor.circles.size;
  }

  /** Brings the domain up in calm weather, with every host somewhere. */
  async begin(): Promise<void> {
    this.#weather.calm = true;
    await this.lab.up();
    for (const host of HOSTS) await this.#move(host, this.#one(ROAMED), 'carrier');
    await this.#pass(6_000);
    this.#weather.calm = false;
  }

  /** Something happens, and some time passes; what must always hold is looked at. */
  async step(): Promise<void> {
    await this.#happen();
    await this.#pass(this.#random() ** 2 * 5_000);
    await this.#check.always();
    await this.#checkLeases();
  }

  async #happen(): Promise<void> {
    const chance = this.#random();
    const host = this.#one(HOSTS);
    if (chance < 0.35) await this.#roam(host);
    else if (chance < 0.4) await this.lab.leave(host).then(() => this.#places.delete(host));
    else if (chance < 0.6) await this.#talk(host);
    else if (chance < 0.65) await this.#hangUp();
    else if (chance < 0.74) await this.#restart(this.#one(ROAMED), 'restart of a MAAR');
    else if (chance < 0.78) await this.#restart('aaa', 'restart of the AAA server');
    else if (chance < 0.82) await this.#restart('lm1', 'restart of the LM server');
    else if (chance < 0.88) await this.#cutOffFor(this.#one(ROAMED), 'partition of a MAAR');
    else if (chance < 0.91) await this.#cutOffFor('aaa', 'partition of the AAA server');
    else if (chance < 0.94) await this.#cutOffFor('lm1', 'partition of the LM server');
    else {
      const one = this.#one(ROAMED);
      const other = this.#one(ROAMED.filter((name) => name !== one));
      this.#weather.part(one, other, this.lab.now() + this.#random() * 10_000);
    }
  }

  /** The storm is over: after what lifetimes and retransmissions take, everything must be well. */
  async settle(): Promise<void> {
    this.#weather.calm = true;
    while (this.#due.length > 0) await this.#pass(1_000);
    await this.#pass(SETTLE_MILLIS / 2);
    for (const host of HOSTS) await this.#speak(host);
    await this.#pass(SETTLE_MILLIS);
    await this.#check.always();
    await this.#checkLeases();
    await this.#check.inTheEnd(this.#places);
    await this.#checkReachable();
    await this.#checkSessions();
  }

  /** A host that moved silently is heard of when it sends; one that has no address and has given up soliciting is plugged in again. */
  async #speak(host: HostName): Promise<void> {
    const source = await this.#address(host);
    if (source === undefined) await this.#move(host, this.#places.get(host) ?? this.#one(ROAMED), 'admin');
    else if (!this.#places.has(host)) await this.#move(host, this.#one(ROAMED), 'carrier');
    else this.#sessions.push(await this.#session(host, 'cn', source, CN.address));
  }

  /** A move, or several in quick succession, as between two cells. */
  async #roam(host: HostName): Promise<void> {
    do {
      await this.#move(host, this.#one(ROAMED), this.#one(KINDS), this.#gap());
      await this.#pass(this.#random() * 400);
    } while (this.#random() < 0.3);
  }

  async #move(host: HostName, to: MaarName, kind: MoveKind, gap = 0): Promise<void> {
    this.#places.set(host, to);
    await this.lab.move(host, to, kind, gap);
  }

  #gap(): number {
    return this.#random() < 0.5 ? 0 : this.#random() * 1_000;
  }

  async #talk(from: HostName): Promise<void> {
    const to = this.#one([...HOSTS, 'cn'] as const);
    if (to === from || this.#sessions.length >= MAX_SESSIONS) return;
    const [source, target] = [await this.#address(from), to === 'cn' ? CN.address : await this.#address(to)];
    if (source === undefined || target === undefined) return;
    this.#sessions.push(await this.#session(from, to, source, target));
  }

  async #session(from: HostName, to: EndName, source: string, target: string): Promise<Session> {
    const ends = { from: source, to: target };
    const streams = [
      await this.#ping(from, to, ends, TALK_MILLIS),
      await this.#ping(to, from, { from: target, to: source }, TALK_MILLIS),
    ];
    return { from, to, ends, streams };
  }

  #ping(from: EndName, to: EndName, ends: Session['ends'], intervalMs: number): Promise<Stream> {
    const name = `stream ${++this.#names}`;
    const addresses = { fromAddress: ends.from, toAddress: ends.to };
    return this.lab.stream({ name, kind: 'ping', from, to, intervalMs, ...addresses });
  }

  async #hangUp(): Promise<void> {
    const session = this.#sessions.length === 0 ? undefined : this.#one(this.#sessions);
    if (session === undefined) return;
    this.#sessions = this.#sessions.filter((other) => other !== session);
    for (const stream of session.streams) await stream.finish();
  }

  async #restart(
    node: NodeName,
    fault: 'restart of a MAAR' | 'restart of the AAA server' | 'restart of the LM server',
  ): Promise<void> {
    if (this.#down.has(node) || !this.#exists(node)) return;
    this.count.add(fault);
    this.#down.add(node);
    await this.lab.kill(node);
    this.#later(this.#random() ** 2 * 8_000, async () => {
      this.#down.delete(node);
      await this.lab.start(node);
    });
  }

  async #cutOffFor(
    node: MaarName | 'aaa' | 'lm1',
    fault: 'partition of a MAAR' | 'partition of the AAA server' | 'partition of the LM server',
  ): Promise<void> {
    if (this.#cutOff.has(node) || !this.#exists(node)) return;
    this.count.add(fault);
    this.#cutOff.add(node);
    await this.lab.fault.partition(node, true);
    this.#later(this.#random() ** 2 * MAX_PARTITION, async () => {
      this.#cutOff.delete(node);
      await this.lab.fault.partition(node, false);
    });
  }

  #exists(node: NodeName): boolean {
    return node !== 'lm1' || this.lab.locationServers.length > 0;
  }

  #later(millis: number, what: () => Promise<void>): void {
    this.#due.push({ at: this.lab.now() + millis, what });
    this.#due.sort((a, b) => a.at - b.at);
  }

  /** Lets time pass, and ends what is due. */
  async #pass(millis: number): Promise<void> {
    const until = this.lab.now() + millis;
    for (let [next] = this.#due; next !== undefined && next.at <= until; [next] = this.#due) {
      this.#due.shift();
      await this.lab.sleep(Math.max(0, next.at - this.lab.now()));
      await next.what();
    }
    await this.lab.sleep(Math.max(0, until - this.lab.now()));
  }

  async #address(host: HostName): Promise<string | undefined> {
    return (await this.lab.addresses(host)).find(({ tentative, deprecated }) => !tentative && !deprecated)
      ?.address;
  }

  /** What a host holds is leased to it, and to nobody else. */
  async #checkLeases(): Promise<void> {
    if ((await this.#unleased()).length === 0) return;
    // An advertisement counts from when it comes, a lease from when it leaves.
    await this.#pass(GRACE_MILLIS);
    const unleased = await this.#unleased();
    holds(unleased.length === 0, 'lease', () => unleased.join('; '));
  }

  async #unleased(): Promise<string[]> {
    const unleased: string[] = [];
    for (const host of HOSTS) {
      for (const { address } of await this.lab.addresses(host)) {
        const maar = ROAMED.find((name) => contains(maarPool(name), address));
        if (maar === undefined || this.#down.has(maar)) continue;
        const { leases } = (await this.lab.show(maar)).maar.leases;
        const holder = leases.find(({ prefix }) => prefix === prefixOf(address, 64))?.mnId;
        if (holder !== mnId(host))
          unleased.push(`${host} holds ${address}, which ${maar} has leased to ${holder ?? 'nobody'}`);
      }
    }
    return unleased;
  }

  async #checkReachable(): Promise<void> {
    for (const host of HOSTS) {
      const maar = this.#places.get(host)!;
      const address = await this.#address(host);
      holds(
        address !== undefined && contains(maarPool(maar), address),
        'reachable',
        () => `${host} at ${maar} has ${address ?? 'no address'}`,
      );
      for (const [from, to] of [
        [host, 'cn'],
        ['cn', host],
      ] as const) {
        const ends = { from: from === 'cn' ? CN.address : address, to: to === 'cn' ? CN.address : address };
        const lost = await this.#lossOf(from, to, ends);
        holds(
          lost === 0,
          'reachable',
          () => `${ends.from} -> ${ends.to} of ${host} at ${maar}: ${lost} of ${PROBES} lost`,
        );
      }
    }
  }

  async #checkSessions(): Promise<void> {
    for (const session of this.#sessions) {
      const { from, to, ends, streams } = session;
      for (const stream of streams) await stream.finish();
      if (!(await this.#isHeld(session))) continue;
      const back = { from: ends.to, to: ends.from };
      const lost = (await this.#lossOf(from, to, ends)) + (await this.#lossOf(to, from, back));
      // An address may end while it is tried.
      holds(lost === 0 || !(await this.#isHeld(session)), 'session', () => {
        const [here, there] = [from, to].map(
          (end) => `${end} (at ${this.#places.get(end as HostName) ?? end})`,
        );
        return `${here} ${ends.from} and ${there} ${ends.to}: ${lost} of ${2 * PROBES} lost`;
      });
    }
  }

  async #isHeld({ from, to, ends }: Session): Promise<boolean> {
    return (await this.#holds(from, ends.from)) && (await this.#holds(to, ends.to));
  }

  async #holds(host: EndName, address: string): Promise<boolean> {
    return (await this.lab.addresses(host)).some((one) => one.address === address && !one.tentative);
  }

  async #lossOf(from: EndName, to: EndName, ends: { from: string; to: string }): Promise<number> {
    const probe = await this.#ping(from, to, ends, PING_MILLIS);
    await this.lab.sleep(PROBES * PING_MILLIS - 1);
    const { sent, received } = await probe.finish();
    return Math.max(PROBES - sent, sent - received);
  }

  #one<T>(list: readonly T[]): T {
    return list[Math.floor(this.#random() * list.length)]!;
  }
}
