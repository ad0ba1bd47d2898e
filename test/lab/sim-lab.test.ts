import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Lab, LabOptions } from '../../host/lab/lab.ts';
import { AAA, CN, maarAddress, OUTSIDER } from '../../host/lab/plan.ts';
import { createSimLab } from '../../host/lab/sim-lab.ts';
import { schemeNames } from '../../host/schemes/registry.ts';
import { contains } from '../../host/wire/address.ts';
import { parseCapture } from '../../host/wire/capture.ts';
import { emitIpv6, NEXT_HEADER } from '../../host/wire/ipv6.ts';
import { hasTool, output } from '../support/tools.ts';

const wasm = new Uint8Array(readFileSync(new URL('../../build/maar.wasm', import.meta.url)));
/** Any scheme does for what is the lab's own business. */
const [scheme = ''] = schemeNames();

async function open(options: Partial<LabOptions> = {}): Promise<Lab> {
  return createSimLab({ scheme, seed: 1, ...options }, wasm);
}

async function attached(lab: Lab, ...hosts: ('A' | 'B' | 'C')[]): Promise<void> {
  for (const host of hosts) {
    await lab.until(`${host} has an address`, 10_000, async () =>
      (await lab.addresses(host)).some(({ tentative }) => !tentative),
    );
  }
}

for (const name of schemeNames()) {
  test(`${name}: two hosts attach, get an address of their MAAR and reach each other`, async () => {
    const lab = await open({ scheme: name });
    await lab.move('A', 'a1');
    await lab.move('B', 'b1');
    await attached(lab, 'A', 'B');
    const [prefix] = (await lab.show('a1')).maar.nodes.map((node) => node.prefix);
    const [own] = await lab.addresses('A');
    assert.ok(contains(prefix!, own!.address), `${own!.address} is not of ${prefix}`);
    const ping = await lab.stream({ name: 'ping', from: 'A', to: 'B', kind: 'ping', intervalMs: 10 });
    const out = await lab.stream({ name: 'out', from: 'A', to: 'cn', kind: 'udp', intervalMs: 5 });
    const home = await lab.stream({ name: 'in', from: 'cn', to: 'B', kind: 'tcp', bytes: 200_000 });
    await lab.sleep(2_000);
    assert.equal((await home.finish()).intact, true);
    for (const stream of [ping, out]) {
      const { sent, lost, duplicated, gaps } = await stream.finish();
      assert.ok(sent >= 200, `${sent} sent`);
      assert.deepEqual({ lost, duplicated }, { lost: 0, duplicated: 0 });
      // The first packet waits for no more than six links there and six back.
      assert.ok(gaps.every(({ length }) => length <= 12 * lab.delay + 10));
    }
    await lab.close();
  });
}

/** Everything that can be observed of a run with two moves, as one hash. */
async function fingerprint(seed: number): Promise<string> {
  const lab = await open({ seed, loss: 0.01 });
  await lab.move('A', 'a1');
  await lab.move('B', 'b1');
  await attached(lab, 'A', 'B');
  const stream = await lab.stream({ name: 'udp', from: 'A', to: 'B', kind: 'udp', intervalMs: 10 });
  await Promise.all([lab.move('A', 'a2', 'silent', 30), lab.move('B', 'b2', 'admin', 70)]);
  await lab.sleep(5_000);
  const report = await stream.finish();
  const hash = createHash('sha256').update(JSON.stringify([report, lab.trace()]));
  for (const { at, link, sender, data } of await lab.captured()) {
    hash.update(`${at} ${link} ${sender} `).update(data);
  }
  return hash.digest('hex');
}

test('one seed is one run to the last octet; another seed is another run', async () => {
  const first = await fingerprint(1);
  assert.equal(await fingerprint(1), first);
  assert.notEqual(await fingerprint(2), first);
});

test('a host the AAA server does not know, or forbids, gets no address', async () => {
  const lab = await open({ unknownHosts: ['A'], forbiddenHosts: ['B'] });
  for (const host of ['A', 'B', 'C'] as const) await lab.move(host, 'a1');
  await attached(lab, 'C');
  await lab.sleep(10_000);
  assert.deepEqual(await lab.addresses('A'), []);
  assert.deepEqual(await lab.addresses('B'), []);
});

for (const when of ['before-commit', 'after-commit'] as const) {
  test(`a Diameter connection closed ${when} delays the attachment and loses nothing`, async () => {
    const lab = await open();
    lab.fault.closeDiameter('a1', when);
    await lab.move('A', 'a1');
    await attached(lab, 'A');
    assert.equal((await lab.show('a1')).maar.nodes[0]!.counter, 1);
    // Cut off before the commit, the first request never reached the server.
    const served = lab.trace().filter(({ node, what, message }) => {
      return node === AAA.name && what === 'receive' && message === 'AAR';
    });
    assert.equal(served.length, when === 'before-commit' ? 1 : 2);
  });
}

test('registrations survive the death of the AAA server', async () => {
  const lab = await open();
  await lab.move('A', 'a1');
  await attached(lab, 'A');
  await lab.kill('aaa');
  await lab.move('A', 'a2');
  await lab.sleep(3_000);
  assert.notEqual((await lab.show('a2')).maar.nodes[0]?.state, 'attached');
  await lab.start('aaa');
  await lab.until('A is attached to a2', 60_000, async () =>
    (await lab.show('a2')).maar.nodes.some(({ state }) => state === 'attached'),
  );
  assert.equal((await lab.show('a2')).maar.nodes[0]!.counter, 2);
});

test('a MAAR that was killed is gone until it starts, and then knows nothing', async () => {
  const lab = await open();
  await lab.move('A', 'a1');
  await attached(lab, 'A');
  await lab.kill('a1');
  await assert.rejects(lab.show('a1'), /a1 is not running/);
  await lab.start('a1');
  assert.deepEqual((await lab.show('a1')).maar.nodes, []);
});

test('a MAAR that is cut off reaches nobody until the cut is mended', async () => {
  const lab = await open();
  await lab.move('A', 'a1');
  await attached(lab, 'A');
  const stream = await lab.stream({ name: 'udp', from: 'A', to: 'cn', kind: 'udp', intervalMs: 10 });
  await lab.sleep(500);
  await lab.fault.partition('a1', true);
  await lab.sleep(500);
  await lab.fault.partition('a1', false);
  await lab.sleep(500);
  const { gaps, lost } = await stream.finish();
  const longest = Math.max(...gaps.map(({ length }) => length));
  assert.ok(longest >= 490 && longest <= 530, `longest gap ${longest}`);
  assert.ok(lost >= 49 && lost <= 56, `${lost} lost`);
});

test('the core refuses a source that is not of the link it came from', async () => {
  const lab = await open();
  const packet = (src: string): Uint8Array =>
    emitIpv6({ nextHeader: NEXT_HEADER.none, hopLimit: 64, src, dst: CN.address }, new Uint8Array(0));
  await lab.injectCore(packet(maarAddress('a1')));
  await lab.injectCore(packet(OUTSIDER.address));
  await lab.sleep(1_000);
  const arrived = (await lab.captured()).filter(
    ({ link, sender }) => link === 'core-cn' && sender === 'core',
  );
  assert.equal(arrived.length, 1);
  const dropped = lab
    .trace()
    .filter(({ node, detail }) => node === 'core' && detail?.['reason'] === 'reverse-path');
  assert.equal(dropped.length, 1);
});

test('captures become one file for each link', async (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'maar-sim-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const lab = await open({ pcap: directory });
  await lab.move('A', 'a1');
  await attached(lab, 'A');
  await lab.close();
  const files = readdirSync(directory);
  for (const link of ['host-A', 'access-a1']) assert.ok(files.includes(`${link}.pcapng`), files.join(' '));
  const seen = (await lab.captured()).filter(({ link }) => link === 'host-A');
  const file = parseCapture(readFileSync(join(directory, 'host-A.pcapng')));
  assert.ok(file.ok);
  assert.deepEqual(
    file.capture.packets.map(({ data }) => [...data]),
    seen.map(({ data }) => [...data]),
  );
});

test('tshark finds no fault in any packet of a run with a move', async (t) => {
  if (!hasTool(t, 'tshark')) return;
  const directory = mkdtempSync(join(tmpdir(), 'maar-sim-'));
  t.after(() => rmSync(directory, { recursive: true }));
  const lab = await open({ pcap: directory });
  await lab.move('A', 'a1');
  await lab.move('B', 'b1');
  await attached(lab, 'A', 'B');
  const stream = await lab.stream({
    name: 'tcp',
    from: 'A',
    to: 'B',
    kind: 'tcp',
    bytes: 100_000,
    intervalMs: 20,
  });
  await lab.move('A', 'a2', 'carrier', 50);
  assert.equal((await stream.finish()).intact, true);
  await lab.close();
  const bad = '_ws.malformed || icmpv6.checksum.status == 0 || tcp.checksum.status == 0';
  for (const file of readdirSync(directory)) {
    const path = join(directory, file);
    assert.equal(output('tshark', ['-o', 'tcp.check_checksum:TRUE', '-r', path, '-Y', bad]), '', file);
  }
  const messages = output('tshark', [
    '-r',
    join(directory, 'core-aaa.pcapng'),
    '-Y',
    'diameter.cmd.code == 265',
  ]);
  assert.equal(messages.trim().split('\n').length, 6, messages);
});
