import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Context } from '../../../host/core/context.ts';
import type { MaarEffect } from '../../../host/core/maar-io.ts';
import { LocationManager } from '../../../host/functions/lm/location.ts';
import { newNode, type MobileNode } from '../../../host/functions/lm/node.ts';
import { AccessLinks } from '../../../host/functions/proxy/access.ts';
import { Presence } from '../../../host/functions/proxy/presence.ts';
import { Silence } from '../../../host/functions/proxy/silence.ts';
import { testConfig } from '../../support/maar-config.ts';

const MAC = '02:00:00:00:00:0a';
const SILENCE = 100;
const PROBE = testConfig().timers.probe;

interface Bench {
  readonly node: MobileNode;
  readonly presence: Presence;
  readonly found: number[];
  /** Gives the counts of time `now`; returns what is sent to the station. */
  readonly look: (now: number, sent: number, received: number) => MaarEffect[];
  /** The probe's time is over. */
  readonly unanswered: (now: number) => void;
}

function bench(silence = SILENCE): Bench {
  const { buffer } = testConfig();
  const context = new Context(testConfig({ buffer: { ...buffer, silence } }), () => 0.5);
  const location = new LocationManager();
  const presence = new Presence(context, new AccessLinks(context), () => undefined);
  const found: number[] = [];
  const detector = new Silence(context, location, presence, () => found.push(context.now));
  const node = newNode({ mnId: 'a@mn.example', mac: MAC, link: 0, port: 'p' }, 0);
  node.state = 'attached';
  location.nodes.set(node.mnId, node);
  return {
    node,
    presence,
    found,
    look: (now, sent, received) => {
      context.now = now;
      detector.judge([{ mac: MAC, sent, received }]);
      return context.take().filter(({ type }) => type === 'frame');
    },
    unanswered: (now) => {
      context.now = now;
      presence.probeEnded(node.mnId);
    },
  };
}

test('a station that is sent to and sends nothing is probed within the time, and then counts as gone', () => {
  const { node, found, look, unanswered } = bench();
  assert.deepEqual([look(0, 5, 5), look(25, 6, 6), look(50, 6, 9), look(75, 6, 12)], [[], [], [], []]);
  assert.equal(look(100, 6, 15).length, 1);
  assert.deepEqual(found, []);
  unanswered(100 + PROBE);
  assert.deepEqual([found, node.silent], [[100 + PROBE], true]);
});

test('whoever answers the probe stays, and is asked again only after as long', () => {
  const { node, presence, found, look } = bench();
  for (const now of [0, 25, 50]) look(now, 1, now);
  assert.equal(look(75, 1, 75).length, 1);
  presence.heard(node);
  for (const now of [100, 125]) assert.deepEqual(look(now, 1, now), []);
  assert.equal(look(150, 1, 150).length, 1);
  assert.deepEqual([found, node.silent], [[], false]);
});

test('one to whom nothing is sent may be silent for ever', () => {
  const { look } = bench();
  for (let now = 0; now < 10_000; now += 25) assert.deepEqual(look(now, 7, 7), []);
});

test('what it sends by itself puts the probe off', () => {
  const { look } = bench();
  for (let now = 0; now < 1_000; now += 50) assert.deepEqual(look(now, now, 2 * now), []);
});

test('one that counts as gone is asked at every look, so that a lost answer costs one look', () => {
  const { node, found, look } = bench();
  look(0, 1, 1);
  node.silent = true;
  assert.deepEqual([look(25, 1, 2).length, look(50, 1, 2).length], [1, 1]);
  assert.deepEqual(found, []);
});

test('a station whose link went down, or that was announced to leave, is not asked', () => {
  for (const state of [{ linkUp: false }, { leaving: true }]) {
    const { node, look } = bench();
    Object.assign(node, state);
    for (const now of [0, 50, 100, 150]) assert.deepEqual(look(now, 1, now), []);
  }
});

for (const [silence, timers] of [
  [0, []],
  [SILENCE, [{ type: 'timer', id: 'proxy:activity', at: SILENCE / 4 }]],
] as const) {
  test(`with a time of ${silence} ms the detector ${silence === 0 ? 'never looks' : 'looks four times within it'}`, () => {
    const { buffer } = testConfig();
    const context = new Context(testConfig({ buffer: { ...buffer, silence } }), () => 0.5);
    const presence = new Presence(context, new AccessLinks(context), () => undefined);
    new Silence(context, new LocationManager(), presence, () => undefined).start();
    assert.deepEqual(context.take(), timers);
  });
}
