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
    [['--dataplane', 'moon'], /--dataplane must be one of node, wasmtime, wasmtime-cli/],
    [['headless'], /scenario "headless" needs --dataplane wasmtime/],
    [['--dataplane', 'wasmtime-cli', '--backend', 'sim'], /--dataplane wasmtime-cli needs the backend netns/],
    [['--scheme', 'magic'], /--scheme must be one of romip/],
    [['--seed', '-1'], /--seed/],
    [['--compare', 'figure1'], /--compare measures every scheme/],
    [['query', '--scheme', 'none'], /scenario "query" needs a scheme that asks servers/],
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
  const captures = readdirSync(directory).sort();
  assert.ok(captures.includes('core-a3.pcapng'));
  await t.test('tshark finds no packet malformed on any link', (inner) => {
    if (!hasTool(inner, 'tshark')) return;
    for (const capture of captures) {
      const fields = ['frame.number', '_ws.malformed', '_ws.col.Info'];
      const packets = tshark(directory, capture, 'ipv6 || _ws.malformed', ...fields);
      assert.ok(packets.length > 0, `${capture} is empty`);
      // The field of a packet that is not malformed is empty.
      const malformed = packets.filter((line) => line.split('\t')[1] !== '');
      assert.deepEqual(malformed, [], capture);
    }
  });
  await t.test('tshark names the Diameter and the binding messages', (inner) => {
    if (!hasTool(inner, 'tshark')) return;
    const seen = (capture: string, filter: string): Set<string> =>
      new Set(tshark(directory, capture, filter, '_ws.col.Info').map((info) => info.replace(/^cmd=/, '')));
    const diameter = [...seen('core-aaa.pcapng', 'diameter')].join('\n');
    for (const name of ['Capabilities-Exchange', 'AA', 'Session-Termination']) {
      for (const side of ['Request', 'Answer']) {
        assert.match(diameter, new RegExp(`\\b${name} ${side}\\(`), `${name} ${side}`);
      }
    }
    // D is the bit that PMIPv6 calls P; E its F in an update, and its T in an acknowledgement.
    for (const [message, filter, name] of [
      ['sDBU', 'mip6.bu.p_flag == 1 && mip6.bu.f_flag == 0', 'Binding Update'],
      ['dDBU', 'mip6.bu.p_flag == 1 && mip6.bu.f_flag == 1', 'Binding Update'],
      ['sDBA', 'mip6.ba.p_flag == 1 && mip6.ba.t_flag == 0', 'Binding Acknowledgement'],
      ['dDBA', 'mip6.ba.p_flag == 1 && mip6.ba.t_flag == 1', 'Binding Acknowledgement'],
    ] as const) {
      assert.deepEqual([...seen('core-a3.pcapng', filter)], [name], message);
    }
  });
  await t.test('tshark sees the tunnel between a3 and b2', (inner) => {
    if (!hasTool(inner, 'tshark')) return;
    const sources = tshark(directory, 'core-a3.pcapng', 'ipv6.nxt == 41', 'ipv6.src');
    const tunnels = new Set(sources.map((line) => line.split(',')[0]));
    assert.ok(tunnels.has('2001:db8:0:3::1') && tunnels.has('2001:db8:0:5::1'));
  });
});

/** Fields of the packets of one capture that pass the filter, one line for each packet. */
function tshark(directory: string, capture: string, filter: string, ...fields: string[]): string[] {
  const wanted = fields.flatMap((field) => ['-e', field]);
  const args = ['-r', join(directory, capture), '-Y', filter, '-T', 'fields', ...wanted];
  return output('tshark', args)
    .split('\n')
    .filter((line) => line !== '');
}

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
