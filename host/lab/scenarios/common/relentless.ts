import type { HandoverReport, Lab, MaarName, MoveKind, Stream, StreamReport } from '../../lab.ts';
import { mnId } from '../../plan.ts';
import { overtaking } from './bounds.ts';
import { slack, type Checks } from './checks.ts';
import { cutDown, cutUp, datagramsOf, linkedAt, takenBy, type Cut } from './cuts.ts';
import { attachBoth, awaitAddress, nodeAt, settle } from './domain.ts';
import { handover, report, type Handover } from './handover.ts';

/** A packet each millisecond in each direction: 1,000 a second. */
export const RATE_INTERVAL_MS = 1;
export const GAP_MILLIS = 200;
/** Four seconds of the traffic: a machine that does other things takes longer than the network to let packets go on. */
export const HOLD = { packets: 4_096 } as const;
/** From the cut until a host's own stack is at rest again. */
const AFTER_MOVE_MILLIS = 1_000;
/**
 * Uplink packets of one move that may be overtaken: from the host on there is one path. On real kernels those that wait in
 * a TUN device while the kernel takes a source over are passed by the first that it forwards itself, for as long as a busy
 * machine leaves the packet worker waiting.
 */
const UPLINK_REORDERED = { sim: 0, netns: 25 } as const;

/** One tour of A under traffic, and what became of it. */
export interface Tour {
  readonly moves: readonly Handover[];
  readonly handovers: readonly HandoverReport[];
  readonly down: StreamReport;
  readonly up: StreamReport;
  readonly transfer: StreamReport;
  /** Between which times the streams ran. */
  readonly from: number;
  readonly until: number;
}

export interface Ends {
  readonly aHoa: string;
  readonly bHoa: string;
}

export async function startEnds(lab: Lab): Promise<Ends> {
  const { a: aHoa, b: bHoa } = await attachBoth(lab);
  return { aHoa, bHoa };
}

/** Begins a stream of UDP packets from B to A. */
export async function startDownlink(lab: Lab, { aHoa, bHoa }: Ends, intervalMs: number): Promise<Stream> {
  const stream = await lab.stream({
    name: 'udp B>A',
    from: 'B',
    to: 'A',
    kind: 'udp',
    intervalMs,
    fromAddress: bHoa,
    toAddress: aHoa,
  });
  await settle(lab);
  return stream;
}

/** How often packets come, and how long A is without a link in each move. */
export interface Pace {
  readonly intervalMs: number;
  readonly gapMillis: number;
}

export const RELENTLESS: Pace = { intervalMs: RATE_INTERVAL_MS, gapMillis: GAP_MILLIS };

/** Takes A along `route`, which begins where it is. */
export async function tour(
  lab: Lab,
  checks: Checks,
  { aHoa, bHoa }: Ends,
  kind: MoveKind,
  route: readonly MaarName[],
  { intervalMs, gapMillis } = RELENTLESS,
): Promise<Tour> {
  const there = { from: 'A', to: 'B', fromAddress: aHoa, toAddress: bHoa } as const;
  const back = { from: 'B', to: 'A', fromAddress: bHoa, toAddress: aHoa } as const;
  const up = await lab.stream({ name: `${kind}: udp A>B`, kind: 'udp', intervalMs, ...there });
  const down = await lab.stream({ name: `${kind}: udp B>A`, kind: 'udp', intervalMs, ...back });
  const bytes = 1_000_000;
  const tcp = await lab.stream({ name: `${kind}: tcp A>B`, kind: 'tcp', intervalMs: 10, bytes, ...there });
  await settle(lab);
  const begin = lab.now();
  const moves: Handover[] = [];
  for (let index = 1; index < route.length; index++) {
    const to = route[index]!;
    moves.push(await handover(lab, 'A', route[index - 1]!, to, kind, gapMillis));
    await lab.until(`${to} has A`, 20_000, async () => (await nodeAt(lab, to, 'A'))?.state === 'attached');
    await awaitAddress(lab, 'A', to);
    await settle(lab);
  }
  const until = lab.now();
  const [upward, downward, transfer] = await Promise.all([up.finish(), down.finish(), tcp.finish()]);
  const reports = { up: upward, down: downward, transfer };
  checks.equal(`${kind}: SHA-256 of the transfer matches`, reports.transfer.intact, true);
  for (const stream of [reports.up, reports.down]) {
    checks.equal(`${stream.spec.name}: packets duplicated`, stream.duplicated, 0);
  }
  checkOrder(checks, reports.up, moves.length * UPLINK_REORDERED[lab.backend]);
  checkOrder(checks, reports.down, moves.length * overtaking(lab, intervalMs));
  const streams = { down: reports.down, up: reports.up };
  const handovers = moves.map((move, index) => report(lab, move, streams, moves[index + 1]?.at));
  return { moves, handovers, ...reports, from: begin, until };
}

/** What the network did to the order: packets that a host's own stack had out of order at its port are not counted. */
function checkOrder(checks: Checks, report: StreamReport, bound: number): void {
  const { spec, reordered, reorderedAtPort = 0, lateness } = report;
  const furthest =
    lateness === undefined
      ? ''
      : `, the furthest ${lateness.packets} packets (${lateness.millis.toFixed(1)} ms) behind`;
  checks.atMost(
    `${spec.name}: packets reordered by the network${furthest}`,
    reordered - reorderedAtPort,
    bound,
  );
}

/**
 * What was sent between the cut and the buffer's standing is lost, with what was on the access link: by the rate where
 * packets come at their times, else by what was captured. Returns the delays of the detection.
 */
export async function checkUnannounced(
  lab: Lab,
  checks: Checks,
  tour: Tour,
  intervalMs = RATE_INTERVAL_MS,
): Promise<readonly number[]> {
  const { moves, down } = tour;
  const found = moves.map((move) => ({ move, delay: detectionDelay(lab, move) }));
  const noticed = found.filter((one): one is { move: Handover; delay: number } => one.delay !== undefined);
  checks.equal('moves that the old MAAR noticed', noticed.length, moves.length);
  const delays = noticed.map(({ delay }) => delay);
  const millis = delays.reduce((sum, delay) => sum + delay, 0);
  const shown = delays.map((delay) => delay.toFixed(1)).join(', ');
  const cuts = noticed.map(({ move, delay }) => cutDown(move, move.at + delay, slack(lab)));
  const expected =
    lab.backend === 'sim'
      ? Math.ceil((millis + delays.length * lab.delay) / intervalMs)
      : await taken(lab, down, cuts);
  checks.atMost(
    `${down.spec.name}: packets lost; rate x detection delay (${shown} ms) is ${Math.round(millis / intervalMs)}`,
    down.lost,
    expected + moves.length + lab.overflowed(),
  );
  return delays;
}

/** A frame that left the host's port while its link was being cut ended in the air; the simulation cuts in no time. */
export async function checkUplink(lab: Lab, checks: Checks, { moves, up }: Tour): Promise<void> {
  const packets = await lab.captured();
  const cuts = moves.map((move) => cutUp(move, linkedAt(packets, move), slack(lab)));
  const bound = lab.backend === 'sim' ? 0 : (await taken(lab, up, cuts)) + moves.length + lab.overflowed();
  checks.atMost(`${up.spec.name}: packets lost of ${up.sent}`, up.lost, bound);
}

/** Packets of a stream that cuts took. */
async function taken(lab: Lab, { spec }: StreamReport, cuts: readonly Cut[]): Promise<number> {
  const datagrams = datagramsOf(await lab.captured(), spec.fromAddress!, spec.toAddress!);
  return cuts.reduce((sum, cut) => sum + takenBy(cut, datagrams), 0);
}

/** Milliseconds between frames that a host sent while it had a link, the longest; what a detector by silence must allow. */
export async function longestPause(lab: Lab, { moves, from, until }: Tour): Promise<number> {
  const times = (await lab.captured())
    .filter(({ link, sender, at }) => link === 'host-A' && sender === 'A' && at >= from && at <= until)
    .map(({ at }) => at);
  const linked = (begin: number, end: number): boolean =>
    moves.every(({ at }) => end < at || begin > at + AFTER_MOVE_MILLIS);
  return times.slice(1).reduce((longest, at, index) => {
    const before = times[index]!;
    return linked(before, at) ? Math.max(longest, at - before) : longest;
  }, 0);
}

/** Milliseconds from a move's beginning until the old MAAR kept what came; undefined where it never did. */
function detectionDelay(lab: Lab, { at, from, host }: Handover): number | undefined {
  const record = lab
    .trace()
    .find(
      ({ at: time, node, what, detail }) =>
        time >= at && node === from && what === 'buffering' && detail?.['mnId'] === mnId(host),
    );
  return record === undefined ? undefined : record.at - at;
}
