import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openPair } from './support.ts';

test('a session in use outlives the first valid lifetime of its prefix while its host is away', async () => {
  const lab = await openPair();
  const [home] = await lab.addresses('A');
  assert.ok(home !== undefined);
  const stream = await lab.stream({ name: 'up', kind: 'ping', from: 'A', to: 'B', intervalMs: 2_000 });
  await lab.sleep(3_000);
  await lab.move('A', 'a2');
  // The pools of the domain give 3600 s.
  await lab.sleep(3_900_000);
  assert.equal((await stream.finish()).lost, 0);
  const kept = (await lab.addresses('A')).find(({ address }) => address === home.address);
  assert.equal(kept?.deprecated, true);
  await lab.close();
});
