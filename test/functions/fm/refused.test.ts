import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SourceEntry } from '../../../bindings/entries.ts';
import { Context } from '../../../host/core/context.ts';
import type { MaarEffect } from '../../../host/core/maar-io.ts';
import { Forwarding } from '../../../host/functions/fm/forwarding.ts';
import { testConfig } from '../../support/maar-config.ts';

const PREFIX = '2001:db8:12:1::/64';
const PEER = '2001:db8:0:2::1';

function set(): { forwarding: Forwarding; batch: () => Extract<MaarEffect, { type: 'apply' }> | undefined } {
  const context = new Context(testConfig(), () => 0.5);
  return {
    forwarding: new Forwarding(context),
    batch: () => context.take().find((effect) => effect.type === 'apply'),
  };
}

test('an entry that the data plane refuses is told again at the next change', () => {
  const { forwarding, batch } = set();
  forwarding.tunnel('x', 'internal', PREFIX, PEER);
  forwarding.commit();
  const refused = batch();
  assert.ok(refused !== undefined);
  forwarding.applied(refused.batch, ['full']);
  forwarding.tunnel('x', 'internal', PREFIX, PEER);
  forwarding.commit();
  assert.deepEqual(batch()?.commands, refused.commands);
});

test('what waits for a batch hears whether all of it stands', () => {
  const { forwarding, batch } = set();
  const heard: boolean[] = [];
  for (const [prefix, status] of [
    [PREFIX, 'full'],
    ['2001:db8:12:2::/64', 'ok'],
  ] as const) {
    forwarding.tunnel('x', 'internal', prefix, PEER);
    forwarding.commit((stands) => heard.push(stands));
    const sent = batch();
    assert.ok(sent !== undefined);
    forwarding.applied(sent.batch, [status]);
  }
  assert.deepEqual(heard, [false, true]);
});

test('a source entry that is refused is told again too', () => {
  const { forwarding, batch } = set();
  const entry: SourceEntry = { kind: 'source', prefix: PREFIX, link: 0 };
  forwarding.permit('x', entry);
  forwarding.commit();
  const refused = batch();
  assert.ok(refused !== undefined);
  forwarding.applied(refused.batch, ['full']);
  forwarding.permit('x', entry);
  forwarding.commit();
  assert.deepEqual(batch()?.commands, refused.commands);
});
