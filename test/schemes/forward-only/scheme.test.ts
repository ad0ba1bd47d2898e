import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attach } from '../../../host/lab/scenarios/common/domain.ts';
import { pathsOf, sightings } from '../../../host/lab/scenarios/common/packets.ts';
import { register } from '../../../host/schemes/registry.ts';
import { openSim } from '../../support/sim-lab.ts';
import { forwardOnly } from './scheme.ts';

register(forwardOnly);

test('a scheme from outside loads by its name and carries traffic', async () => {
  const lab = await openSim({ scheme: forwardOnly.name, seed: 1 });
  const [from, to] = [await attach(lab, 'A', 'a1'), await attach(lab, 'B', 'b1')];
  const stream = await lab.stream({ name: 'ping', from: 'A', to: 'B', kind: 'ping', intervalMs: 10 });
  await lab.sleep(1_000);
  const since = lab.now();
  await lab.sleep(1_000);
  const report = await stream.finish();
  assert.equal(report.lost, 0);
  assert.ok(report.received > 100);
  assert.deepEqual(pathsOf(await sightings(lab, [from, to], since)), ['a1>b1', 'b1>a1']);
  assert.equal((await lab.show('a1')).maar.scheme, forwardOnly.name);
  await lab.close();
});

test('a name is taken once', () => {
  assert.throws(() => register(forwardOnly), /registered already/);
});
