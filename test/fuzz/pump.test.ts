import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HEADER_SIZE, KIND_NAMES } from '../../bindings/generated/pump.ts';
import { DataPlaneModule } from '../../bindings/node/module.ts';
import { PumpExports } from '../../bindings/node/pump.ts';
import type { Exchange } from '../../bindings/node/pump.ts';
import { PumpProcess } from '../../host/io/pump-process.ts';
import { PumpPipes } from '../../host/io/worker/pump-pipes.ts';
import { WASMTIME } from '../../scripts/wasmtime.ts';
import { OPTIONS, packet } from '../bindings/node/support.ts';
import { built, hasWasmtime, underNode, workFolder } from '../wasi/runtimes.ts';
import { generator, mutate } from './mutate.ts';

/** MAAR_FUZZ_RUNS sets the number of mutated streams, MAAR_FUZZ_SEED the seed. */
const RUNS = Number(process.env['MAAR_FUZZ_RUNS'] ?? 400);
const SEED = Number(process.env['MAAR_FUZZ_SEED'] ?? 1);
const FAULT = /^maar-wasi: pump: [^\n]+\n$/;

/** What a host does with a data plane, in some order. */
function drive(exchange: Exchange): void {
  const plane = new DataPlaneModule(new PumpExports(exchange), OPTIONS);
  plane.apply([
    { op: 'put', entry: { kind: 'peer', address: '2001:db8:ff::2' } },
    { op: 'put', entry: { kind: 'tunnel', prefix: '2001:db8:2::/48', locator: '2001:db8:ff::2' } },
    { op: 'put', entry: { kind: 'source', prefix: '2001:db8:1::/48', link: 0 } },
    { op: 'put', entry: { kind: 'hold', direction: 'from', prefix: '::/0', packets: 2, millis: 5 } },
  ]);
  for (const [index, src] of ['2001:db8:1:1::10', '2001:db8:9::1', 'ff02::1'].entries()) {
    const data = packet({ src });
    plane.receiveView(index).set(data);
    plane.setInput(index, data.length, 0);
  }
  const outputs = plane.process(3, 1_000);
  for (let position = 0; position < outputs; position++) plane.packet(plane.output(position));
  plane.events();
  plane.lookupKeys().fill(0);
  for (const adjacency of plane.lookup(2, 1_000)) if (adjacency < 16) plane.adjacencyDetails(adjacency);
  plane.dump();
  plane.pairs();
  plane.counters();
  plane.process(0, 2_000);
}

interface Recorded {
  readonly exchange: Exchange;
  readonly requests: Uint8Array[];
  readonly answers: Uint8Array[];
}

/** A pump that ends with the test; what it is asked and answers is kept. */
function recorded(t: { after(work: () => void): void }): Recorded {
  const pump = new PumpProcess(WASMTIME, built('maar-wasi'), (error) => {
    throw error;
  });
  t.after(() => pump.end());
  const pipes = new PumpPipes(pump.ends);
  const requests: Uint8Array[] = [];
  const answers: Uint8Array[] = [];
  const exchange: Exchange = (request) => {
    requests.push(request.slice());
    const answer = pipes.exchange(request).slice();
    answers.push(answer);
    return answer;
  };
  return { exchange, requests, answers };
}

/** Kinds of the answers in a stream that has to be made of whole ones. */
function kindsOf(octets: Buffer): number[] {
  const kinds: number[] = [];
  let at = 0;
  while (at < octets.length) {
    kinds.push(octets[at + 4]!);
    at += HEADER_SIZE + octets.readUInt32LE(at);
  }
  assert.equal(at, octets.length);
  return kinds;
}

test('mutated requests are answered or refused with a line that says why, and never trap', (t) => {
  if (!hasWasmtime(t)) return;
  const { exchange, requests } = recorded(t);
  drive(exchange);
  assert.deepEqual(
    new Set(requests.map((request) => request[4])),
    new Set(Object.keys(KIND_NAMES).map(Number)),
  );
  const random = generator(SEED);
  const folder = workFolder(t);
  const refusals = new Map<string, number>();
  for (let run = 0; run < RUNS; run++) {
    // A stream that begins with a broken init gets no further: most leave it alone.
    const broken = run % 8 === 0 ? random(2) : 2 + random(requests.length - 2);
    const stream = requests.map((request, index) => (index === broken ? mended(request, run) : request));
    const { code, stdout, stderr } = underNode('maar-wasi', folder, ['pump'], Buffer.concat(stream));
    const what = `seed ${SEED}, run ${run}, request ${broken}: ${stderr}`;
    assert.ok(code === 0 || code === 1, what);
    if (code === 1) {
      assert.match(stderr, FAULT, what);
      refusals.set(stderr, (refusals.get(stderr) ?? 0) + 1);
    }
    const kinds = kindsOf(stdout);
    assert.deepEqual(
      kinds.slice(0, broken),
      requests.slice(0, broken).map((request) => request[4]),
      what,
    );
  }
  assert.ok(refusals.size >= 8, [...refusals.keys()].join(''));

  /** Every second mutation keeps a length that fits, to reach what lies behind it. */
  function mended(request: Uint8Array, run: number): Uint8Array {
    const body = mutate(request.subarray(HEADER_SIZE), random);
    const changed =
      run % 4 === 0 ? mutate(request, random) : Uint8Array.of(...request.subarray(0, HEADER_SIZE), ...body);
    if (run % 2 === 0 && changed.length >= HEADER_SIZE) {
      new DataView(changed.buffer).setUint32(0, changed.length - HEADER_SIZE, true);
    }
    return changed;
  }
});

test('mutated answers are used or refused with an error that says why', (t) => {
  if (!hasWasmtime(t)) return;
  const { exchange, answers: sound } = recorded(t);
  drive(exchange);
  const random = generator(SEED);
  let refused = 0;
  for (let run = 0; run < RUNS; run++) {
    const broken = random(sound.length);
    let calls = 0;
    const hostile: Exchange = () => {
      const answer = sound[calls] ?? new Uint8Array();
      return calls++ === broken ? mutate(answer, random) : answer;
    };
    try {
      drive(hostile);
    } catch (error) {
      assert.ok(error instanceof Error);
      assert.match(error.message, /^(pump|data plane): /, error.stack);
      refused++;
    }
  }
  assert.ok(refused > RUNS / 4, `${refused} refused`);
});
