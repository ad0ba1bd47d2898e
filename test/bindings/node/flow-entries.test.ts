import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Command, FlowEntry } from '../../../bindings/entries.ts';
import { BUILDS, paired } from '../../dataplane/engines.ts';
import { OPTIONS, fromCore, packet } from './support.ts';

const FLOW: FlowEntry = {
  kind: 'flow',
  src: '2001:db8:1::a',
  dst: '2001:db8:2::b',
  protocol: 6,
  sourcePort: 1024,
  destinationPort: 443,
  action: { kind: 'tunnel', locator: '2001:db8:ffff::2' },
};

const put = (entry: Partial<FlowEntry> = {}): Command => ({ op: 'put', entry: { ...FLOW, ...entry } });

for (const build of BUILDS) {
  test(`${build}: flow entries fill to their capacity, are listed with all their fields, and go without a trace`, () => {
    const capacities = { ...OPTIONS.capacities, flowEntries: 600 };
    const plane = paired(build, { ...OPTIONS, capacities });
    const ports = Array.from({ length: 600 }, (_, index) => index);
    const puts = ports.map((sourcePort) => put({ sourcePort }));
    assert.ok(plane.apply(puts, 0).every((status) => status === 'ok'));
    assert.deepEqual(plane.apply([put({ sourcePort: 600 }), puts[3]!], 0), ['full', 'ok']);
    const { flowEntries } = plane.dump();
    assert.equal(flowEntries.length, 600);
    const { kind: _, action: __, ...key } = FLOW;
    assert.deepEqual(
      flowEntries.find(({ sourcePort }) => sourcePort === 599),
      { ...key, sourcePort: 599, action: 'tunnel', lastUsed: 0 },
    );
    const gone = ports.map((sourcePort): Command => ({ op: 'delete', ...key, kind: 'flow', sourcePort }));
    assert.ok(plane.apply(gone, 0).every((status) => status === 'ok'));
    assert.deepEqual(plane.apply([gone[0]!], 0), ['absent']);
    assert.deepEqual(plane.dump().flowEntries, []);
  });

  test(`${build}: an atomic fragment is of the flow, any other fragment of none`, () => {
    const plane = paired(build, OPTIONS);
    const { src, dst } = FLOW;
    plane.apply([put()], 0);
    const fragment = (field: number): Uint8Array => {
      const ports = [4, 0, 1, 187];
      return packet({ src, dst, next: 44, payload: Uint8Array.of(6, 0, 0, field, 0, 0, 0, 1, ...ports) });
    };
    const outputs = plane.process(
      [0, 1, 8].map((field) => fromCore(fragment(field))),
      0,
    );
    assert.deepEqual(
      outputs.map(({ verdict }) => verdict.action),
      ['core', 'pass', 'pass'],
    );
  });

  test(`${build}: an instance without room for flow entries refuses them all`, () => {
    const capacities = { ...OPTIONS.capacities, flowEntries: 0 };
    assert.deepEqual(paired(build, { ...OPTIONS, capacities }).apply([put()], 0), ['full']);
  });

  test(`${build}: what no packet can be is invalid`, () => {
    const plane = paired(build, OPTIONS);
    const wrong: Partial<FlowEntry>[] = [
      { src: 'ff02::1' },
      { dst: 'ff02::1' },
      { protocol: 256 },
      { protocol: 58 },
      { sourcePort: 65_536 },
      { destinationPort: -1 },
      { dst: 'here' },
      { action: { kind: 'tunnel', locator: OPTIONS.locator } },
      { action: { kind: 'deliver', link: 255, nextHop: 'fe80::a', mac: '02:00:00:00:00:0a' } },
    ];
    assert.deepEqual(
      plane.apply(wrong.map(put), 0),
      wrong.map(() => 'invalid'),
    );
    assert.deepEqual(plane.apply([put({ protocol: 58, sourcePort: 0, destinationPort: 0 })], 0), ['ok']);
  });
}
