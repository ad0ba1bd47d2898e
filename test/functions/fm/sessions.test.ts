import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Prefix } from '../../../bindings/entries.ts';
import { Context } from '../../../host/core/context.ts';
import { Forwarding } from '../../../host/functions/fm/forwarding.ts';
import { Sessions } from '../../../host/functions/fm/sessions.ts';
import { Domain } from '../../../host/functions/lm/domain.ts';
import { LocationManager } from '../../../host/functions/lm/location.ts';
import { newHome } from '../../../host/functions/lm/node.ts';
import { MnEntries } from '../../../host/functions/proxy/mn-entries.ts';
import { testConfig } from '../../support/maar-config.ts';
import { foreignHome, mobileNode, THREE, timers, told, TWO } from './support.ts';

/** Anchored at `two`. */
const CN: Prefix = '2001:db8:12:1::c/128';

/** A MAAR with one MN, whose local home talks to nobody yet. */
function set() {
  const config = testConfig();
  const context = new Context(config, () => 0.5);
  const domain = new Domain(config);
  const location = new LocationManager();
  const forwarding = new Forwarding(context);
  const attachment = { entries: new MnEntries(context, domain, forwarding, () => true) };
  const ended: string[] = [];
  const sessions = new Sessions({ context, domain, location, forwarding, attachment }, (_node, { cn }) =>
    ended.push(cn),
  );
  const node = mobileNode();
  const home = newHome('2001:db8:11:a::/64', config.address, 0);
  node.local = home;
  location.nodes.set(node.mnId, node);
  return { context, forwarding, sessions, ended, node, home };
}

test('a session is tunnelled only while one of its ends is away from its anchor', () => {
  const maar = set();
  const { sessions, node, home } = maar;
  const session = sessions.open(node, home, CN, TWO);
  sessions.install(node, session);
  assert.equal(told(maar, CN), undefined);
  session.maar = THREE;
  sessions.install(node, session);
  assert.equal(told(maar, CN), THREE);
  session.maar = TWO;
  sessions.install(node, session);
  assert.equal(told(maar, CN), 'native');
  sessions.open(node, foreignHome(node, 1), CN, TWO);
  sessions.install(node, session);
  assert.equal(told(maar, CN), TWO);
  session.maar = testConfig().address;
  assert.equal(sessions.needsTunnel(node, session), false);
});

test('past the limit the session that was least recently used goes', () => {
  const { context, sessions, ended, node, home } = set();
  const cn = (number: number): Prefix => `2001:db8:12:1::${number.toString(16)}/128`;
  for (let i = 0; i < 512; i++) {
    context.now = i;
    sessions.open(node, home, cn(i), TWO);
  }
  context.now = 512;
  sessions.open(node, home, cn(0), TWO);
  assert.deepEqual(ended, []);
  sessions.open(node, home, cn(512), TWO);
  assert.deepEqual(ended, [cn(1)]);
  assert.equal(node.sessions.size, 512);
  assert.equal(context.counters.get('session-limit'), 1);
});

test('a session lives on with packets in either direction, and is looked at as long as it lives', () => {
  const maar = set();
  const { context, sessions, ended, node, home } = maar;
  const { idle } = context.config.timers;
  sessions.open(node, home, CN, TWO);
  const [usage = ''] = timers(maar);
  assert.ok(sessions.timer(usage));
  assert.deepEqual(context.take(), [{ type: 'usage' }]);
  for (const [src, dst] of [
    ['2001:db8:11:a::1', '2001:db8:12:1::c'],
    ['2001:db8:12:1::c', '2001:db8:11:a::1'],
  ] as const) {
    const lastUsed = context.now + idle / 2;
    context.now += idle;
    sessions.releaseIdle({ type: 'usage', destinations: [], pairs: [{ src, dst, lastUsed }] });
    assert.deepEqual(timers(maar), [usage]);
  }
  context.now += idle / 2;
  sessions.releaseIdle({ type: 'usage', destinations: [], pairs: [] });
  assert.deepEqual(ended, [CN]);
  assert.equal(node.sessions.size, 0);
  assert.deepEqual(timers(maar), []);
});

test('a home that has run out ends with the sessions of no other home', () => {
  const { context, sessions, ended, node, home } = set();
  const away = foreignHome(node, 1_000);
  const other: Prefix = '2001:db8:12:1::d/128';
  for (const cn of [CN, other]) sessions.open(node, away, cn, TWO);
  sessions.open(node, home, other, TWO);
  context.now = 999;
  assert.equal(sessions.expireHomes(node), false);
  context.now = 1_000;
  assert.equal(sessions.expireHomes(node), true);
  assert.equal(node.foreign.size, 0);
  assert.deepEqual(ended, [CN]);
  assert.deepEqual([...(node.sessions.get(other)?.homes ?? [])], [home.prefix]);
});
