import assert from 'node:assert/strict';
import { test } from 'node:test';
import { udpPacket } from '../../../host/lab/scenarios/common/forged.ts';
import { assertWholeFrom, openPair } from './support.ts';

/** Rounds of packets sent at one instant; the next burst follows 20 ms later. */
const BURST = 20;

test('a host with three homes and hundreds of correspondents hands over', async () => {
  const lab = await openPair();
  for (const maar of ['a2', 'a3'] as const) {
    // A home that no session uses is not taken along.
    await lab.stream({ name: `before ${maar}`, kind: 'udp', from: 'A', to: 'B', intervalMs: 20 });
    await lab.sleep(500);
    await lab.move('A', maar);
    await lab.sleep(5_000);
  }
  const homes = (await lab.addresses('A')).map(({ address }) => address);
  assert.equal(homes.length, 3);
  const [cn] = await lab.addresses('B');
  assert.ok(cn !== undefined);
  for (let i = 0; i < 480; i++) {
    // Neighbours of B's: b1 anchors them, and nobody has them.
    const correspondent = cn.address.replace(/[^:]+$/, (0x1000 + i).toString(16));
    for (const home of homes) await lab.inject('A', udpPacket(home, correspondent));
    if (i % BURST === 0) await lab.sleep(20);
  }
  const stream = await lab.stream({ name: 'kept', kind: 'udp', from: 'A', to: 'B', intervalMs: 20 });
  await lab.sleep(500);
  const { nodes } = (await lab.show('a3')).maar;
  assert.ok(
    nodes[0] !== undefined && nodes[0].internal.length > 400,
    `${nodes[0]?.internal.length} sessions`,
  );
  const moved = lab.now();
  await lab.move('A', 'a2');
  await lab.sleep(5_000);
  const served = (await lab.show('a2')).maar.nodes[0];
  assert.equal(served?.external.length, 2);
  assert.ok(served.internal.length > 400, `${served.internal.length} sessions`);
  assertWholeFrom(moved + 1_000, await stream.finish());
  await lab.close();
});

test('a flood of packets from outside the domain pushes no session out', async () => {
  const lab = await openPair();
  const [home] = await lab.addresses('A');
  assert.ok(home !== undefined);
  for (let i = 0; i < 600; i++) {
    await lab.injectCore(udpPacket(`2001:db8:0:f::${(0x10 + i).toString(16)}`, home.address));
    if (i % BURST === 0) await lab.sleep(20);
  }
  await lab.sleep(500);
  await lab.stream({ name: 'down', kind: 'udp', from: 'B', to: 'A', intervalMs: 10 });
  await lab.sleep(1_000);
  await lab.move('A', 'a2');
  await lab.sleep(2_000);
  const b1 = (await lab.show('b1')).maar.nodes[0];
  assert.deepEqual(
    b1?.internal.map(({ hoa, tunnelled }) => ({ hoa, tunnelled })),
    [{ hoa: `${home.address}/128`, tunnelled: true }],
  );
  await lab.close();
});
