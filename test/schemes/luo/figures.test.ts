import assert from 'node:assert/strict';
import { test } from 'node:test';
import { attach, settle } from '../../../host/lab/scenarios/common/domain.ts';
import { pathsOf, sightings } from '../../../host/lab/scenarios/common/packets.ts';
import { CN } from '../../../host/lab/plan.ts';
import { assertOrder, openLuo, openVisitor, sentSince } from './support.ts';

for (const first of ['anchor', 'hold'] as const) {
  test(`figure 3: the correspondent's router asks, and tunnels to the MN's router; first packets: ${first}`, async () => {
    const { lab, hoa, other } = await openVisitor({ design: 'gateway-query', first });
    const since = lab.now();
    const stream = await lab.stream({
      ...{ name: 'new', from: 'B', to: 'A', fromAddress: other, toAddress: hoa, kind: 'udp', intervalMs: 5 },
    });
    await settle(lab);
    assertOrder(lab, since, [
      { node: 'b1', message: 'PBQ', to: 'lm1' },
      { node: 'lm1', message: 'PQA', to: 'b1' },
    ]);
    const { lost, duplicated } = await stream.finish();
    assert.deepEqual([lost, duplicated], [0, 0]);
    const all = await sightings(lab, [other, hoa], since);
    const early = all.filter(({ tunnel, link }) => tunnel === undefined && link === 'core-b1');
    // Until the answer comes, 4 d later: all by the home's router, or the one that showed the session.
    if (first === 'anchor') assert.ok(early.length >= 8 && early.length <= 12, `${early.length}`);
    else assert.ok(early.length >= 1 && early.length <= 2, `${early.length}`);
    const late = all.filter(({ at }) => at > since + 500);
    assert.deepEqual(pathsOf(late), ['b1>a2']);
    const session = (await lab.show('b1')).maar.nodes[0]?.internal.find((each) => each.hoa === `${hoa}/128`);
    assert.deepEqual([session?.maar, session?.tunnelled], ['2001:db8:0:2::1', true]);
    await lab.close();
  });
}

test("figure 4: the home's router tunnels on and redirects the correspondent's router", async () => {
  const { lab, hoa, other } = await openVisitor({ design: 'gateway-push' });
  // Steps 4 and 5: by its subscription, before there is anything to route.
  assertOrder(lab, 0, [
    { node: 'a1', message: 'PBQ', to: 'lm1' },
    { node: 'lm1', message: 'UPN', to: 'a1' },
  ]);
  const since = lab.now();
  const stream = await lab.stream({
    ...{ name: 'new', from: 'B', to: 'A', fromAddress: other, toAddress: hoa, kind: 'udp', intervalMs: 5 },
  });
  await settle(lab);
  assertOrder(lab, since, [
    { node: 'a1', message: 'LRI', to: 'b1' },
    { node: 'b1', message: 'LRA', to: 'a1' },
  ]);
  assert.equal(sentSince(lab, since, 'PBQ'), 0);
  const { lost, duplicated } = await stream.finish();
  assert.deepEqual([lost, duplicated], [0, 0]);
  const all = await sightings(lab, [other, hoa], since);
  // Steps 3 and 6, then 9.
  assert.deepEqual(pathsOf(all.filter(({ at }) => at < since + 45)), ['a1>a2', 'b1>a1', 'native']);
  assert.deepEqual(pathsOf(all.filter(({ at }) => at > since + 500 && at < since + 5_000)), ['b1>a2']);
  await lab.close();
});

test('figure 4, the MN at home: after a moment its packets are routed natively', async () => {
  const lab = await openLuo({ design: 'gateway-push' });
  const hoa = await attach(lab, 'A', 'a1');
  const other = await attach(lab, 'B', 'b1');
  const since = lab.now();
  const ends = { from: 'B', to: 'A', fromAddress: other, toAddress: hoa } as const;
  const stream = await lab.stream({ name: 'new', ...ends, kind: 'ping', intervalMs: 10 });
  await lab.sleep(3_000);
  assert.equal((await stream.finish()).lost, 0);
  const late = await sightings(lab, [other, hoa], since + 1_500);
  assert.deepEqual(pathsOf(late), ['native']);
  assert.deepEqual([sentSince(lab, since, 'LRI'), sentSince(lab, since, 'PBQ')], [0, 0]);
  await lab.close();
});

test('figure 5: context transfer, temporary tunnel, redirect; then all of it is forgotten', async () => {
  const lab = await openLuo();
  const hoa = await attach(lab, 'A', 'a1');
  const other = await attach(lab, 'B', 'b1');
  const ends = { from: 'B', to: 'A', fromAddress: other, toAddress: hoa } as const;
  const stream = await lab.stream({ name: 'both', ...ends, kind: 'ping', intervalMs: 10 });
  await settle(lab);
  await lab.move('A', 'a2');
  await settle(lab);
  const since = lab.now();
  await lab.move('A', 'a3');
  await settle(lab);
  // Steps 2 and 7, and what 4.2 has the new router do; the update is pushed to the correspondent's router too.
  assertOrder(lab, since, [
    { node: 'a3', message: 'AAR' },
    { node: 'a3', message: 'HI', to: 'a2' },
    { node: 'a2', message: 'HAck', to: 'a3' },
    { node: 'a2', message: 'LRI', to: 'b1' },
    { node: 'a3', message: 'PBU', to: 'lm1' },
    { node: 'lm1', message: 'UPN', to: 'b1' },
  ]);
  assertOrder(lab, since, [
    { node: 'a3', message: 'PBQ', to: 'lm1' },
    { node: 'lm1', message: 'PQA', to: 'a3' },
    { node: 'a3', message: 'PBU', to: 'lm1' },
    { node: 'lm1', message: 'PBA', to: 'a3' },
  ]);
  const all = await sightings(lab, [other, hoa], since);
  // Step 5, the temporary tunnel; then steps 10 and 11.
  assert.ok(pathsOf(all).includes('a2>a3'));
  assert.deepEqual(pathsOf(all.filter(({ at }) => at > since + 500)), ['a3>b1', 'b1>a3']);
  assert.equal((await lab.show('a2')).maar.released[0]?.forwarding, true);
  await lab.sleep(13_000);
  const { maar, dataplane } = await lab.show('a2');
  assert.deepEqual([maar.released, maar.nodes], [[], []]);
  assert.ok(!dataplane.entries.destinations.some(({ prefix }) => prefix.startsWith(hoa.slice(0, 18))));
  await stream.finish();
  await lab.close();
});

test("figure 5, step 7: a correspondent's router that was not known is found through location management", async () => {
  const lab = await openLuo({ design: 'gateway-push' });
  const hoa = await attach(lab, 'A', 'a1');
  const other = await attach(lab, 'B', 'b1');
  const own = { from: 'B', to: 'cn', fromAddress: other, toAddress: CN.address } as const;
  await lab.stream({ name: 'own', ...own, kind: 'udp', intervalMs: 50 });
  await settle(lab);
  await lab.move('B', 'b2');
  await settle(lab);
  const ends = { from: 'B', to: 'A', fromAddress: other, toAddress: hoa } as const;
  const stream = await lab.stream({ name: 'both', ...ends, kind: 'udp', intervalMs: 10 });
  await lab.sleep(2_000);
  const since = lab.now();
  await lab.move('A', 'a2');
  await settle(lab);
  assertOrder(lab, since, [
    { node: 'a1', message: 'PBQ', to: 'lm1' },
    { node: 'lm1', message: 'PQA', to: 'a1' },
    { node: 'a1', message: 'LRI', to: 'b2' },
  ]);
  const late = await sightings(lab, [other, hoa], lab.now() - 1_000);
  assert.deepEqual(pathsOf(late), ['b2>a2']);
  await stream.finish();
  await lab.close();
});

test('4.1: an MN that has not left its first router is registered only if the operator wants it', async () => {
  for (const register of ['away', 'always'] as const) {
    const lab = await openLuo({ register });
    await attach(lab, 'A', 'a1');
    await lab.sleep(1_000);
    assert.equal(sentSince(lab, 0, 'PBU'), register === 'always' ? 1 : 0);
    await lab.close();
  }
});

for (const design of ['anycast-query', 'anycast-push'] as const) {
  test(`${design}: the router nearest to a correspondent outside takes its packets to the MN's router`, async () => {
    const { lab, hoa, own } = await openVisitor({ design }, { anycast: 'b2' });
    await own.finish();
    const since = lab.now();
    const ends = { from: 'cn', to: 'A', fromAddress: CN.address, toAddress: hoa } as const;
    const stream = await lab.stream({ name: 'new', ...ends, kind: 'udp', intervalMs: 5 });
    await lab.sleep(3_000);
    const { lost, duplicated } = await stream.finish();
    assert.deepEqual([lost, duplicated], [0, 0]);
    assertOrder(lab, since, [{ node: 'a1', message: 'LRI', to: 'b2' }]);
    if (design === 'anycast-query') assertOrder(lab, since, [{ node: 'b2', message: 'PBQ', to: 'lm1' }]);
    else assert.equal(sentSince(lab, since, 'PBQ'), 0);
    const all = await sightings(lab, [CN.address, hoa], since);
    const tunnels = (from: number): string[] =>
      pathsOf(all.filter(({ at, tunnel }) => at > from && tunnel !== undefined));
    assert.deepEqual(tunnels(since).includes('b2>a1'), true);
    assert.deepEqual(tunnels(since + 500), ['b2>a2']);
    await lab.close();
  });
}

test('that a correspondent is registered nowhere is asked again once for each subscription', async () => {
  const lab = await openLuo();
  const hoa = await attach(lab, 'A', 'a1');
  const other = await attach(lab, 'B', 'b1');
  const ends = { from: 'B', to: 'A', fromAddress: other, toAddress: hoa } as const;
  const stream = await lab.stream({ name: 'both', ...ends, kind: 'ping', intervalMs: 1_000 });
  await lab.sleep(1_000_000);
  // Both routers, at the beginning and every 300 s.
  assert.equal(sentSince(lab, 0, 'PBQ'), 2 * 4);
  assert.equal((await stream.finish()).lost, 0);
  await lab.close();
});
