import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import {
  AREA_DESTINATIONS,
  COUNTER_SLOTS,
  DESCRIPTOR_LENGTH_AT,
  DESCRIPTOR_SIZE,
} from '../../bindings/generated/abi.ts';
import { KIND_NAMES } from '../../bindings/generated/pump.ts';
import { PumpExports } from '../../bindings/node/pump.ts';
import { PairedDataPlane } from '../../bindings/reference/paired.ts';
import { loadReplayFile } from '../../host/daemon/commands/replay.ts';
import { replay } from '../../host/daemon/replay/replay.ts';
import { PumpProcess } from '../../host/io/pump-process.ts';
import { PumpPipes } from '../../host/io/worker/pump-pipes.ts';
import { parseCapture } from '../../host/wire/capture.ts';
import { WASMTIME } from '../../scripts/wasmtime.ts';
import { OPTIONS, packet } from '../bindings/node/support.ts';
import { wasm } from '../dataplane/engines.ts';
import { Random } from '../dataplane/random.ts';
import { randomCommand, randomOptions, randomPacket } from '../dataplane/world.ts';
import { Shown, pumped, request } from './pumps.ts';
import { CASES, golden } from './replay-cases.ts';
import {
  COMMANDS,
  built,
  hasIwasm,
  hasWasmtime,
  underIwasm,
  underNode,
  underWasmtime,
  workFolder,
} from './runtimes.ts';

const kindOf = (name: string): number =>
  Number(Object.entries(KIND_NAMES).find(([, known]) => known === name)![0]);

function changed(octets: Uint8Array, at: number, value: number): Uint8Array {
  const copy = octets.slice();
  copy[at] = value;
  return copy;
}

/** The descriptor of a packet of `length` octets. */
function descriptor(length: number): Uint8Array {
  const octets = new Uint8Array(DESCRIPTOR_SIZE);
  new DataView(octets.buffer).setUint16(DESCRIPTOR_LENGTH_AT, length, true);
  return octets;
}

/** The request for an instance with `OPTIONS`, whose batch is 8, as it is sent to a pump that never answers. */
function initRequest(): Uint8Array {
  let asked = new Uint8Array();
  const stop = (sent: Uint8Array): Uint8Array => {
    asked = sent.slice();
    throw new Error('asked');
  };
  const capacities = Object.values(OPTIONS.capacities);
  // 2001:db8::1
  const locator = [0x20010db8_00000000n, 1n];
  assert.throws(() => new PumpExports(stop).init(...capacities, 7n, ...locator, 1500, 0), /asked/);
  return asked;
}

const INIT = initRequest();

/** Requests after a `hello`, the last of which is none, and what is said of it. */
const REFUSED: readonly [requests: readonly Uint8Array[], message: string][] = [
  [[new Uint8Array(7)], 'standard input ends within a request'],
  [[request(kindOf('events'), new Uint8Array(4)).subarray(0, 18)], 'standard input ends within a request'],
  [[request(kindOf('counters'))], 'a request before "init"'],
  [[changed(request(kindOf('hello')), 5, 1)], 'a request whose flags are not zero'],
  [[request(kindOf('hello'), new Uint8Array(), 1n)], 'a request that needs no time'],
  [[changed(request(kindOf('hello')), 2, 1)], 'a request that is too long'],
  [[request(kindOf('init'), new Uint8Array(60))], 'a request whose length does not fit its kind'],
  [[changed(INIT, 16 + 44, 1)], 'an "init" whose reserved octets are not zero'],
  [[INIT, INIT], '"init" of a data plane that there is already'],
  [[INIT, changed(request(kindOf('hello')), 3, 1)], 'a request that is too long'],
  [[INIT, request(99)], 'a request of an unknown kind'],
  [[INIT, request(kindOf('apply'), new Uint8Array(95))], 'a request whose length does not fit its kind'],
  [
    [INIT, request(kindOf('apply'), new Uint8Array(129 * 96))],
    'a request whose length does not fit its kind',
  ],
  [[INIT, request(kindOf('lookup'), new Uint8Array(9 * 16))], 'a request whose length does not fit its kind'],
  [[INIT, request(kindOf('process'), new Uint8Array(31))], 'a packet without descriptor'],
  [[INIT, request(kindOf('process'), descriptor(40))], 'a packet shorter than its descriptor says'],
  [[INIT, request(kindOf('process'), descriptor(1_902))], 'a packet that is too long'],
  [[INIT, request(kindOf('process'), new Uint8Array(9 * 32))], 'more packets than a batch takes'],
];

for (const build of COMMANDS) {
  test(`${build}: through the pump every golden capture gives what it gives in this process`, (t) => {
    if (!hasWasmtime(t)) return;
    for (const name of CASES) {
      const file = loadReplayFile(golden(name, 'entries.json').pathname);
      const capture = parseCapture(readFileSync(golden(name, 'in.pcapng')));
      assert.ok(file.ok && capture.ok);
      const { options } = file.value;
      const here = replay(file.value, capture.capture, new Shown(wasm('maar', options)));
      assert.deepEqual(replay(file.value, capture.capture, pumped(t, options, build)), here, name);
    }
  });
}

test('random entries and packets: every answer of the pump is that of the module in this process', (t) => {
  if (!hasWasmtime(t)) return;
  const seen = new Set<string>();
  for (let seed = 1; seed <= 12; seed++) {
    const random = new Random(seed);
    const options = randomOptions(random);
    const both = new PairedDataPlane(
      { name: 'module', plane: new Shown(wasm('maar', options)) },
      { name: 'pump', plane: pumped(t, options) },
    );
    for (let step = 0, now = 0; step < 30; step++, now += random.pick([0, 1, 50, 1_000, 60_000])) {
      both.apply(
        Array.from({ length: random.pick([0, 3, 200]) }, () => randomCommand(random)),
        now,
      );
      const batch = Array.from({ length: random.below(options.capacities.batch * 2) }, () =>
        randomPacket(random, false),
      );
      for (const { verdict } of both.process(batch, now)) seen.add(verdict.action);
      for (const { kind } of both.events()) seen.add(kind);
      both.dump();
    }
  }
  for (const name of ['deliver', 'core', 'pass', 'hold', 'drop', 'flow', 'redirect', 'hold-drop']) {
    assert.ok(seen.has(name), name);
  }
});

test('a batch of the longest packets, and thousands released at once, come through whole', (t) => {
  if (!hasWasmtime(t)) return;
  const capacities = { ...OPTIONS.capacities, batch: 1_024, held: 4_096 };
  const plane = pumped(t, { ...OPTIONS, capacities });
  const buffer = { kind: 'buffer', prefix: '::/0', packets: 4_096, bytes: 1 << 30, millis: 10_000 } as const;
  assert.deepEqual(plane.apply([{ op: 'put', entry: buffer }], 0), ['ok']);
  const sent = Array.from({ length: 4_096 }, (_, index) =>
    packet({ payload: new Uint8Array(1_860).fill(index) }),
  );
  const core = { side: 'core' } as const;
  for (let from = 0; from < sent.length; from += 1_024) {
    const batch = sent.slice(from, from + 1_024).map((data) => ({ data, port: core }));
    assert.ok(plane.process(batch, 1).every(({ verdict }) => verdict.action === 'hold'));
  }
  const peer = { kind: 'peer', address: '2001:db8:ff::2' } as const;
  const tunnel = { kind: 'tunnel', prefix: '::/0', locator: peer.address } as const;
  assert.deepEqual(
    plane.apply(
      [peer, tunnel].map((entry) => ({ op: 'put', entry })),
      2,
    ),
    ['ok', 'ok'],
  );
  const left = plane.process([], 2);
  // Too long for the core's MTU: each leaves as fragments or as an error, none silently.
  assert.ok(left.length >= sent.length, `${left.length}`);
  assert.equal(plane.counters()['released'], sent.length);
});

test('requests that come together are answered in order', (t) => {
  if (!hasWasmtime(t)) return;
  const process = new PumpProcess(WASMTIME, built('maar-wasi'), (error) => {
    throw error;
  });
  t.after(() => process.end());
  const { exchange } = new PumpPipes(process.ends);
  const hello = request(kindOf('hello'));
  const three = new Uint8Array(3 * hello.length);
  for (let index = 0; index < 3; index++) three.set(hello, index * hello.length);
  const first = exchange(three).slice();
  for (let more = 0; more < 2; more++) assert.deepEqual(exchange(new Uint8Array()).slice(), first);
});

test('what is no request ends the pump with code 1 and a line that says why, after the answers before it', (t) => {
  const folder = workFolder(t);
  for (const [requests, message] of REFUSED) {
    const stream = Buffer.concat([request(kindOf('hello')), ...requests]);
    const { code, stdout, stderr } = underNode('maar-wasi', folder, ['pump'], stream);
    assert.deepEqual([code, stderr], [1, `maar-wasi: pump: ${message}\n`]);
    assert.equal(stdout.length, 24 + (requests.length - 1) * 28, message);
  }
  const { code, stdout, stderr } = underNode('maar-wasi', folder, ['pump'], new Uint8Array());
  assert.deepEqual([code, stdout.length, stderr], [0, 0, '']);
});

test('the same requests have the same answers under every runtime', (t) => {
  if (!hasWasmtime(t) || !hasIwasm(t)) return;
  const folder = workFolder(t);
  const listing = new Uint8Array(8).fill(AREA_DESTINATIONS, 0, 1);
  const stream = Buffer.concat([
    request(kindOf('hello')),
    INIT,
    request(kindOf('process'), Buffer.concat([descriptor(48), packet()]), 1_000n),
    request(kindOf('counters')),
    request(kindOf('entries'), listing),
  ]);
  const [first, ...others] = [underNode, underWasmtime(), underIwasm].map((run) =>
    run('maar-wasi-scalar', folder, ['pump'], stream),
  );
  assert.equal(first!.code, 0, first!.stderr);
  assert.equal(first!.stdout.length, 24 + 28 + 16 + 64 + 16 + 8 * COUNTER_SLOTS + 24);
  for (const other of others) assert.deepEqual(other, first);
});

test('options that the data plane refuses, and an end of the process, are errors that say so', async (t) => {
  if (!hasWasmtime(t)) return;
  assert.throws(() => pumped(t, { ...OPTIONS, coreMtu: 1_000 }), /init answers invalid/);
  const { promise, resolve } = Promise.withResolvers<Error>();
  const process = new PumpProcess(WASMTIME, built('maar-wasi'), resolve);
  t.after(() => process.end());
  const { exchange } = new PumpPipes(process.ends);
  assert.throws(() => exchange(request(99)), /the pump has ended/);
  assert.match((await promise).message, /wasmtime run \S+maar-wasi.wasm pump has ended with code 1$/);
  const absent = await new Promise<Error>((died) => {
    const gone = new PumpProcess('/nonexistent/wasmtime', built('maar-wasi'), died);
    t.after(() => gone.end());
  });
  assert.match(absent.message, /^\/nonexistent\/wasmtime: .*ENOENT/);
});
