import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Context } from '../../../host/core/context.ts';
import { Domain } from '../../../host/functions/lm/domain.ts';
import { takeHome } from '../../../host/functions/lm/handed.ts';
import { newHome, newNode } from '../../../host/functions/lm/node.ts';
import { testConfig } from '../../support/maar-config.ts';

function set() {
  const config = testConfig();
  const parts = { context: new Context(config, () => 0.5), domain: new Domain(config) };
  const node = newNode({ mnId: 'a', mac: '02:00:00:00:00:0a', link: 0, port: 'p' }, 0);
  node.local = newHome('2001:db8:11:a::/64', config.address, 0);
  return { parts, node };
}

test('a home anchored elsewhere is followed as long as anybody said, under the addresses heard', () => {
  const { parts, node } = set();
  node.spent.add('2001:db8:12:a::/64');
  node.claimed.add('2001:db8:12:a::2').add('2001:db8:12:b::2');
  const home = takeHome(parts, node, '2001:db8:12:a::1/128', 60);
  assert.equal(home, node.foreign.get('2001:db8:12:a::/64'));
  assert.deepEqual([...(home?.addresses ?? [])], ['2001:db8:12:a::1/128', '2001:db8:12:a::2/128']);
  assert.deepEqual([...node.claimed], ['2001:db8:12:b::2']);
  assert.equal(node.spent.size, 0);
  parts.context.now = 1_000;
  takeHome(parts, node, '2001:db8:12:a::/64', 30);
  assert.deepEqual({ until: home?.validUntil, span: home?.spanSeconds }, { until: 60_000, span: 60 });
  takeHome(parts, node, '2001:db8:12:a::/64', 90);
  assert.deepEqual({ until: home?.validUntil, span: home?.spanSeconds }, { until: 91_000, span: 90 });
});

test('our own home is used, and its lifetime stays what we gave it', () => {
  const { parts, node } = set();
  assert.equal(takeHome(parts, node, '2001:db8:11:a::1/128', 60), node.local);
  assert.deepEqual({ used: node.local?.used, until: node.local?.validUntil }, { used: true, until: 0 });
});

test('what nobody anchors, what we did not assign and what is one too many is not followed', () => {
  const { parts, node } = set();
  assert.equal(takeHome(parts, node, '2001:db8:99:a::/64', 60), undefined);
  assert.equal(takeHome(parts, node, '2001:db8:11:b::/64', 60), undefined);
  for (let i = 0; i < 17; i++) takeHome(parts, node, `2001:db8:12:${i.toString(16)}::/64`, 60);
  assert.equal(node.foreign.size, 16);
  assert.deepEqual(Object.fromEntries(parts.context.counters), {
    'home-without-anchor': 1,
    'home-not-assigned': 1,
    'home-limit': 1,
  });
});

test('an unused prefix is noted to be deprecated, a few of them at once, and never one in use', () => {
  const { parts, node } = set();
  takeHome(parts, node, '2001:db8:12:a::/64', 60);
  for (const prefix of ['2001:db8:12:a::/64', '2001:db8:11:a::/64'] as const) {
    assert.equal(takeHome(parts, node, prefix, 0), undefined);
  }
  assert.equal(node.spent.size, 0);
  for (let i = 0; i < 9; i++) takeHome(parts, node, `2001:db8:12:${i.toString(16)}::/64`, 0);
  assert.equal(node.spent.size, 8);
});
