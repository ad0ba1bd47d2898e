import type { TraceRecord } from '../lab.ts';
import { AAA, HOSTS, LMS, lmAddress, MAARS, mnId, maarAddress } from '../plan.ts';
import type { Move } from './model.ts';

/** Signalling of a handover; keep-alives and hellos are no part of one. */
const MESSAGES = new Set([
  'RS',
  'RA',
  'AAR',
  'AAA',
  'STR',
  'STA',
  'ASR',
  'ASA',
  'sDBU',
  'sDBA',
  'dDBU',
  'dDBA',
  'BU',
  'BA',
  'BE',
  'PBQ',
  'PQA',
  'PBU',
  'PBA',
  'UPN',
  'UPA',
  'LRI',
  'LRA',
  'HI',
  'HAck',
]);
/** What a MAAR decides on the way, besides messages. */
const EVENTS = new Set(['attach', 'link-lost', 'detach', 'registered', 'released', 'refused']);
/** A handover's signalling is over by then; later messages are upkeep. */
const WINDOW = 1_500;

const NAMES: ReadonlyMap<string, string> = new Map([
  ...HOSTS.map((host) => [mnId(host), host] as const),
  ...MAARS.flatMap((name) => [[maarAddress(name), name] as const, [`${name}.${AAA.realm}`, name] as const]),
  ...LMS.map((name) => [lmAddress(name), name] as const),
  [AAA.originHost, AAA.name],
  [AAA.address, AAA.name],
]);

export function shortName(name: string): string {
  return NAMES.get(name) ?? name;
}

export interface TimelineLine {
  /** Milliseconds after the move began. */
  readonly after: number;
  readonly text: string;
}

/** Who sent what to whom because of one move; messages stand at the time they were sent. */
export function timelineOf(move: Move, until: number, trace: readonly TraceRecord[]): TimelineLine[] {
  const end = Math.min(until, move.at + WINDOW);
  return trace
    .filter(({ at }) => at >= move.begun && at < end)
    .flatMap((record) => {
      const text = sentence(record);
      return text === undefined ? [] : [{ after: record.at - move.begun, text }];
    });
}

function sentence({ node, what, message, to, detail }: TraceRecord): string | undefined {
  if (what === 'send' && message !== undefined && MESSAGES.has(message)) {
    return `${node} -> ${shortName(to ?? '*')}  ${message}${particulars(detail)}`;
  }
  if (!EVENTS.has(what)) return undefined;
  const host = typeof detail?.['mnId'] === 'string' ? ` ${shortName(detail['mnId'])}` : '';
  const why = ['trigger', 'why', 'previous']
    .map((key) => detail?.[key])
    .filter((value): value is string => typeof value === 'string')
    .map((value) => ` (${shortName(value)})`)
    .join('');
  return `${node}  ${what}${host}${why}`;
}

/** The parts of a message that tell a handover's story. */
function particulars(detail: TraceRecord['detail']): string {
  const parts: string[] = [];
  const { homes, correspondents, status, prefixes, moved } = detail ?? {};
  if (typeof status === 'number' && status !== 0) parts.push(`status ${status}`);
  if (Array.isArray(homes) && homes.length > 0) parts.push(`${homes.length} home${plural(homes)}`);
  if (Array.isArray(correspondents) && correspondents.length > 0) {
    parts.push(`${correspondents.length} correspondent${plural(correspondents)}`);
  }
  if (typeof prefixes === 'string') parts.push(prefixes);
  if (typeof moved === 'string') parts.push(`moved to ${shortName(moved)}`);
  return parts.length === 0 ? '' : `  ${parts.join(', ')}`;
}

function plural(list: readonly unknown[]): string {
  return list.length === 1 ? '' : 's';
}
