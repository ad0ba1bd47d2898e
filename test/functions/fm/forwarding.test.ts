import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MaarEffect } from '../../../host/core/maar-io.ts';
import { Context } from '../../../host/core/context.ts';
import { Forwarding } from '../../../host/functions/fm/forwarding.ts';
import { testConfig } from '../../support/maar-config.ts';

const PREFIX = '2001:db8:12:1::/64';

function set(): {
  context: Context;
  forwarding: Forwarding;
  batches: () => Extract<MaarEffect, { type: 'apply' }>[];
} {
  const context = new Context(testConfig(), () => 0.5);
  return {
    context,
    forwarding: new Forwarding(context),
    batches: () => context.take().filter((effect) => effect.type === 'apply'),
  };
}

test('the entries of the router itself: peers, who anchors what, and both holds', () => {
  const { forwarding, batches } = set();
  forwarding.start();
  const { peers, pool } = testConfig();
  const entries = batches()[0]!.commands.map((command) => (command.op === 'put' ? command.entry : undefined));
  const anchors = entries.flatMap((entry) =>
    entry?.kind === 'source' ? [`${entry.link} ${entry.prefix} ${entry.reverse ?? 'here'}`] : [],
  );
  assert.deepEqual(anchors, [
    ...peers.flatMap(({ address, prefixes }) => prefixes.map((prefix) => `255 ${prefix} ${address}`)),
    `255 ${pool.prefix} here`,
  ]);
  const others = entries.filter((entry) => entry?.kind !== 'source').map((entry) => entry?.kind);
  assert.deepEqual(others, [...peers.map(() => 'peer'), 'hold', 'hold']);
});

test('an acknowledgement waits for its batch and for every batch before it', () => {
  const { forwarding, batches } = set();
  const done: string[] = [];
  forwarding.tunnel('x', 'internal', PREFIX, '2001:db8:0:2::1');
  forwarding.commit(() => done.push('tunnel'));
  forwarding.commit(() => done.push('nothing new'));
  assert.equal(done.length, 0);
  const [batch] = batches();
  assert.ok(batch);
  forwarding.applied(batch.batch, ['ok']);
  assert.equal(done.join(), 'tunnel,nothing new');
  forwarding.commit(() => done.push('idle'));
  assert.equal(done.join(), 'tunnel,nothing new,idle');
});

test('what the data plane knows already is not sent again', () => {
  const { forwarding, batches } = set();
  forwarding.tunnel('x', 'internal', PREFIX, '2001:db8:0:2::1');
  forwarding.tunnel('y', 'internal', PREFIX, '2001:db8:0:2::1');
  forwarding.commit();
  assert.equal(batches()[0]?.commands.length, 1);
  forwarding.withdraw('x', PREFIX);
  forwarding.commit();
  assert.deepEqual(batches(), []);
  forwarding.withdraw('y', PREFIX);
  forwarding.commit();
  assert.deepEqual(batches()[0]?.commands, [{ op: 'delete', kind: 'destination', prefix: PREFIX }]);
});

test('an entry passes from one reason to the next in one command, without a gap', () => {
  const { forwarding, batches } = set();
  forwarding.deliver('mn A', {
    kind: 'deliver',
    prefix: PREFIX,
    link: 0,
    nextHop: 'fe80::a',
    mac: '02:00:00:00:00:0a',
  });
  forwarding.tunnel('anchor', 'anchored', PREFIX, '2001:db8:0:3::1');
  forwarding.commit();
  batches();
  forwarding.withdraw('mn A', PREFIX);
  forwarding.commit();
  assert.deepEqual(batches()[0]?.commands, [
    { op: 'put', entry: { kind: 'tunnel', prefix: PREFIX, locator: '2001:db8:0:3::1' } },
  ]);
});

test('an entry that the data plane refuses is counted and traced, and does not block what follows', () => {
  const { context, forwarding, batches } = set();
  let done = false;
  forwarding.tunnel('x', 'internal', PREFIX, '2001:db8:0:2::1');
  forwarding.commit(() => (done = true));
  forwarding.applied(batches()[0]?.batch ?? 0, ['full']);
  assert.equal(context.counters.get('entry-full'), 1);
  assert.equal(
    context.take().some((effect) => effect.type === 'trace' && effect.what === 'entry-refused'),
    true,
  );
  assert.equal(done, true);
});

test('a buffer gives way to the tunnel in one command, or to delivery when the MN is back', () => {
  const { forwarding, batches } = set();
  const deliver = {
    kind: 'deliver',
    prefix: PREFIX,
    link: 0,
    nextHop: 'fe80::a',
    mac: '02:00:00:00:00:0a',
  } as const;
  const tunnel = { kind: 'tunnel', prefix: PREFIX, locator: '2001:db8:0:2::1' } as const;
  const buffer = { kind: 'buffer', prefix: PREFIX, packets: 16, bytes: 65_536, millis: 2_000 } as const;
  const told = (): unknown => {
    forwarding.commit();
    return batches().flatMap(({ commands }) => commands);
  };
  forwarding.deliver('mn', deliver);
  forwarding.deliver('mn', deliver, true);
  assert.deepEqual(told(), [
    { op: 'put', entry: deliver },
    { op: 'put', entry: buffer },
  ]);
  forwarding.deliver('mn', deliver);
  assert.deepEqual(told(), [{ op: 'put', entry: deliver }]);
  forwarding.deliver('mn', deliver, true);
  told();
  forwarding.tunnel('released', 'released', PREFIX, tunnel.locator);
  forwarding.withdraw('mn', PREFIX);
  assert.deepEqual(told(), [{ op: 'put', entry: tunnel }]);
});

test('with an encapsulation limit, all that is tunnelled carries it', () => {
  const context = new Context(testConfig({ encapsulationLimit: 4 }), () => 0.5);
  const forwarding = new Forwarding(context);
  const locator = '2001:db8:0:2::1';
  const flow = { src: '2001:db8::1', dst: '2001:db8::2', protocol: 17, sourcePort: 1, destinationPort: 2 };
  forwarding.tunnel('x', 'internal', PREFIX, locator);
  forwarding.permit('mn', { kind: 'source', prefix: PREFIX, link: 0, reverse: locator });
  forwarding.permit('mn', { kind: 'source', prefix: PREFIX, link: 1 });
  forwarding.steer({ kind: 'flow', ...flow, action: { kind: 'tunnel', locator } });
  forwarding.commit();
  const entries = context
    .take()
    .flatMap((effect) => (effect.type === 'apply' ? effect.commands : []))
    .map((command) => (command.op === 'put' ? command.entry : undefined));
  assert.deepEqual(entries, [
    { kind: 'tunnel', prefix: PREFIX, locator, limit: 4 },
    { kind: 'source', prefix: PREFIX, link: 0, reverse: locator, limit: 4 },
    { kind: 'source', prefix: PREFIX, link: 1 },
    { kind: 'flow', ...flow, action: { kind: 'tunnel', locator, limit: 4 } },
  ]);
});

test('a buffer of 0 packets is none: delivery stands', () => {
  const context = new Context(
    testConfig({ buffer: { packets: 0, bytes: 1, millis: 1, silence: 0 } }),
    () => 0.5,
  );
  const forwarding = new Forwarding(context);
  const entry = {
    kind: 'deliver',
    prefix: PREFIX,
    link: 0,
    nextHop: 'fe80::a',
    mac: '02:00:00:00:00:0a',
  } as const;
  forwarding.deliver('mn', entry, true);
  forwarding.commit();
  const [effect] = context.take();
  assert.deepEqual(effect?.type === 'apply' && effect.commands, [{ op: 'put', entry }]);
});

test('a flow is steered once, again after a refusal, and no longer once unsteered', () => {
  const { forwarding, batches } = set();
  const flow = { src: '2001:db8::1', dst: '2001:db8::2', protocol: 17, sourcePort: 1, destinationPort: 2 };
  const action = { kind: 'tunnel', locator: '2001:db8:0:2::1' } as const;
  const entry = { kind: 'flow', ...flow, action } as const;
  forwarding.steer(entry);
  forwarding.steer(entry);
  forwarding.commit();
  const [first] = batches();
  assert.deepEqual(first?.commands, [{ op: 'put', entry }]);
  forwarding.applied(first.batch, ['full']);
  forwarding.steer(entry);
  forwarding.unsteer(entry);
  forwarding.unsteer(entry);
  forwarding.commit();
  assert.deepEqual(batches()[0]?.commands, [
    { op: 'put', entry },
    { op: 'delete', kind: 'flow', ...flow },
  ]);
});
