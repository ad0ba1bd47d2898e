import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { capabilities } from '../../../host/aaa/capabilities.ts';
import { COMMAND } from '../../../host/wire/diameter/generated.ts';
import { encodeMessage, makeRequest, origin } from '../../../host/wire/diameter/message.ts';
import { OWN_PORT } from '../../support/port.ts';
import { dictionary } from '../../wire/diameter/samples.ts';

const PROGRAM = fileURLToPath(new URL('../../aaa/relay/aaa.ts', import.meta.url));

function run(...args: string[]) {
  return spawnSync(process.execPath, [PROGRAM, ...args], { encoding: 'utf8', timeout: 20_000 });
}

test('without --config, or with an option it lacks, it says how it is used and exits 2', () => {
  for (const args of [[], ['--conf', 'x']]) {
    const { status, stderr } = run(...args);
    assert.equal(status, 2);
    assert.match(stderr, /usage: maar aaa --config FILE/);
  }
});

test('a faulty file exits 2, a database or an address that cannot be had exits 1 with a line of the log', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'maar-aaa-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'aaa.toml');
  const config = (database: string, address: string): void =>
    writeFileSync(
      file,
      `originHost = "aaa.example.org"\noriginRealm = "example.org"\ndatabase = "${database}"\n` +
        `peer = []\nsubscriber = []\n[[listen]]\naddress = "${address}"\n`,
    );
  config('x.db', 'here');
  assert.deepEqual([run('--config', file).status, run('--config', file).stdout], [2, '']);
  config('/nonexistent/x.db', '::1');
  const database = run('--config', file);
  assert.equal(database.status, 1);
  assert.match(database.stderr, /"what":"error".*cannot open \/nonexistent\/x\.db/);
  config(join(folder, 'x.db'), '2001:db8::1');
  const address = run('--config', file);
  assert.equal(address.status, 1);
  assert.match(address.stderr, /cannot listen: .*EADDRNOTAVAIL/);
});

test('it stops on SIGTERM with exit 0, also when a peer never answers DPR', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'maar-aaa-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'aaa.toml');
  writeFileSync(
    file,
    `originHost = "aaa.example.org"\noriginRealm = "example.org"\ndatabase = "${folder}/x.db"\nsubscriber = []\n` +
      `[[listen]]\naddress = "::1"\nport = ${OWN_PORT}\n[[peer]]\nhost = "maar1.example.org"\nrole = "maar"\n`,
  );
  const child = spawn(process.execPath, [PROGRAM, '--config', file]);
  let log = '';
  const logged = (what: string): Promise<void> =>
    new Promise((resolve) => {
      const look = (): void => {
        if (log.includes(what)) resolve();
        else child.stderr.once('data', () => setImmediate(look));
      };
      look();
    });
  child.stderr.on('data', (data: Buffer) => (log += data.toString()));
  await logged('"listen"');
  const peer = connect({ host: '::1', port: OWN_PORT });
  t.after(() => peer.destroy());
  const identity = { originHost: 'maar1.example.org', originRealm: 'example.org' };
  const node = { identity, address: '::1', dictionary, originStateId: 1 };
  peer.write(
    encodeMessage(makeRequest(COMMAND.CER, 1, [...origin(identity), ...capabilities(node)]), dictionary),
  );
  await logged('"to":"open"');
  child.kill('SIGTERM');
  const code = await new Promise((resolve) => child.once('close', resolve));
  assert.equal(code, 0);
  assert.match(log, /"message":"DPR"/);
});
