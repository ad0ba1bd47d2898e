import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Context } from '../../host/core/context.ts';
import type { MaarEffect } from '../../host/core/maar-io.ts';
import { Signalling } from '../../host/core/signalling.ts';
import { Domain } from '../../host/functions/lm/domain.ts';
import type { Operations } from '../../host/schemes/scheme.ts';
import { fillChecksum } from '../../host/wire/checksum.ts';
import { parseIcmpv6 } from '../../host/wire/icmpv6/message.ts';
import { NEXT_HEADER } from '../../host/wire/ipv6.ts';
import { emitMobility, parseMobility, type MobilityMessage } from '../../host/wire/mobility/message.ts';
import { testConfig } from '../support/maar-config.ts';

const SELF = '2001:db8:0:1::1';
const PEER = '2001:db8:0:2::1';
const STRANGER = '2001:db8:0:9::1';
const UPDATE: MobilityMessage = { kind: 'BU', sequence: 9, flags: 0x8000, lifetime: 4, options: [] };

class Bench {
  readonly context = new Context(testConfig(), () => 0);
  readonly heard: MobilityMessage[] = [];
  readonly signalling: Signalling;

  constructor(claims = false) {
    const scheme: Operations = {
      mobility: (message) => {
        this.heard.push(message);
        return claims;
      },
    };
    this.signalling = new Signalling(this.context, new Domain(this.context.config), scheme);
  }

  receive(data: Uint8Array, src = PEER, side: 'core' | 'access' = 'core'): MaarEffect[] {
    this.signalling.receive({ type: 'mobility', src, dst: SELF, side, data });
    return this.context.take().filter((effect) => effect.type !== 'trace');
  }
}

function sum(data: Uint8Array): Uint8Array {
  fillChecksum(data, 4, PEER, SELF, NEXT_HEADER.mobility);
  return data;
}

test('a message from a peer reaches the scheme', () => {
  const bench = new Bench(true);
  assert.deepEqual(bench.receive(emitMobility(UPDATE, PEER, SELF)), []);
  assert.deepEqual(bench.heard, [UPDATE]);
});

test('an ordinary Binding Update gets status 133: this router is no home agent', () => {
  const [answer] = new Bench().receive(emitMobility(UPDATE, PEER, SELF));
  assert.ok(answer?.type === 'mobility');
  const parsed = parseMobility(answer.data, SELF, PEER);
  assert.ok(parsed.ok && parsed.value.kind === 'BA');
  assert.deepEqual([parsed.value.status, parsed.value.sequence], [133, 9]);
});

test('strangers, and peers on access links, are counted and not answered', () => {
  const bench = new Bench(true);
  assert.deepEqual(bench.receive(emitMobility(UPDATE, STRANGER, SELF), STRANGER), []);
  assert.deepEqual(bench.receive(emitMobility(UPDATE, PEER, SELF), PEER, 'access'), []);
  assert.deepEqual(bench.heard, []);
  assert.equal(bench.context.counters.get('mobility-not-peer'), 1);
  assert.equal(bench.context.counters.get('mobility-from-access'), 1);
});

test('an unknown type gets a Binding Error with status 2', () => {
  const data = emitMobility({ kind: 'BRR', options: [] }, PEER, SELF);
  data[2] = 200;
  const [answer] = new Bench().receive(sum(data));
  assert.ok(answer?.type === 'mobility');
  const parsed = parseMobility(answer.data, SELF, PEER);
  assert.ok(parsed.ok && parsed.value.kind === 'BE');
  assert.equal(parsed.value.status, 2);
});

test('so does a type beyond RFC 6275 that the scheme does not speak', () => {
  const notified = { kind: 'UPN', sequence: 1, reason: 2, acknowledge: true, retransmission: false } as const;
  const [answer] = new Bench().receive(emitMobility({ ...notified, options: [] }, PEER, SELF));
  assert.ok(answer?.type === 'mobility');
  const parsed = parseMobility(answer.data, SELF, PEER);
  assert.ok(parsed.ok && parsed.value.kind === 'BE');
  assert.equal(parsed.value.status, 2);
  assert.deepEqual(new Bench(true).receive(emitMobility({ ...notified, options: [] }, PEER, SELF)), []);
});

test('a payload proto other than 59, and a wrong length, get a Parameter Problem that points at the field', () => {
  for (const [octet, value] of [
    [0, 6],
    [1, 9],
  ] as const) {
    const data = emitMobility(UPDATE, PEER, SELF);
    data[octet] = value;
    const [answer] = new Bench().receive(sum(data));
    assert.ok(answer?.type === 'icmpv6');
    const parsed = parseIcmpv6(answer.data, SELF, PEER);
    assert.ok(parsed.ok && parsed.value.kind === 'parameter-problem');
    assert.deepEqual([parsed.value.code, parsed.value.parameter], [0, 40 + octet]);
  }
});

test('a wrong checksum is counted and not answered', () => {
  const bench = new Bench();
  const data = emitMobility(UPDATE, PEER, SELF);
  data[4]! ^= 0xff;
  assert.deepEqual(bench.receive(data), []);
  assert.equal(bench.context.counters.get('mobility-checksum'), 1);
});

test('answers to faulty messages are limited to ten a second', () => {
  const bench = new Bench();
  bench.context.now = 5_000;
  const data = emitMobility({ kind: 'BRR', options: [] }, PEER, SELF);
  data[2] = 200;
  const answers = Array.from({ length: 15 }, () => bench.receive(sum(data)).length);
  assert.equal(answers.filter((count) => count === 1).length, 10);
  assert.equal(bench.context.counters.get('reply-limited'), 5);
  bench.context.now = 6_000;
  assert.equal(bench.receive(sum(data)).length, 1);
});
