import type { ScaleResult } from '../../../sim/scale/run.ts';
import { EXCHANGES } from '../../../sim/scale/tally.ts';

/** One column of the report. */
export interface Figure {
  readonly name: string;
  readonly unit: string;
  readonly of: (result: ScaleResult) => number;
}

const perSecond = (name: string, of: Figure['of']): Figure => ({ name, unit: '1/s', of });

/** What is told of each run, in the order of the columns; those of `SHOWN` in the table, all in the CSV. */
export const FIGURES: readonly Figure[] = [
  { name: 'look-ups', unit: '1/s', of: ({ lookUps }) => lookUps },
  { name: 'hits', unit: '%', of: ({ hitRate }) => 100 * hitRate },
  { name: 'hits of first packets', unit: '%', of: ({ firstHitRate }) => 100 * firstHitRate },
  perSecond('queries', ({ exchanges }) => exchanges.query),
  perSecond('counters', ({ exchanges }) => exchanges.counter),
  perSecond('updates', ({ exchanges }) => exchanges.update),
  perSecond('pushes', ({ exchanges }) => exchanges.push),
  perSecond('redirects', ({ exchanges }) => exchanges.redirect),
  perSecond('by home', ({ byHome }) => byHome),
  perSecond('astray', ({ astray }) => astray),
  { name: 'stretch', unit: '', of: ({ stretch }) => stretch },
  { name: 'wait of first packets', unit: 'ms', of: ({ firstWait }) => firstWait },
  { name: 'cache', unit: 'entries/router', of: ({ state }) => state.cachedPerRouter },
  { name: 'fullest cache', unit: 'entries', of: ({ state }) => state.cachedMost },
  { name: 'registrations', unit: 'entries/server', of: ({ state }) => state.registrationsPerServer },
  { name: 'subscriptions', unit: 'entries/server', of: ({ state }) => state.subscriptionsPerServer },
  { name: 'state', unit: 'entries/MN', of: ({ state }) => state.entriesPerNode },
  ...EXCHANGES.map((exchange) => perSecond(`${exchange}, servers`, ({ between }) => between[exchange])),
];

const SHOWN = 17;

/** Who is who: design, MAARs, MNs, speed. */
const HEAD = ['design', 'MAARs', 'MNs', 'crossings/min'] as const;

function head({ plan }: ScaleResult): string[] {
  return [plan.design, String(plan.maars), String(plan.nodes), String(plan.speed)];
}

/** Four significant digits, as plain decimals. */
function rounded(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** A table in Markdown. */
export function scaleTable(results: readonly ScaleResult[]): string {
  const figures = FIGURES.slice(0, SHOWN);
  const titles = [...HEAD, ...figures.map(({ name, unit }) => (unit === '' ? name : `${name}, ${unit}`))];
  const rows = results.map((result) => [...head(result), ...figures.map(({ of }) => rounded(of(result)))]);
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |\n`;
  return [titles, titles.map((_, index) => (index === 0 ? '---' : '---:')), ...rows].map(line).join('');
}

/** Every figure of every run; the first line names them. */
export function scaleCsv(results: readonly ScaleResult[]): string {
  const titles = [
    ...HEAD,
    ...FIGURES.map(({ name, unit }) => `"${unit === '' ? name : `${name}, ${unit}`}"`),
  ];
  const rows = results.map((result) => [...head(result), ...FIGURES.map(({ of }) => rounded(of(result)))]);
  return [titles, ...rows].map((cells) => `${cells.join(',')}\n`).join('');
}
