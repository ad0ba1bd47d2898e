import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLocation } from '../../host/functions/lm/messages/parse.ts';
import { createProfile, PROFILE_NAMES } from '../../host/schemes/romip/messages/profile.ts';
import type { MobilityMessage } from '../../host/wire/mobility/message.ts';
import { parseMobility } from '../../host/wire/mobility/message.ts';
import { emitIpv6, NEXT_HEADER } from '../../host/wire/ipv6.ts';
import { examplesOf } from '../support/examples.ts';
import { assertScapyAgrees } from '../support/frames.ts';
import { pythonWithScapy } from '../support/tools.ts';

function messagesOf(page: string): [kind: string, message: MobilityMessage][] {
  return examplesOf(page).map(({ kind, src, dst, data }) => {
    const message = parseMobility(data, src, dst);
    assert.ok(message.ok);
    return [kind, message.value];
  });
}

test('no message of location management is read as a distributed one, in either profile', () => {
  for (const [kind, message] of messagesOf('lm-messages.md')) {
    for (const name of PROFILE_NAMES) {
      const result = createProfile(name).parse(message);
      assert.ok(result === 'not-distributed' || !result.ok, `${kind} in ${name}`);
    }
  }
});

test('no distributed message is read as one of location management', () => {
  for (const [kind, message] of messagesOf('messages.md')) {
    const result = parseLocation(message);
    assert.ok(result === 'other' || !result.ok, kind);
  }
});

test('scapy reads every example, options and all, as our parsers do', (t) => {
  const python = pythonWithScapy(t);
  if (python === undefined) return;
  const packets = ['messages.md', 'lm-messages.md'].flatMap(examplesOf).map(({ src, dst, data }) => {
    return emitIpv6({ src, dst, nextHeader: NEXT_HEADER.mobility, hopLimit: 64 }, data);
  });
  assertScapyAgrees(python, packets);
});
