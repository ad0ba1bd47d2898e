import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PORT_CORE, VERDICT_CORE, VERDICT_DELIVER } from '../../../bindings/generated/abi.ts';
import { DataPlaneModule } from '../../../bindings/node/module.ts';
import {
  BUILDS,
  DELIVER,
  OPTIONS,
  PEER,
  PEERING,
  SOURCE,
  TUNNEL,
  packet,
  tunnelled,
  wasm,
} from './support.ts';
import { CN, MN } from './support.ts';

for (const build of BUILDS) {
  test(`${build} imports nothing and exports what the ABI page lists`, () => {
    const module = new WebAssembly.Module(wasm(build));
    assert.deepEqual(WebAssembly.Module.imports(module), []);
    const names = WebAssembly.Module.exports(module).map(({ name, kind }) => `${kind} ${name}`);
    assert.deepEqual(names.sort(), [
      'function abi_version',
      'function apply',
      'function base',
      'function deadline',
      'function entries',
      'function events',
      'function extent',
      'function init',
      'function lookup',
      'function plan',
      'function process',
      'memory memory',
    ]);
  });

  test(`${build} keeps its memory as init left it under 100,000 packets in place`, () => {
    const plane = new DataPlaneModule(wasm(build), OPTIONS);
    assert.deepEqual(plane.apply([SOURCE, DELIVER, TUNNEL, PEERING]), ['ok', 'ok', 'ok', 'ok']);
    const octets = plane.octets.buffer.byteLength;
    const up = packet();
    const down = tunnelled(packet({ src: CN, dst: MN }));
    for (let round = 0; round < 12_500; round++) {
      for (let index = 0; index < 8; index++) {
        const data = index % 2 === 0 ? up : down;
        plane.receiveView(index).set(data);
        plane.setInput(index, data.length, index % 2 === 0 ? 0 : PORT_CORE);
      }
      assert.equal(plane.process(8, round), 8);
    }
    assert.equal(plane.octets.buffer.byteLength, octets);
    const first = plane.output(0);
    assert.equal(plane.verdict(first), VERDICT_CORE);
    assert.equal(plane.adjacencyDetails(plane.adjacency(first)).address, PEER);
    assert.equal(plane.packet(first).length, up.length + 40);
    assert.equal(plane.verdict(plane.output(1)), VERDICT_DELIVER);
    const counters = plane.counters();
    assert.equal(counters['tunnelled'], 50_000);
    assert.equal(counters['delivered'], 50_000);
    assert.equal(counters['rx-access'], 50_000);
  });
}

test('calls before init, a second init and capacities out of range are refused by status', () => {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm()), {});
  const call = (name: string, ...parameters: unknown[]): unknown =>
    (exports[name] as (...parameters: unknown[]) => unknown)(...parameters);
  assert.equal(call('base', 0), 0);
  assert.equal(call('apply', 0), 5);
  assert.equal(call('process', 0, 0n), -1);
  assert.equal(call('plan', 0, 1, 1, 1, 1, 1, 0), 0);
  assert.equal(call('plan', 1, 1, 1, 1, 1, 16385, 0), 0);
  assert.equal(call('plan', 1, 1, 1, 1, 1, 1, 65537), 0);
  const bytes = call('plan', 1, 1, 1, 1, 1, 1, 0) as number;
  assert.equal(bytes % 65536, 0);
  const init = (...rest: unknown[]): unknown => call('init', 1, 1, 1, 1, 1, 1, 0, 7n, ...rest);
  const locator = [0x20010db800000000n, 1n];
  assert.equal(init(...locator, 1279, 0), 3);
  assert.equal(init(...locator, 1500, 4), 3);
  assert.equal(init(0xff02n << 48n, 1n, 1500, 0), 3);
  assert.equal(init(...locator, 1500, 0), 0);
  assert.equal((exports['memory'] as WebAssembly.Memory).buffer.byteLength, bytes);
  assert.equal(init(...locator, 1500, 0), 5);
  assert.equal(call('process', 2, 0n), -1);
  assert.equal(call('apply', 257), 3);
});

test('frames lie on page boundaries, and a packet at the wrong place is dropped, not followed', () => {
  const plane = new DataPlaneModule(wasm(), OPTIONS);
  assert.equal((plane.receiveView(0).byteOffset - 128) % 4096, 0);
  for (const [offset, length] of [
    [127, 48],
    [2000, 60],
    [65535, 65535],
  ] as const) {
    plane.receiveView(0).set(packet());
    plane.setInput(0, length, 0);
    const view = new DataView(plane.octets.buffer);
    view.setUint16(plane.macAt(0) - 8, offset, true);
    plane.process(1, 0);
    assert.equal(plane.reason(plane.output(0)), 1);
  }
  assert.equal(plane.counters()['drop-descriptor'], 3);
});

test('options that the module refuses name the status', () => {
  assert.throws(() => new DataPlaneModule(wasm(), { ...OPTIONS, coreMtu: 1000 }), /init answers invalid/);
  assert.throws(
    () => new DataPlaneModule(wasm(), { ...OPTIONS, locator: 'fe80::1' }),
    /init answers invalid/,
  );
  assert.throws(() => new DataPlaneModule(wasm(), { ...OPTIONS, locator: 'here' }), /no IPv6 address/);
});
