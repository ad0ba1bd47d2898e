import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { checkFile } from '../../host/daemon/commands/check.ts';
import { SUBJECTS } from '../../host/daemon/show/subjects.ts';
import type { StatusView } from '../../host/core/view.ts';
import { serveControl } from '../../host/io/control-socket.ts';

const MAIN = fileURLToPath(new URL('../../host/daemon/main.ts', import.meta.url));
const directory = mkdtempSync(join(tmpdir(), 'maar-main-'));
after(() => rmSync(directory, { recursive: true }));

function maar(...args: string[]): { code: number | null; out: string; err: string } {
  const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
  return { code: status, out: stdout, err: stderr };
}

const STATUS: StatusView = {
  maar: {
    name: 'a1',
    address: '2001:db8:0:1::1',
    scheme: 'x',
    now: 10_000,
    nodes: [
      {
        mnId: 'm@example.org',
        mac: '02:00:5e:10:01:0a',
        link: 0,
        state: 'attached',
        counter: 3,
        prefix: '2001:db8:11:1::/64',
        internal: [{ hoa: '2001:db8:c0::2/128', maar: '2001:db8:0:2::1', tunnelled: true }],
        external: [{ hoa: '2001:db8:12:1::/64', coa: 'fe80::a/128', anchor: '2001:db8:0:2::1' }],
      },
    ],
    anchored: [
      {
        hoa: '2001:db8:11:2::/64',
        mnId: 'n@example.org',
        serving: '2001:db8:0:2::1',
        counter: 1,
        expires: 70_000,
      },
    ],
    released: [],
    peers: [{ name: 'a2', address: '2001:db8:0:2::1' }],
    counters: { attach: 1 },
    leases: {
      stored: false,
      networks: [{ name: 'pool', prefix: '2001:db8:11::/62', mode: 'stateless', size: 3, leased: 1 }],
      leases: [
        {
          prefix: '2001:db8:11:2::/64',
          network: 'pool',
          mnId: 'n@example.org',
          until: 40_000,
          serving: '2001:db8:0:2::1',
        },
      ],
      refusals: [{ mnId: 'o@example.org', network: 'pool', since: 4_000 }],
    },
  },
  dataplane: {
    counters: { delivered: 7, held: 0 },
    entries: { destinations: [], sources: [], peers: [], flowEntries: [] },
  },
};

test('without a command the help is a usage error, when asked for it is not', () => {
  const bare = maar();
  assert.equal(bare.code, 2);
  assert.match(bare.err, /maar run --config FILE/);
  assert.deepEqual({ ...maar('--help'), out: '' }, { code: 0, out: '', err: '' });
});

test('unknown commands and options are named in one line, exit code 2', () => {
  assert.match(maar('fly').err, /^maar: no command "fly"; there are run, /);
  const option = maar('run', '--speed', '9');
  assert.equal(option.code, 2);
  assert.match(option.err, /--speed/);
  assert.match(maar('show', 'nothing').err, /status, bindings, sessions, leases, peers, counters/);
});

test('check tells the files of MAAR and AAA server apart', () => {
  const file = join(directory, 'aaa.toml');
  writeFileSync(file, 'originHost = "aaa.example.org"\nsubscriber = []');
  const keys = checkFile(file).map(({ key }) => key);
  assert.ok(keys.includes('originRealm') && !keys.includes('core'), keys.join());
  writeFileSync(file, 'name = "a1"');
  assert.ok(checkFile(file).some(({ key }) => key === 'core'));
  writeFileSync(file, 'name = ');
  assert.match(checkFile(file)[0]!.key, /^line 1, column/);
  const absent = maar('check', '--config', join(directory, 'absent.toml'));
  assert.equal(absent.code, 2);
  assert.match(absent.err, /must be a readable file/);
});

test('show asks the daemon over its socket', async () => {
  const path = join(directory, 'control.sock');
  const asked: string[] = [];
  const server = await serveControl(path, async (request) => {
    asked.push('show' in request ? request.show : 'leaving');
    return STATUS;
  });
  const { promise, resolve } = Promise.withResolvers<{ code: number; out: string }>();
  const child = spawn(process.execPath, [MAIN, 'show', 'peers', '--json', '--socket', path]);
  let out = '';
  child.stdout.on('data', (part: Buffer) => (out += part.toString()));
  child.on('close', (code) => resolve({ code: code ?? -1, out }));
  const answered = await promise;
  server.close();
  assert.equal(answered.code, 0);
  assert.deepEqual(JSON.parse(answered.out), STATUS.maar.peers);
  assert.deepEqual(asked, ['peers']);
  const silent = maar('show', '--socket', join(directory, 'nobody.sock'));
  assert.equal(silent.code, 1);
  assert.match(silent.err, /no daemon answers/);
});

test('every subject is text for an operator and one document for a program', () => {
  const expected = {
    status: /m@example\.org\s+02:00:5e:10:01:0a\s+0\s+attached\s+2001:db8:11:1::\/64/,
    bindings:
      /internal\s+2001:db8:c0::2\/128\s+2001:db8:0:2::1\s+tunnelled[^]*2001:db8:11:2::\/64\s+n@example\.org.*60 s/,
    sessions: /2001:db8:c0::2\/128\s+2001:db8:0:2::1\s+tunnel/,
    leases:
      /pool\s+2001:db8:11::\/62\s+stateless\s+1\s+3\n[^]*2001:db8:11:2::\/64\s+n@example\.org\s+pool\s+2001:db8:0:2::1\s+30 s\n[^]*Nothing left of network pool for o@example\.org since 6 s\n[^]*not stored/,
    peers: /a2\s+2001:db8:0:2::1/,
    counters: /attach\s+1\ndelivered\s+7\n$/,
  };
  for (const [name, pattern] of Object.entries(expected)) {
    const subject = SUBJECTS[name as keyof typeof SUBJECTS];
    assert.match(subject.text(STATUS), pattern);
    assert.ok(JSON.stringify(subject.select(STATUS)).length > 2);
  }
});
