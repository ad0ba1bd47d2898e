import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Check, TraceRecord } from '../../../host/lab/lab.ts';
import { mnId } from '../../../host/lab/plan.ts';
import type { RunReport } from '../../../host/lab/report/model.ts';
import { Progress } from '../../../host/lab/report/progress.ts';
import { styleFor } from '../../../host/lab/report/style.ts';
import { formatReport, verdict } from '../../../host/lab/report/text.ts';
import { timelineOf } from '../../../host/lab/report/timeline.ts';

const good: Check = { what: 'the session survived', passed: true, expected: '0', seen: '0' };
const bad: Check = { what: 'nothing lost', passed: false, expected: 'at most 3', seen: '7' };

const move = { begun: 5_000, at: 5_010, host: 'A', from: 'a1', to: 'a2', kind: 'carrier' } as const;

const record = (at: number, fields: Partial<TraceRecord>): TraceRecord => ({
  type: 'trace',
  at,
  node: 'a2',
  what: 'send',
  ...fields,
});

const trace: readonly TraceRecord[] = [
  record(4_999, { what: 'attach', detail: { mnId: mnId('B') } }),
  record(5_020, { what: 'attach', detail: { mnId: mnId('A'), trigger: 'frame' } }),
  record(5_021, { message: 'AAR', to: 'aaa.maar.example' }),
  record(5_030, { message: 'sDBU', to: 'a1', detail: { homes: [] } }),
  record(5_031, { what: 'receive', message: 'sDBU', node: 'a1', from: 'a2' }),
  record(5_040, { node: 'a1', message: 'sDBA', to: 'a2', detail: { homes: [1, 2], status: 0 } }),
  record(5_041, { node: 'a1', message: 'echo' }),
  record(9_000, { message: 'RA', to: mnId('A') }),
];

function report(checks: readonly Check[]): RunReport {
  return {
    scenario: 'figure1',
    summary: 'a move',
    backend: 'sim',
    scheme: 'romip',
    seed: 1,
    delay: 10,
    passed: checks.every(({ passed }) => passed),
    duration: 12_345,
    result: {
      checks,
      streams: [
        {
          spec: { name: 'udp A>B', from: 'A', to: 'B', kind: 'udp' },
          sent: 100,
          received: 97,
          lost: 3,
          duplicated: 0,
          reordered: 1,
          gaps: [{ at: 5_000, length: 120 }],
        },
      ],
      handovers: [{ ...move, detected: 10, downlink: 110 }],
    },
    moves: [move],
    paths: [],
    maars: [],
    lms: [],
    trace,
  };
}

test('the timeline of a move has its messages when they were sent, by name', () => {
  assert.deepEqual(timelineOf(move, Infinity, trace), [
    { after: 20, text: 'a2  attach A (frame)' },
    { after: 21, text: 'a2 -> aaa  AAR' },
    { after: 30, text: 'a2 -> a1  sDBU' },
    { after: 40, text: 'a1 -> a2  sDBA  2 homes' },
  ]);
});

test('the short report shows what failed, the full one everything', () => {
  const plain = styleFor(false);
  const short = formatReport(report([good, bad]), plain, false);
  assert.match(short, /FAIL {2}nothing lost\n +expected at most 3; seen 7/);
  assert.doesNotMatch(short, /the session survived/);
  assert.match(formatReport(report([good, bad]), plain, true), /ok {4}the session survived/);
  assert.match(short, /^ {2}A {2}a1 -> a2 +carrier +10\.0 \(1\.0 d\) +- +- +- +- +110\.0 \(11\.0 d\) +-$/m);
  assert.match(short, /^ {2}udp A>B +100 +97 +3 +0 +1 +120 ms at 5\.0 s$/m);
});

test('the verdict is one line, and names what ended a run early', () => {
  const plain = styleFor(false);
  assert.equal(verdict(report([good]), plain), 'PASS  figure1 (romip on sim): 1 of 1 checks, 12.3 s\n');
  const broken = { ...report([good]), passed: false, error: 'a3 ended (SIGSEGV)' };
  assert.equal(
    verdict(broken, plain),
    'FAIL  figure1 (romip on sim): 1 of 1 checks, 12.3 s\n  a3 ended (SIGSEGV)\n',
  );
});

test('colour and redrawing are for terminals only', () => {
  const written = (isTTY: boolean): string => {
    let text = '';
    const progress = new Progress({ isTTY, columns: 12, write: (part) => (text += part) });
    progress.step('a step that is longer');
    progress.step('b');
    progress.clear();
    return text;
  };
  assert.equal(written(false), 'a step that is longer\nb\n');
  assert.equal(written(true), '\r\x1b[Ka step that\r\x1b[Kb\r\x1b[K');
  assert.doesNotMatch(formatReport(report([good, bad]), styleFor(false), true), /\x1b/);
  assert.match(verdict(report([bad]), styleFor(true)), /\x1b\[31mFAIL\x1b\[0m/);
});
