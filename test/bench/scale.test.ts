import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { plot } from '../../host/lab/bench/scale/plot.ts';
import { DESIGN_NAMES, GROWTH, plansOf } from '../../host/lab/bench/scale/series.ts';

const main = fileURLToPath(new URL('../../host/daemon/main.ts', import.meta.url));

async function scale(...args: string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(process.execPath, [main, 'bench', 'scale', ...args]);
  return stdout;
}

test('a table of every run, the same in the CSV, by two threads in the order asked for', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'maar-scale-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const file = join(directory, 'scale.csv');
  const asked = [
    '--maars',
    '100',
    '--nodes',
    '500,1000',
    '--design',
    'gateway-query,anycast-push',
    '--csv',
    file,
  ];
  const rows = (await scale(...asked)).trimEnd().split('\n').slice(2);
  const cells = rows.map((row) =>
    row
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
  const runs = [
    'gateway-query,100,500,1',
    'anycast-push,100,500,1',
    'gateway-query,100,1000,1',
    'anycast-push,100,1000,1',
  ];
  assert.deepEqual(
    cells.map((row) => row.slice(0, 4).join()),
    runs,
  );
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
  assert.ok(lines[0]!.startsWith('design,MAARs,MNs,crossings/min,"look-ups, 1/s"'));
  assert.deepEqual(
    lines.slice(1).map((line) => line.split(',').slice(0, cells[0]!.length)),
    cells,
  );
});

test('what cannot be run is a fault of the command line', async () => {
  for (const args of [
    ['--maars', '30'],
    ['--maars', '25', '--nodes', '65537'],
    ['--nodes', '0'],
    ['--speed', 'fast'],
    ['--design', 'anycast'],
    ['--svg', 'x.svg', '--nodes', '100'],
  ]) {
    await assert.rejects(scale(...args), { code: 2 }, args.join(' '));
  }
});

test('by itself it runs every design at three sizes and three speeds, no point twice', () => {
  const plans = plansOf({ maars: 1_000, seed: 1, designs: DESIGN_NAMES });
  const points = plans.map(({ design, nodes, speed }) => `${design} ${nodes} ${speed}`);
  assert.equal(new Set(points).size, points.length);
  assert.equal(points.length, 4 * 5);
  for (const nodes of GROWTH.nodes) assert.ok(points.includes(`gateway-push ${nodes} ${GROWTH.speed}`));
});

test('a plot has a line for each name, its points in place, and ticks that enclose them', () => {
  const line = (name: string, ...ys: number[]) => ({
    name,
    points: ys.map((y, index) => [10 ** index, y] as const),
  });
  const svg = plot(
    [
      {
        x: { label: 'MNs', scale: 'log' },
        y: { label: 'queries, 1/s', scale: 'linear' },
        lines: [line('a', 0, 50, 100), line('b', 10, 10, 10)],
      },
    ],
    1,
  );
  assert.equal(svg.match(/<circle/g)?.length, 6);
  const heights = [...svg.matchAll(/cy="([\d.]+)" r="3" fill="#0072b2"/g)].map(([, y]) => Number(y));
  const [low, middle, high] = heights as [number, number, number];
  assert.ok(low > middle && middle > high);
  assert.equal(middle, (low + high) / 2);
  const ticks = [...svg.matchAll(/text-anchor="end">([^<]+)</g)].map(([, tick]) => tick);
  assert.deepEqual(ticks, ['0', '20', '40', '60', '80', '100']);
});
