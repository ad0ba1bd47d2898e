import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STATUS } from '../../../host/schemes/romip/messages/constants.ts';
import { openPair } from './support.ts';

test('a fetch for another host does not delay the answer that a host has moved', async () => {
  const lab = await openPair();
  await lab.move('C', 'a3');
  await lab.sleep(5_000);
  await lab.stream({ name: 'down', kind: 'udp', from: 'B', to: 'A', intervalMs: 10 });
  await lab.stream({ name: 'up', kind: 'udp', from: 'A', to: 'B', intervalMs: 10 });
  await lab.sleep(1_000);
  await lab.fault.partition('a3', true);
  await lab.move('C', 'b1');
  await lab.sleep(300);
  const since = lab.now();
  await Promise.all([lab.move('A', 'a2'), lab.move('B', 'b2')]);
  await lab.sleep(1_000);
  const statuses = lab
    .trace()
    .filter(
      ({ at, node, what, message }) => at >= since && node === 'b1' && what === 'send' && message === 'dDBA',
    )
    .map(({ detail }) => (detail as { status: number }).status);
  assert.ok(statuses.includes(STATUS.moved), `within 1 s b1 answered ${statuses.join(', ')}`);
  await lab.close();
});
