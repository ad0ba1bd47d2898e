import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { ReferenceDataPlane } from '../../../bindings/reference/dataplane.ts';
import { PairedDataPlane } from '../../../bindings/reference/paired.ts';
import { loadReplayFile } from '../../../host/daemon/commands/replay.ts';
import { ReplayDiffers, replay } from '../../../host/daemon/replay/replay.ts';
import { replaySchema } from '../../../host/daemon/replay/schema.ts';
import { LINKTYPE_IPV6, parseCapture } from '../../../host/wire/capture.ts';
import { emitIpv6 } from '../../../host/wire/ipv6.ts';
import { writePcap } from '../../../host/wire/pcap.ts';

const launcher = new URL('../../../bin/node.js', import.meta.url).pathname;
const command = new URL('../../../host/daemon/commands/replay.ts', import.meta.url).href;
const docs = new URL('../../../docs/replay.md', import.meta.url);

const MN = '2001:db8:1::a';
const CN = '2001:db8:2::b';
const file = {
  options: { locator: '2001:db8:ffff::1' },
  ports: [{ source: '2001:db8:1::/64', port: 0 }],
  entries: [
    { kind: 'source', prefix: '2001:db8:1::/64', link: 0 },
    { kind: 'tunnel', prefix: `${CN}/128`, locator: '2001:db8:ffff::2' },
  ],
};
const between = (src: string, dst: string): Uint8Array =>
  emitIpv6({ src, dst, nextHeader: 59, hopLimit: 64 }, new Uint8Array(4));
const capture = {
  interfaces: [{ linkType: LINKTYPE_IPV6, snapLength: 0 }],
  packets: [between(MN, CN), between(CN, MN), between(MN, CN)].map((data, index) => ({
    interface: 0,
    time: BigInt(index) * 1_000_000n,
    data,
    length: data.length,
  })),
};

/** Runs the command in a process of its own, in a folder that holds e.json and in.pcap. */
function run(
  t: TestContext,
  entries: unknown,
  ...args: string[]
): { status: number | null; out: string; err: string; folder: string } {
  const folder = mkdtempSync(join(tmpdir(), 'maar-replay-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'e.json'), typeof entries === 'string' ? entries : JSON.stringify(entries));
  writeFileSync(join(folder, 'in.pcap'), writePcap(capture));
  const code = `import { replayCommand } from ${JSON.stringify(command)}; process.exitCode = await replayCommand(process.argv.slice(1));`;
  const result = spawnSync(
    process.execPath,
    [launcher, '--input-type=module', '-e', code, '--', '--entries', 'e.json', 'in.pcap', ...args],
    { cwd: folder, encoding: 'utf8' },
  );
  return { status: result.status, out: result.stdout, err: result.stderr, folder };
}

test('prints one JSON document and writes what leaves', (t) => {
  const { status, out, err, folder } = run(t, file, 'out.pcap', '--json');
  assert.equal(status, 0, err);
  const report = JSON.parse(out) as Record<string, unknown>;
  assert.equal(report['engine'], 'both');
  assert.equal(report['packets'], 3);
  assert.equal(report['skipped'], 1);
  assert.deepEqual(report['verdicts'], { core: 2 });
  assert.deepEqual(report['events'], [{ kind: 'flow', src: MN, dst: CN }]);
  const written = parseCapture(readFileSync(join(folder, 'out.pcap')));
  assert.ok(written.ok);
  assert.deepEqual(
    written.capture.packets.map(({ data, time }) => [data.length, time]),
    [
      [84, 0n],
      [84, 2_000_000n],
    ],
  );
});

test('pcapng names where a packet leaves and why', (t) => {
  const { status, folder } = run(t, file, 'out.pcapng', '--engine', 'wasm-scalar');
  assert.equal(status, 0);
  const written = parseCapture(readFileSync(join(folder, 'out.pcapng')));
  assert.ok(written.ok);
  assert.deepEqual(
    written.capture.interfaces.map(({ name }) => name),
    ['core'],
  );
  assert.deepEqual(written.capture.packets[1]?.comments, ['packet 3: core 2001:db8:ffff::2']);
});

test('a faulty entries file is exit 2 with file, key and remedy', (t) => {
  const wrong = { ...file, entries: [{ kind: 'tunnel', prefix: '2001:db8::1/64', locator: '::1' }] };
  const host = run(t, wrong, 'out.pcap');
  assert.equal(host.status, 2);
  assert.match(
    host.err,
    /^e\.json: entries\[0\]\.prefix = "2001:db8::1\/64": must be an IPv6 prefix without host bits/,
  );
  const refused = run(t, { ...file, entries: [{ kind: 'peer', address: '::1' }] }, 'out.pcap');
  assert.equal(refused.status, 2);
  assert.match(refused.err, /^e\.json: entries\[0\]: the data plane answers "invalid"/);
  const locator = run(t, { ...file, options: { locator: 'ff02::1' } }, 'out.pcap');
  assert.equal(locator.status, 2);
  assert.match(locator.err, /^e\.json: options: /);
  const noJson = run(t, '{', 'out.pcap');
  assert.equal(noJson.status, 2);
  assert.match(noJson.err, /^e\.json: must be a readable JSON file/);
});

test('engines that differ are reported with the packet number and the field', () => {
  const checked = replaySchema.parse(file);
  const pair = new PairedDataPlane(
    { name: 'left', plane: new ReferenceDataPlane(checked.options) },
    { name: 'right', plane: new ReferenceDataPlane({ ...checked.options, hopLimitDone: true }) },
  );
  assert.throws(
    () => replay(checked, { ...capture, packets: capture.packets.slice(1) }, pair),
    (error) => error instanceof ReplayDiffers && error.packet === 2 && error.field === 'output 0 octets',
  );
});

test('the example of the documentation is a sound entries file', (t) => {
  const example = /```json\n([^]*?)```/.exec(readFileSync(docs, 'utf8'))?.[1];
  assert.ok(example);
  const folder = mkdtempSync(join(tmpdir(), 'maar-replay-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'e.json'), example);
  const loaded = loadReplayFile(join(folder, 'e.json'));
  assert.ok(loaded.ok);
  const { packets, counters } = replay(loaded.value, capture, new ReferenceDataPlane(loaded.value.options));
  assert.equal(packets.length, 3);
  assert.equal(counters['tunnelled'], 2);
});
