import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPair } from './support.ts';

test('a host that returns after the hold time and leaves again leaves no entry behind', async () => {
  const lab = await openPair({ seed: 3, timers: { hold: 3_000, forget: 2_000 } });
  await lab.stream({ name: 'up', kind: 'udp', from: 'A', to: 'B', intervalMs: 50 });
  await lab.stream({ name: 'down', kind: 'udp', from: 'B', to: 'A', intervalMs: 50 });
  await lab.sleep(500);
  await lab.move('A', 'a2');
  await lab.sleep(4_000);
  await lab.move('A', 'a3');
  // The hold time of the first stay at a2 has ended, and its lists are not forgotten yet.
  await lab.sleep(3_500);
  await lab.move('A', 'a2');
  await lab.sleep(800);
  await lab.move('A', 'a3');
  await lab.sleep(900);
  assert.equal((await lab.show('a2')).maar.released.length, 1, 'the second stay has its own hold time');
  await lab.sleep(20_000);
  const { maar, dataplane } = await lab.show('a2');
  assert.deepEqual([maar.nodes, maar.released, dataplane.entries.destinations], [[], [], []]);
  await lab.close();
});
