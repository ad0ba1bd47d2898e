import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { RunReport } from '../../../host/lab/report/model.ts';
import { hasTool, output } from '../../support/tools.ts';
import { hasNetns } from '../../lab/netns/support.ts';

const MAIN = fileURLToPath(new URL('../../../host/daemon/main.ts', import.meta.url));

function lab(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [MAIN, 'lab', ...args], { encoding: 'utf8', maxBuffer: 256 << 20 });
}

test('the list names every scenario with its backends', () => {
  const { status, stdout } = lab('--list');
  assert.equal(status, 0);
  assert.match(stdout, /^figure1 +sim netns +\S/m);
  const listed = JSON.parse(lab('--list', '--json').stdout) as { name: string }[];
  assert.equal(listed[0]?.name, 'figure1');
});

test('what cannot be carried out is one line and exit code 2', () => {
  for (const [args, fault] of [
    [['figure2'], /no scenario "figure2"; there are figure1,/],
    [['--backend', 'moon'], /--backend must be one of netns, sim/],
    [['--scheme', 'magic'], /--scheme must be one of romip/],
    [['--seed', '-1'], /--seed/],
    [['aware-mn', '--backend', 'netns'], /scenario "aware-mn" runs on sim only/],
  ] as const) {
    const { status, stderr, stdout } = lab(...args);
    assert.equal(status, 2, args.join(' '));
    assert.match(stderr, fault);
    assert.equal(stdout, '');
  }
});

test('the same seed gives the same run', () => {
  const [first, second] = [lab('--backend', 'sim', '--json'), lab('--backend', 'sim', '--json')];
  assert.equal(first.status, 0, first.stderr);
  assert.equal(first.stdout, second.stdout);
});

test('the main job on real kernels: the session survives three moves, and other tools agree', async (t) => {
  if (!hasNetns(t)) return;
  const directory = mkdtempSync(join(tmpdir(), 'maar-test-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const { status, stdout, stderr } = lab('--backend', 'netns', '--json', '--pcap', directory);
  assert.equal(status, 0, stderr + verdicts(stdout));
  const report = JSON.parse(stdout) as RunReport;
  assert.equal(report.backend, 'netns');
  assert.deepEqual(
    report.paths
      .at(-1)
      ?.after?.replaceAll(/[AB] - | - [AB]/g, '')
      .split(' = ')
      .sort(),
    ['a3', 'b2'],
  );
  assert.ok(readdirSync(directory).includes('core-a3.pcapng'));
  await t.test('tshark names the messages and sees the tunnel between a3 and b2', (inner) => {
    if (!hasTool(inner, 'tshark')) return;
    const fields = (filter: string, ...names: string[]): string[] => {
      const wanted = names.flatMap((name) => ['-e', name]);
      const path = join(directory, 'core-a3.pcapng');
      return output('tshark', ['-r', path, '-Y', filter, '-T', 'fields', ...wanted])
        .trim()
        .split('\n');
    };
    const types = new Set(fields('mipv6', 'mip6.mhtype'));
    assert.ok(types.has('5') && types.has('6'), 'Binding Updates and Acknowledgements');
    const tunnels = new Set(fields('ipv6.nxt == 41', 'ipv6.src').map((line) => line.split(',')[0]));
    assert.ok(tunnels.has('2001:db8:0:3::1') && tunnels.has('2001:db8:0:5::1'));
  });
});

/** What failed, for the message of an assertion. */
function verdicts(stdout: string): string {
  if (!stdout.startsWith('{')) return stdout;
  const report = JSON.parse(stdout) as RunReport;
  return [
    report.error ?? '',
    ...report.result.checks
      .filter(({ passed }) => !passed)
      .map(({ what, expected, seen }) => `${what}: expected ${expected}; seen ${seen}`),
  ].join('\n');
}

test('an interrupt takes the domain down', async (t) => {
  if (!hasNetns(t)) return;
  const child = spawn(process.execPath, [MAIN, 'lab', 'figure1', '--backend', 'netns'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let progress = '';
  let members: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    progress += text;
    if (members.length > 0 || !/A: nowhere -> a1/.test(progress)) return;
    members = childrenOf(child.pid!);
    child.kill('SIGINT');
  });
  const [code] = (await once(child, 'exit')) as [number | null];
  assert.equal(code, 130);
  assert.ok(members.length > 8, `${members.length} processes: the sandbox, seven daemons, the capture`);
  assert.deepEqual(
    members.filter((pid) => existsSync(`/proc/${pid}`)),
    [],
  );
});

function childrenOf(pid: number): string[] {
  return output('ps', ['-o', 'pid=', '--ppid', String(pid)])
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && existsSync(`/proc/${line}/ns/net`));
}
