import type { EndName, Lab, MaarName, StreamReport } from '../lab.ts';
import { CN, MAARS } from '../plan.ts';
import { journeysOf, linksCrossed, type Journey } from '../report/journeys.ts';
import { attach, awaitAddress } from '../scenarios/common/domain.ts';
import { handover, silence, type Handover } from '../scenarios/common/handover.ts';
import { SIGNALLING_KINDS, signallingIn, type Signalling, type SignallingKind } from './signalling.ts';

/** What became of one new session to an address that the host got at a MAAR which it has left. */
export interface NewSession {
  /** Milliseconds that its first packet took; undefined if it never came. */
  readonly firstPacket: number | undefined;
  /** Links that the first and the last packet crossed, for each link that a native packet would have. */
  readonly before: number | undefined;
  readonly after: number | undefined;
}

/** What one node holds: at the MAAR, and at the server of location management, that holds most. */
export interface NodeState {
  /** Entries of a MAAR's data plane. */
  readonly entries: number;
  /** Lines of a MAAR's binding lists, those of its anchored and released MNs among them. */
  readonly bindings: number;
  /** Locations in a MAAR's cache. */
  readonly cached: number;
  /** Registrations and subscriptions at a server of location management. */
  readonly registrations: number;
  readonly subscriptions: number;
}

export interface Measurement {
  readonly handovers: number;
  /** Of one handover, on average. */
  readonly signalling: Signalling;
  /** The longest silence of a session of two MNs that a handover caused, in milliseconds; undefined if it never ended. */
  readonly interruption: { readonly down: number | undefined; readonly up: number | undefined };
  /** From an MN of the domain, and from the correspondent outside. */
  readonly mobile: NewSession;
  readonly fixed: NewSession;
  readonly state: NodeState;
}

const INTERVAL_MS = 10;
/** After a move; upkeep of what was set up comes later, and every handover's own messages are sent by then. */
const WINDOW_MS = 4_000;
/** How long a new session lasts: what can be optimised is by then. */
const SESSION_MS = 3_000;

/**
 * A talks to B while it goes from a1 by a2 to a3; then C at b2, and the correspondent outside, begin to talk to the address
 * that A got from a1. Every number comes from what was captured on links, and from the nodes' own views.
 */
export async function measure(lab: Lab): Promise<Measurement> {
  const home = await attach(lab, 'A', 'a1');
  const peer = await attach(lab, 'B', 'b1');
  await attach(lab, 'C', 'b2');
  const session = { kind: 'udp', intervalMs: INTERVAL_MS } as const;
  const down = await lab.stream({
    ...{ name: 'down', from: 'B', to: 'A', fromAddress: peer, toAddress: home },
    ...session,
  });
  const up = await lab.stream({
    ...{ name: 'up', from: 'A', to: 'B', fromAddress: home, toAddress: peer },
    ...session,
  });
  await lab.sleep(SESSION_MS);
  const moves: Handover[] = [];
  let from: MaarName = 'a1';
  for (const to of ['a2', 'a3'] as const) {
    moves.push(await handover(lab, 'A', from, to));
    await lab.sleep(WINDOW_MS);
    await awaitAddress(lab, 'A', to);
    from = to;
  }
  const native = await awaitAddress(lab, 'A', from);
  const mobile = await newSession(lab, 'C', home, native);
  const fixed = await newSession(lab, 'cn', home, native);
  const state = await stateOf(lab);
  const streams = { down: await down.finish(), up: await up.finish() };
  return {
    handovers: moves.length,
    signalling: await signallingOf(lab, moves),
    interruption: {
      down: interruption(streams.down, moves),
      up: interruption(streams.up, moves),
    },
    ...{ mobile, fixed, state },
  };
}

async function signallingOf(lab: Lab, moves: readonly Handover[]): Promise<Signalling> {
  const packets = await lab.captured();
  const sums = moves.map(({ at }) =>
    signallingIn(packets.filter((packet) => packet.at >= at && packet.at < at + WINDOW_MS)),
  );
  const mean = (of: (signalling: Signalling) => number): number =>
    sums.reduce((sum, signalling) => sum + of(signalling), 0) / moves.length;
  return Object.fromEntries(
    SIGNALLING_KINDS.map((kind) => [
      kind,
      { messages: mean((sum) => sum[kind].messages), octets: mean((sum) => sum[kind].octets) },
    ]),
  ) as Record<SignallingKind, Signalling[SignallingKind]>;
}

/** The worst of all moves; undefined if a move ended the session. */
function interruption(stream: StreamReport, moves: readonly Handover[]): number | undefined {
  let longest = 0;
  for (const [index, move] of moves.entries()) {
    const silent = silence(stream, move, moves[index + 1]?.at);
    const length = silent === undefined ? 0 : silent.end - silent.begin;
    // It was still silent when the next thing happened.
    if (length >= WINDOW_MS) return undefined;
    longest = Math.max(longest, length);
  }
  return longest;
}

async function newSession(lab: Lab, from: EndName, home: string, native: string): Promise<NewSession> {
  const address = from === 'cn' ? CN.address : (await lab.addresses(from))[0]!.address;
  const journeys = await talk(lab, { host: from, address }, { host: 'A', address: home });
  // The way back is the way there where nothing moves, and no design has a say in what a host's own MAAR sends natively.
  const shortest = (await talk(lab, { host: 'A', address: native }, { host: from, address })).at(-1);
  const stretch = (journey: Journey | undefined): number | undefined =>
    journey === undefined || shortest === undefined
      ? undefined
      : linksCrossed(journey) / linksCrossed(shortest);
  const first = journeys[0];
  return {
    firstPacket: first === undefined ? undefined : first.sightings.at(-1)!.at - first.sightings[0]!.at,
    before: stretch(first),
    after: stretch(journeys.at(-1)),
  };
}

interface End {
  readonly host: EndName;
  readonly address: string;
}

/** What the packets of a session of one direction crossed, in the order in which they were sent. */
async function talk(lab: Lab, from: End, to: End): Promise<Journey[]> {
  const begun = lab.now();
  const stream = await lab.stream({
    name: `${from.host} to ${to.address}`,
    kind: 'udp',
    intervalMs: INTERVAL_MS,
    from: from.host,
    to: to.host,
    fromAddress: from.address,
    toAddress: to.address,
  });
  await lab.sleep(SESSION_MS);
  await stream.finish();
  const packets = (await lab.captured()).filter(({ at }) => at >= begun);
  return journeysOf(packets).filter(({ src, dst }) => src === from.address && dst === to.address);
}

async function stateOf(lab: Lab): Promise<NodeState> {
  const views = await Promise.all(MAARS.map((name) => lab.show(name)));
  const servers = await Promise.all(lab.locationServers.map((name) => lab.showLm(name)));
  const most = (numbers: readonly number[]): number => Math.max(0, ...numbers);
  return {
    entries: most(
      views.map(({ dataplane: { entries } }) =>
        [entries.destinations, entries.sources, entries.flowEntries].reduce(
          (sum, { length }) => sum + length,
          0,
        ),
      ),
    ),
    bindings: most(
      views.map(
        ({ maar: { nodes, anchored, released } }) =>
          nodes.reduce((sum, { internal, external }) => sum + internal.length + external.length, 0) +
          anchored.length +
          released.length,
      ),
    ),
    cached: most(views.map(({ maar }) => maar.cached ?? 0)),
    registrations: most(servers.map(({ registrations }) => registrations.length)),
    subscriptions: most(servers.map(({ subscriptions }) => subscriptions)),
  };
}
