/** What a benchmark says of itself: machine, method, rows and what follows from them. */
import { readFileSync, statSync } from 'node:fs';
import { availableParallelism, cpus, loadavg, release, totalmem } from 'node:os';
import { tool } from './native.ts';
import type { Row } from './run.ts';

export interface Card {
  readonly processor: string;
  readonly cores: number;
  readonly memory: string;
  readonly kernel: string;
  readonly hugePages: string;
  readonly node: string;
  readonly v8: string;
  readonly gcc: string;
  readonly dpdk: string;
  readonly load: string;
}

export function machineCard(): Card {
  return {
    processor: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    kernel: release(),
    hugePages: hugePages(),
    node: process.versions.node,
    v8: process.versions.v8,
    gcc: tool('gcc', ['-dumpfullversion']) ?? 'none',
    dpdk: tool('pkg-config', ['--modversion', 'libdpdk']) ?? 'none',
    load: loadavg()
      .map((load) => load.toFixed(1))
      .join(' '),
  };
}

function hugePages(): string {
  try {
    return readFileSync('/sys/kernel/mm/transparent_hugepage/enabled', 'utf8').trim();
  } catch {
    return 'unknown';
  }
}

export function method(rounds: number, churn: boolean): string {
  return [
    `${rounds} rounds; each runs every engine once over the same queries, in shuffled order.`,
    'Look-ups are asked for 1,024 at a time and done in batches of 64, with last-use stamps (module and C);',
    'packets are processed 64 at a time. Keys and packets are copied into place before the time runs.',
    churn ? 'Before that, ten times as many keys as a table holds are inserted and deleted.' : 'No churn.',
    'madvise(MADV_HUGEPAGE) on the linear memory, the C tables and the heap that DPDK takes its tables from.',
    'Times in ns for each look-up or packet; ratios: of medians / median of the rounds.',
  ].join(' ');
}

export interface Figure {
  readonly what: string;
  readonly value: number;
}

/** What the rows and the module say together: the ratios between rows that ran at different times, and sizes. */
export function figures(rows: readonly Row[], module: URL): Figure[] {
  const find = (bench: string, entries: number, engine: string): number | undefined =>
    rows.find(
      (row) =>
        row.bench === bench && row.keys === 'uniform' && row.entries === entries && row.engine === engine,
    )?.median;
  const result: Figure[] = [];
  const ratio = (what: string, a: number | undefined, b: number | undefined): void => {
    if (a !== undefined && b !== undefined) result.push({ what, value: a / b });
  };
  const engine = 'V8 SIMD';
  for (const entries of new Set(rows.map((row) => row.entries))) {
    ratio(
      `miss against hit, ${engine}, ${entries}`,
      find('miss', entries, engine),
      find('hit', entries, engine),
    );
  }
  ratio('hit at 1,000,000 against 1,000', find('hit', 1_000_000, engine), find('hit', 1_000, engine));
  result.push({ what: 'octets of the module with SIMD', value: statSync(module).size });
  return result;
}

/** One group of rows as lines of text. */
export function groupText(rows: readonly Row[]): string {
  const first = rows[0];
  if (first === undefined) return '';
  const references = [...new Set(rows.flatMap((row) => Object.keys(row.ratios)))];
  const heads = ['engine', 'median', 'p10', 'p90', ...references.map((name) => `to ${name}`)];
  const cells = rows.map((row) => [
    row.engine,
    ...[row.median, row.p10, row.p90].map((value) => value.toFixed(1)),
    ...references.map((name) => {
      const ratio = row.ratios[name];
      return ratio === undefined ? '' : `${ratio.ofMedians.toFixed(2)} / ${ratio.ofRounds.toFixed(2)}`;
    }),
  ]);
  const widths = heads.map((head, column) =>
    Math.max(head.length, ...cells.map((row) => row[column]!.length)),
  );
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!)))
      .join('  ');
  const title = `${first.bench}, ${first.keys} keys, ${first.entries.toLocaleString('en')} entries`;
  return `\n${title}\n${[heads, ...cells].map((row) => `  ${line(row).trimEnd()}\n`).join('')}`;
}

export function cardText(card: Card): string {
  return Object.entries(card)
    .map(([name, value]) => `${name}: ${value}`)
    .join('; ');
}
