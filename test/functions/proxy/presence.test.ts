import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Context } from '../../../host/core/context.ts';
import { newNode } from '../../../host/functions/lm/node.ts';
import { AccessLinks } from '../../../host/functions/proxy/access.ts';
import { isAway, Presence } from '../../../host/functions/proxy/presence.ts';
import { testConfig } from '../../support/maar-config.ts';

const NODE = { mnId: 'a@mn.example', mac: '02:00:00:00:00:0a', link: 0, port: 'p' };

test('an MN that is announced to leave is not asked whether it is there, until it has stayed or left', () => {
  const context = new Context(testConfig(), () => 0.5);
  const presence = new Presence(context, new AccessLinks(context), () => undefined);
  const node = newNode(NODE, 0);
  presence.leaving(node);
  assert.equal(isAway(node), true);
  assert.deepEqual(context.take(), [{ type: 'timer', id: 'proxy:stayed a@mn.example', at: 2_000 }]);
  const answers: boolean[] = [];
  presence.probe(node, (present) => answers.push(present));
  assert.deepEqual(answers, [false]);
  presence.linkLost(node, () => undefined);
  assert.deepEqual([node.leaving, isAway(node)], [false, true]);
  const timers = context.take().filter((effect) => effect.type === 'timer');
  assert.deepEqual(timers[0], { type: 'timer', id: 'proxy:stayed a@mn.example', at: undefined });
  presence.linkBack(node);
  assert.equal(isAway(node), false);
});
