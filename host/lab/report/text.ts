import { table } from '../../daemon/show/table.ts';
import type { StreamReport } from '../lab.ts';
import type { RunReport } from './model.ts';
import { anchorName } from './paths.ts';
import type { Style } from './style.ts';
import { shortName, timelineOf } from './timeline.ts';

/** The report for people. In short: what an operator asks first, one screen; in full: everything. */
export function formatReport(report: RunReport, style: Style, full: boolean): string {
  const sections = [
    full ? section('timeline', timeline(report)) : '',
    full ? '' : section('last handover', lastHandover(report)),
    section(`handovers (ms${report.delay > 0 ? `, d = ${report.delay} ms one way` : ''})`, handovers(report)),
    section('streams', streams(report)),
    section('paths (= tunnelled)', paths(report)),
    section('binding lists', bindings(report)),
    section('location servers', locations(report)),
    section('counters', counters(report, full)),
    section('checks', checks(report, style, full)),
  ];
  return `${sections.filter((text) => text !== '').join('\n')}\n${verdict(report, style)}`;

  function section(title: string, body: string): string {
    return body === '' ? '' : `${style.strong(title)}\n${body}`;
  }
}

export function verdict(report: RunReport, style: Style): string {
  const { checks: all } = report.result;
  const good = all.filter(({ passed }) => passed).length;
  const word = report.passed ? style.good('PASS') : style.bad('FAIL');
  const seconds = (report.duration / 1000).toFixed(1);
  const where = `${report.scheme} on ${report.backend}`;
  const error = report.error === undefined ? '' : `\n${indent(report.error)}`;
  return `${word}  ${report.scenario} (${where}): ${good} of ${all.length} checks, ${seconds} s${error}\n`;
}

function timeline(report: RunReport): string {
  return report.moves.map((_, index) => ladder(report, index)).join('');
}

function lastHandover(report: RunReport): string {
  const index = report.moves.findLastIndex(({ from }) => from !== undefined);
  return index < 0 ? '' : ladder(report, index);
}

function ladder({ moves, trace }: RunReport, index: number): string {
  const move = moves[index]!;
  const until = moves[index + 1]?.begun ?? Infinity;
  const head = `  ${(move.begun / 1000).toFixed(3)} s  ${move.host}: ${move.from ?? 'nowhere'} -> ${move.to} (${move.kind})`;
  const lines = timelineOf(move, until, trace).map(
    ({ after, text }) => `  ${`+${after.toFixed(1)}`.padStart(9)}  ${text}`,
  );
  return `${[head, ...lines].join('\n')}\n`;
}

function handovers({ result, delay }: RunReport): string {
  const cell = (ms: number | undefined): string => {
    if (ms === undefined) return '-';
    return delay > 0 ? `${ms.toFixed(1)} (${(ms / delay).toFixed(1)} d)` : ms.toFixed(1);
  };
  const rows = result.handovers.map((h) => [
    `${h.host}  ${h.from ?? 'nowhere'} -> ${h.to}`,
    h.kind,
    ...[h.detected, h.aaaAnswered, h.firstRa, h.sdba, h.ddba, h.downlink, h.uplink].map(cell),
  ]);
  const heads = ['move', 'kind', 'detected', 'AAA', 'first RA', 'sDBA', 'dDBA', 'downlink', 'uplink'];
  return rows.length === 0 ? '' : indent(table(heads, rows, ''));
}

function streams({ result }: RunReport): string {
  const rows = result.streams.map((stream) => [
    stream.spec.name,
    ...[stream.sent, stream.received, stream.lost, stream.duplicated].map(String),
    reordered(stream),
    longestGap(stream),
    stream.intact === undefined ? '' : stream.intact ? 'SHA-256 matches' : 'BROKEN',
  ]);
  const heads = ['stream', 'sent', 'received', 'lost', 'twice', 'reordered', 'longest gap', ''];
  return rows.length === 0 ? '' : indent(table(heads, rows, ''));
}

/** How many, and how far the furthest came behind the first packet that overtook it. */
function reordered({ reordered: count, lateness }: StreamReport): string {
  return lateness === undefined
    ? String(count)
    : `${count}, by ${lateness.packets} packets or ${lateness.millis.toFixed(0)} ms`;
}

function longestGap({ gaps }: StreamReport): string {
  const [longest] = gaps.toSorted((a, b) => b.length - a.length);
  return longest === undefined
    ? 'none'
    : `${longest.length.toFixed(0)} ms at ${(longest.at / 1000).toFixed(1)} s`;
}

function paths(report: RunReport): string {
  const rows = report.paths.map(({ move, src, dst, before, after }) => [
    `${move.host}  ${move.from ?? 'nowhere'} -> ${move.to}`,
    `${anchorName(src)} > ${anchorName(dst)}`,
    before ?? 'none',
    after ?? 'none',
  ]);
  return rows.length === 0 ? '' : indent(table(['move', 'homes', 'before', 'after'], rows, ''));
}

function bindings({ maars }: RunReport): string {
  const rows = maars.flatMap(({ name, status: { maar } }) => [
    ...maar.nodes.flatMap((node) => {
      const host = shortName(node.mnId);
      const attached = [[name, host, 'prefix', node.prefix, node.state]];
      const internal = node.internal.map((binding) => [
        name,
        host,
        'internal',
        `${binding.hoa} -> ${shortName(binding.maar)}`,
        binding.tunnelled ? 'tunnel' : 'native',
      ]);
      const external = node.external.map((binding) => [
        name,
        host,
        'external',
        `${binding.hoa} -> ${binding.coa}`,
        `of ${shortName(binding.anchor)}`,
      ]);
      return [...attached, ...internal, ...external];
    }),
    ...maar.anchored.map((home) => [
      name,
      shortName(home.mnId),
      'anchor',
      `${home.hoa} -> ${shortName(home.serving)}`,
      '',
    ]),
    ...maar.released.map((node) => [
      name,
      shortName(node.mnId),
      'released',
      node.movedTo === undefined ? '' : `-> ${shortName(node.movedTo)}`,
      node.forwarding ? 're-tunnels' : 'memory only',
    ]),
  ]);
  return rows.length === 0 ? '' : indent(table(['MAAR', 'MN', 'list', 'entry', ''], rows, ''));
}

function locations({ lms }: RunReport): string {
  const rows = lms.flatMap(({ name, registrations }) =>
    registrations.flatMap(({ mnId, prefixes, delegated, locator, counter }) =>
      [...prefixes, ...delegated].map((prefix) => [
        ...[name, shortName(mnId), prefix, shortName(locator), String(counter)],
      ]),
    ),
  );
  return rows.length === 0 ? '' : indent(table(['server', 'MN', 'prefix', 'at', 'counter'], rows, ''));
}

/** In short, what tells of mobility and of trouble. */
const TELLING =
  /^(tunnelled|reverse-tunnelled|retunnelled|decapsulated|held|released|drop-.*|hold-.*|refused-.*|too-big-sent|events-lost)$/;

function counters({ maars, lms }: RunReport, full: boolean): string {
  const nodes = [
    ...maars.map(({ name, status }) => ({
      name,
      values: { ...status.maar.counters, ...status.dataplane.counters },
    })),
    ...lms.map(({ name, counters: values }) => ({ name, values })),
  ];
  return nodes
    .map(({ name, values }) => {
      const moved = Object.entries(values)
        .filter(([counter, value]) => value > 0 && (full || TELLING.test(counter)))
        .map(([counter, value]) => `${counter} ${value}`);
      return moved.length === 0 ? '' : `  ${name}  ${moved.join(', ')}\n`;
    })
    .join('');
}

function checks({ result }: RunReport, style: Style, full: boolean): string {
  const lines = result.checks
    .filter(({ passed }) => full || !passed)
    .map(({ what, passed, expected, seen }) => {
      const word = passed ? style.good('ok  ') : style.bad('FAIL');
      return `  ${word}  ${what}\n${passed && !full ? '' : style.faint(`          expected ${expected}; seen ${seen}`)}\n`;
    });
  return lines.join('');
}

function indent(text: string): string {
  return text.replace(/^(?=.)/gm, '  ');
}
