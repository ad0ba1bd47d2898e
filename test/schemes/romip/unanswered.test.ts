import assert from 'node:assert/strict';
import { test } from 'node:test';
import { maarAddress } from '../../../host/lab/plan.ts';
import { openPair } from './support.ts';

test("packets with a home from elsewhere are tunnelled to a correspondent's anchor where its MAAR is silent", async () => {
  const lab = await openPair();
  const [correspondent] = await lab.addresses('B');
  assert.ok(correspondent !== undefined);
  const stream = await lab.stream({ name: 'up', kind: 'udp', from: 'A', to: 'B', intervalMs: 50 });
  await lab.move('B', 'b2');
  await lab.sleep(2_000);
  await lab.kill('b2');
  await lab.move('A', 'a2');
  await lab.sleep(60_000);
  const { dataplane, maar } = await lab.show('a2');
  assert.deepEqual(
    maar.nodes[0]?.internal.map((session) => [session.maar, session.tunnelled]),
    [[maarAddress('b1'), true]],
  );
  const entry = dataplane.entries.destinations.find(
    ({ prefix }) => prefix === `${correspondent.address}/128`,
  );
  assert.equal(entry?.action, 'tunnel');
  await stream.finish();
  await lab.close();
});
