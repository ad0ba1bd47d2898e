import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import type { DataPlane, DataPlaneOptions, PacketIn } from '../../bindings/dataplane.ts';
import type { Entry } from '../../bindings/entries.ts';
import { BUILDS, paired } from '../dataplane/engines.ts';
import { generator, mutate } from './mutate.ts';

/**
 * A line of a corpus file is a port and a packet in hexadecimal.
 * MAAR_FUZZ_RUNS sets the mutations per packet, MAAR_FUZZ_SEED the seed.
 */
const CORPUS = new URL('corpus/dataplane/', import.meta.url);
const FOUND = 'found.txt';
const RUNS = Number(process.env['MAAR_FUZZ_RUNS'] ?? 300);
const SEED = Number(process.env['MAAR_FUZZ_SEED'] ?? 1);

const options: DataPlaneOptions = {
  capacities: { batch: 1, destinations: 16, sources: 8, peers: 4, flows: 16, held: 4, flowEntries: 4 },
  locator: '2001:db8:ffff::1',
  seed: 0x5eedn,
  coreMtu: 1280,
  hopLimitDone: false,
};
/** Every stage of the pipeline is open to the addresses of the corpus. */
const entries: readonly Entry[] = [
  { kind: 'source', prefix: '2001:db8:1::/64', link: 0, reverse: '2001:db8:ffff::3' },
  { kind: 'source', prefix: '2001:db8:3::/64', link: 0xff },
  { kind: 'deliver', prefix: '2001:db8:1::/64', link: 0, nextHop: 'fe80::a', mac: '02:00:00:00:00:0a' },
  { kind: 'tunnel', prefix: '2001:db8:2::/64', locator: '2001:db8:ffff::2' },
  { kind: 'tunnel', prefix: '2001:db8:3::c/128', locator: '2001:db8:ffff::3' },
  {
    kind: 'flow',
    src: '2001:db8:1::a',
    dst: '2001:db8:2::b',
    protocol: 17,
    sourcePort: 40_000,
    destinationPort: 9,
    action: { kind: 'tunnel', locator: '2001:db8:ffff::3' },
  },
  { kind: 'peer', address: '2001:db8:ffff::2' },
  { kind: 'peer', address: '2001:db8:ffff::3' },
  { kind: 'hold', direction: 'from', prefix: '2001:db8:9::/64', packets: 2, millis: 5 },
  { kind: 'buffer', prefix: '2001:db8:8::/64', packets: 2, bytes: 200, millis: 5 },
  { kind: 'hold', direction: 'to', prefix: '::/0', packets: 2, millis: 5 },
  { kind: 'rewrite', prefix: '2001:db8:6::/64', locator: '2001:db8:fe:ff07::/64' },
  { kind: 'rewrite', prefix: '2001:db8:fe:ff07::/64', locator: '2001:db8:6::/64', restore: true },
  { kind: 'rewrite', prefix: '2001:db8:fe:ff02::/64', locator: '2001:db8:1::/64', restore: true },
];

function input(line: string): PacketIn {
  const [port, hex = ''] = line.split(' ');
  const data = Uint8Array.from(Buffer.from(hex, 'hex'));
  return { data, port: port === 'core' ? { side: 'core' } : { side: 'access', link: 0 } };
}

function plane(build: (typeof BUILDS)[number]): DataPlane {
  const both = paired(build, options);
  const statuses = both.apply(
    entries.map((entry) => ({ op: 'put', entry })),
    0,
  );
  assert.ok(statuses.every((status) => status === 'ok'));
  return both;
}

function examine(both: DataPlane, packet: PacketIn, now: number): void {
  both.process([packet], now);
  both.events();
}

for (const build of BUILDS) {
  test(`${build}: mutated packets are treated as the reference treats them`, () => {
    const lines = readdirSync(CORPUS).flatMap((file) =>
      readFileSync(new URL(file, CORPUS), 'utf8').trim().split('\n'),
    );
    assert.ok(lines.length > 0);
    const random = generator(SEED);
    const both = plane(build);
    let now = 0;
    for (const line of lines) {
      const original = input(line);
      examine(both, original, now);
      for (let run = 0; run < RUNS; run++) {
        const data = mutate(original.data, random);
        // Most mutations break a length: half of them are mended to reach what comes after.
        if (run % 2 === 0 && data.length >= 40) new DataView(data.buffer).setUint16(4, data.length - 40);
        try {
          examine(both, { ...original, data }, (now += run % 3));
        } catch (error) {
          // Kept, so that it is tried on every later run.
          appendFileSync(
            new URL(FOUND, CORPUS),
            `${original.port.side} ${Buffer.from(data).toString('hex')}\n`,
          );
          throw new Error(`seed ${SEED}, run ${run}: saved in ${FOUND}`, { cause: error });
        }
      }
    }
  });
}
