import type {
  HandoverReport,
  HostName,
  Lab,
  MaarName,
  MoveKind,
  StreamReport,
  TraceRecord,
} from '../../lab.ts';
import { mnId } from '../../plan.ts';

/** One move, from the moment at which it began: without a gap, when the new link came up. */
export interface Handover {
  readonly host: HostName;
  readonly from: MaarName | undefined;
  readonly to: MaarName;
  readonly kind: MoveKind;
  readonly at: number;
}

export async function handover(
  lab: Lab,
  host: HostName,
  from: MaarName,
  to: MaarName,
  kind: MoveKind = 'carrier',
  gapMs = 0,
): Promise<Handover> {
  // The bounds count from here: what the backend itself takes to switch the link is on our side of them.
  const at = lab.now();
  await lab.move(host, to, kind, gapMs);
  return { host, from, to, kind, at };
}

/** The longest silence of a stream that a handover caused, as times after it; undefined if there was none. */
export function silence(
  report: StreamReport,
  { at }: Handover,
  before = Infinity,
): { readonly begin: number; readonly end: number } | undefined {
  return report.gaps
    .map((gap) => ({ begin: gap.at - at, end: gap.at + gap.length - at }))
    .filter(({ begin, end }) => end > 0 && begin < before - at && begin < LATEST_BEGIN)
    .sort((a, b) => b.end - b.begin - (a.end - a.begin))[0];
}

/**
 * When a stream was there again after a handover; 0 if it never fell silent for longer than it did at other times, as
 * on a loaded machine. A stream that does not come back is a silence up to its end.
 */
function resumed(report: StreamReport, move: Handover, before: number): number {
  return silence(report, move, before)?.end ?? 0;
}

/** Packets under way may still arrive for a moment after a move. */
const LATEST_BEGIN = 500;

/** When each step happened, in ms after the link came up; `before` is the time of the next move. */
export function report(
  lab: Lab,
  move: Handover,
  streams: { readonly down?: StreamReport; readonly up?: StreamReport },
  before = Infinity,
): HandoverReport {
  const { host, from, to, kind, at } = move;
  const mine = lab.trace().filter((record) => record.at >= at && record.at < before && record.node === to);
  const first = (matches: (record: TraceRecord) => boolean): number | undefined => {
    const record = mine.find(matches);
    return record === undefined ? undefined : record.at - at;
  };
  const about = (record: TraceRecord): boolean => record.detail?.['mnId'] === mnId(host);
  const parts = {
    detected: first((record) => record.what === 'attach' && about(record)),
    aaaAnswered: first((record) => record.what === 'registered' && about(record)),
    firstRa: first((record) => record.what === 'send' && record.message === 'RA' && record.to === mnId(host)),
    sdba: first(
      (record) => record.what === 'receive' && record.message === lab.handover.context && about(record),
    ),
    ddba:
      lab.handover.repointer === 'new'
        ? first(
            (record) =>
              record.what === 'receive' && record.message === lab.handover.repointed && about(record),
          )
        : undefined,
    downlink: streams.down === undefined ? undefined : resumed(streams.down, move, before),
    uplink: streams.up === undefined ? undefined : resumed(streams.up, move, before),
  };
  const known = Object.entries(parts).filter(([, value]) => value !== undefined);
  return {
    host,
    from,
    to,
    kind,
    at,
    ...(Object.fromEntries(known) as Partial<typeof parts>),
  } as HandoverReport;
}

/** Messages of an exchange in the order they must be sent, each as "node sends message to peer". */
export interface Sent {
  readonly node: string;
  readonly message: string;
  readonly to?: string;
}

/** Records of different processes may be this far out of order, in ms. */
const CLOCK_SKEW = 20;

/** The messages of `expected` that were sent after `at`, each no earlier than the one before it. */
export function order(lab: Lab, at: number, expected: readonly Sent[]): string[] {
  const skew = lab.backend === 'sim' ? 0 : CLOCK_SKEW;
  const sent = lab.trace().filter((record) => record.what === 'send' && record.at >= at);
  const seen: string[] = [];
  let last = at;
  for (const wanted of expected) {
    const record = sent.find(
      ({ at: time, node, message, to }) =>
        time >= last - skew &&
        node === wanted.node &&
        message === wanted.message &&
        (wanted.to === undefined || to === wanted.to),
    );
    if (record === undefined) break;
    last = record.at;
    seen.push(sentence(wanted));
  }
  return seen;
}

export function sentence({ node, message, to }: Sent): string {
  return `${node} sends ${message}${to === undefined ? '' : ` to ${to}`}`;
}

/** The messages by which the MAARs of a host's correspondents hear of its move, one after the other. */
export function repointing(
  lab: Lab,
  { previous, next, correspondents }: { previous: MaarName; next: MaarName; correspondents: MaarName },
): Sent[] {
  const { ask, context, repoint, repointed, repointer } = lab.handover;
  const by = repointer === 'new' ? next : previous;
  return [
    { node: next, message: ask, to: previous },
    { node: previous, message: context, to: next },
    { node: by, message: repoint, to: correspondents },
    { node: correspondents, message: repointed, to: by },
  ];
}

/** When the last acknowledgement left by which a correspondents' MAAR follows this host's move, wherever it was sent. */
export function lastRepointed(lab: Lab, { at, host }: Handover): number | undefined {
  return lab
    .trace()
    .filter(
      (record) => record.at >= at && record.what === 'send' && record.message === lab.handover.repointed,
    )
    .filter(({ detail }) => detail?.['mnId'] === undefined || detail['mnId'] === mnId(host))
    .at(-1)?.at;
}
