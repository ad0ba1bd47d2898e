import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSim } from '../../support/sim-lab.ts';

test('an address whose first session begins after its host has moved on is followed from then on', async () => {
  const lab = await openSim({ scheme: 'romip', seed: 3 });
  await lab.move('A', 'a1');
  await lab.move('B', 'b1');
  await lab.sleep(5_000);
  const [old] = await lab.addresses('A');
  assert.ok(old !== undefined);
  await lab.move('A', 'a2');
  await lab.sleep(1_000);
  assert.equal((await lab.show('a1')).maar.anchored.length, 0);
  const stream = await lab.stream({
    name: 'late',
    kind: 'ping',
    from: 'A',
    to: 'B',
    intervalMs: 20,
    fromAddress: old.address,
  });
  await lab.sleep(3_000);
  const report = await stream.finish();
  assert.equal(report.lost, 0);
  const { nodes } = (await lab.show('a2')).maar;
  assert.deepEqual(
    nodes[0]?.external.map(({ hoa }) => hoa),
    [`${old.address}/128`],
  );
  await lab.close();
});
