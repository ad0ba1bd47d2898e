import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Context } from '../../../host/core/context.ts';
import { Forwarding } from '../../../host/functions/fm/forwarding.ts';
import { ReleasedLists } from '../../../host/functions/fm/released.ts';
import { LocationManager } from '../../../host/functions/lm/location.ts';
import { testConfig } from '../../support/maar-config.ts';
import { foreignHome, mobileNode, timers, told, TWO } from './support.ts';

function set() {
  const context = new Context(testConfig(), () => 0.5);
  const location = new LocationManager();
  const forwarding = new Forwarding(context);
  const forgotten: string[] = [];
  const lists = new ReleasedLists({ context, location, forwarding }, (mnId) => forgotten.push(mnId));
  return { context, location, forwarding, forgotten, lists };
}

test('an MN that left is followed for the hold time and remembered a little longer', () => {
  const maar = set();
  const { context, location, forgotten, lists } = maar;
  const node = mobileNode();
  const home = foreignHome(node, 1_000);
  const released = lists.add(node, TWO, 7);
  const [hold = ''] = timers(maar);
  lists.follow(released, home);
  assert.equal(told(maar, home.prefix), TWO);
  assert.ok(lists.timer(hold));
  const effects = context.take();
  assert.deepEqual(
    effects.flatMap((effect) => (effect.type === 'apply' ? effect.commands : [])),
    [{ op: 'delete', kind: 'destination', prefix: home.prefix }],
  );
  lists.follow(released, home);
  assert.equal(told(maar, home.prefix), undefined);
  assert.equal(location.released.get('a')?.counter, 7);
  const [forget = ''] = effects.flatMap((effect) => (effect.type === 'timer' ? [effect.id] : []));
  assert.ok(lists.timer(forget));
  assert.equal(location.released.size, 0);
  assert.deepEqual(forgotten, ['a']);
});

test('an MN that is back is not forgotten with its old lists', () => {
  const maar = set();
  const { location, forgotten, lists } = maar;
  const node = mobileNode();
  lists.add(node, TWO, 7);
  location.nodes.set('a', node);
  for (let step = 0; step < 2; step++) {
    const [timer = ''] = timers(maar);
    assert.ok(lists.timer(timer));
  }
  assert.equal(location.released.size, 0);
  assert.deepEqual(forgotten, []);
});

test('newer lists of an MN take the place of the older ones and of their tunnels', () => {
  const maar = set();
  const { location, lists } = maar;
  const [first, second] = [mobileNode(), mobileNode()];
  const home = foreignHome(first, 1_000);
  lists.follow(lists.add(first, TWO, 7), home);
  assert.equal(told(maar, home.prefix), TWO);
  lists.add(second, TWO, 8);
  assert.equal(told(maar, home.prefix), 'native');
  assert.deepEqual(
    [...location.released.values()].map(({ counter }) => counter),
    [8],
  );
});
