import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { PEER_SETTINGS } from '../../host/aaa/peer-interface.ts';
import type { PeerOutput } from '../../host/aaa/peer-interface.ts';
import { Peer } from '../../host/aaa/peer.ts';
import { PEER_TRANSITIONS } from '../../host/aaa/peer-states.ts';
import { capabilities } from '../../host/aaa/capabilities.ts';
import { avp, get } from '../../host/wire/diameter/avp.ts';
import { COMMAND, RESULT, VALUE } from '../../host/wire/diameter/generated.ts';
import {
  answerTo,
  decodeMessage,
  encodeMessage,
  makeRequest,
  origin,
} from '../../host/wire/diameter/message.ts';
import type { Message } from '../../host/wire/diameter/message.ts';
import { dictionary, request } from '../wire/diameter/samples.ts';
import { Domain } from './domain.ts';
import { seeded } from './net.ts';

const US = { originHost: 'maar1.example.org', originRealm: 'example.org' };
const THEM = { originHost: 'aaa1.example.org', originRealm: 'example.org' };
const node = (identity: typeof US) => ({ identity, address: '2001:db8::1', dictionary, originStateId: 1 });

/** One peer machine, with everything it does taken apart. */
class Hand {
  readonly peer: Peer;
  stream = '';
  readonly timers = new Map<string, number>();
  readonly notices: string[] = [];
  sent: Message[] = [];
  closed = 0;
  now = 0;

  constructor(role: 'initiator' | 'responder', settings = {}) {
    this.peer = new Peer({
      name: 'aaa:p',
      role,
      node: node(US),
      target: { host: 'server', port: 3868 },
      admit: ({ originHost }) => (originHost === THEM.originHost ? RESULT.SUCCESS : RESULT.UNKNOWN_PEER),
      settings: { ...PEER_SETTINGS, ...settings },
      random: seeded(1),
    });
  }

  take(output: PeerOutput | undefined): void {
    for (const effect of output?.effects ?? []) {
      if (effect.type === 'stream.open') this.stream = effect.stream;
      if (effect.type === 'stream.close') this.closed++;
      if (effect.type === 'timer') {
        const name = effect.id.replace('aaa:p/', '');
        if (effect.at === undefined) this.timers.delete(name);
        else this.timers.set(name, effect.at);
      }
      if (effect.type === 'stream.send') {
        const decoded = decodeMessage(effect.data, dictionary);
        assert.ok(decoded.ok);
        this.sent.push(decoded.message);
      }
    }
    for (const notice of output?.notices ?? []) {
      const unanswered = 'unanswered' in notice ? notice.unanswered.length : 0;
      this.notices.push(unanswered === 0 ? notice.type : `${notice.type} ${unanswered}`);
    }
  }

  receive(message: Message): void {
    const data = encodeMessage(message, dictionary);
    this.take(this.peer.step({ type: 'stream.data', stream: this.stream, data }, this.now));
  }

  /** Lets a timer fire at its time. */
  fire(timer: string): void {
    const at = this.timers.get(timer);
    assert.notEqual(at, undefined, `${timer} is not armed`);
    this.now = at!;
    this.timers.delete(timer);
    this.take(this.peer.step({ type: 'timer', id: `aaa:p/${timer}` }, this.now));
  }

  lose(): void {
    this.take(this.peer.step({ type: 'stream.closed', stream: this.stream, reason: 'reset' }, this.now));
  }

  connect(): void {
    this.take(this.peer.step({ type: 'stream.opened', stream: this.stream, remote: 'server' }, this.now));
  }

  /** Initiator, up to the open state. */
  open(): this {
    this.take(this.peer.start(this.now));
    this.connect();
    this.receive(answerTo(this.sent.at(-1)!, THEM, RESULT.SUCCESS, capabilities(node(THEM))));
    assert.equal(this.peer.state, 'open');
    return this;
  }

  answerLast(): void {
    this.receive(answerTo(this.sent.at(-1)!, THEM, RESULT.SUCCESS));
  }
}

test('the watchdog asks after Tw, suspects after 2 Tw, closes after 3 Tw, and hands pending requests back', () => {
  const hand = new Hand('initiator').open();
  hand.take(hand.peer.request(request(), hand.now));
  const start = hand.now;
  hand.fire('watchdog');
  assert.ok(Math.abs(hand.now - start - PEER_SETTINGS.watchdog) <= 2_000, 'jittered by 2 s at most');
  assert.equal(hand.sent.at(-1)?.command, COMMAND.DWR);
  hand.timers.delete('answer');
  hand.fire('watchdog');
  assert.equal(hand.peer.state, 'suspect');
  assert.deepEqual(hand.notices, ['up', 'suspect 1']);
  assert.equal(hand.peer.request(request(), hand.now), undefined);
  hand.fire('watchdog');
  assert.equal(hand.peer.state, 'waiting');
  assert.equal(hand.closed, 1);
});

test('a suspect peer that answers late is used again', () => {
  const hand = new Hand('initiator').open();
  hand.fire('watchdog');
  hand.fire('watchdog');
  hand.answerLast();
  assert.equal(hand.peer.state, 'open');
  assert.deepEqual(hand.notices, ['up', 'suspect', 'recovered']);
  hand.fire('watchdog');
  assert.equal(hand.peer.state, 'open', 'a new round begins');
});

test('lost connections are opened again with growing, jittered waits on fresh streams', () => {
  const hand = new Hand('initiator');
  hand.take(hand.peer.start(0));
  const waits: number[] = [];
  const streams = new Set<string>();
  for (let attempt = 0; attempt < 9; attempt++) {
    streams.add(hand.stream);
    hand.lose();
    waits.push(hand.timers.get('retry')! - hand.now);
    hand.fire('retry');
  }
  assert.equal(streams.size, 9);
  waits.forEach((wait, attempt) => {
    const most = Math.min(500 * 2 ** attempt, 30_000);
    assert.ok(wait >= most / 2 && wait <= most, `wait ${attempt} of ${wait} ms`);
  });
});

test('a connection that hangs in connect or CER is given up', () => {
  const hand = new Hand('initiator');
  hand.take(hand.peer.start(0));
  hand.fire('deadline');
  assert.equal(hand.peer.state, 'waiting');
  hand.fire('retry');
  hand.connect();
  hand.fire('deadline');
  assert.deepEqual([hand.peer.state, hand.closed], ['waiting', 2]);
});

test('CER: an unknown peer, no common application and a message before CER are refused', () => {
  const cer = (host: string, applications: readonly number[]): Message =>
    makeRequest(COMMAND.CER, 1, [
      ...origin({ originHost: host, originRealm: 'example.org' }),
      ...capabilities(node(THEM)).filter(({ name }) => name !== 'Auth-Application-Id'),
      ...applications.map((id) => avp('Auth-Application-Id', id)),
    ]);
  const cases: [Message, number][] = [
    [cer('stranger.example.org', [1]), RESULT.UNKNOWN_PEER],
    [cer(THEM.originHost, [4]), RESULT.NO_COMMON_APPLICATION],
    [cer(THEM.originHost, [0xffffffff]), RESULT.SUCCESS],
  ];
  for (const [message, code] of cases) {
    const hand = new Hand('responder');
    hand.stream = 'in';
    hand.take(hand.peer.accept('in', 0));
    hand.receive(message);
    assert.equal(get(hand.sent[0]!.avps, 'Result-Code'), code);
    assert.equal(hand.peer.state, code === RESULT.SUCCESS ? 'open' : 'closed');
  }
  const early = new Hand('responder');
  early.stream = 'in';
  early.take(early.peer.accept('in', 0));
  early.receive(request());
  assert.deepEqual([early.peer.state, early.sent], ['closed', []]);
});

test('DPR: answered by DPA; a peer that does not want to talk is called again only after the longest wait', () => {
  for (const [cause, longest] of [
    [VALUE.DISCONNECT_CAUSE_REBOOTING, 500],
    [VALUE.DISCONNECT_CAUSE_DO_NOT_WANT_TO_TALK_TO_YOU, 30_000],
  ] as const) {
    const hand = new Hand('initiator').open();
    hand.receive(makeRequest(COMMAND.DPR, 9, [...origin(THEM), avp('Disconnect-Cause', cause)]));
    assert.equal(hand.sent.at(-1)?.command, COMMAND.DPR);
    assert.equal(hand.peer.state, 'departing');
    hand.lose();
    const wait = hand.timers.get('retry')! - hand.now;
    assert.ok(wait >= longest / 2 && wait <= longest, `${wait} ms`);
  }
});

test('stop: DPR, and closed at DPA or at the deadline', () => {
  const polite = new Hand('initiator').open();
  polite.take(polite.peer.stop(0));
  assert.equal(polite.sent.at(-1)?.command, COMMAND.DPR);
  polite.answerLast();
  const silent = new Hand('initiator').open();
  silent.take(silent.peer.stop(0));
  silent.fire('deadline');
  for (const { peer, closed, timers } of [polite, silent]) {
    assert.deepEqual([peer.state, closed, timers.size], ['closed', 1, 0]);
  }
});

test('pending requests are bounded, and each times out', () => {
  const hand = new Hand('initiator', { pending: 2 }).open();
  hand.take(hand.peer.request(request(), 0));
  hand.take(hand.peer.request(request(), 5));
  assert.equal(hand.peer.request(request(), 6), undefined);
  hand.fire('answer');
  assert.equal(hand.notices.at(-1), 'timeout 1');
  assert.ok(hand.peer.ready);
  hand.fire('answer');
  assert.equal(hand.notices.at(-1), 'timeout 1');
});

test('an answer with foreign identifiers is dropped, a malformed request is answered, broken framing closes', () => {
  const hand = new Hand('initiator').open();
  hand.take(hand.peer.request(request(), 0));
  hand.receive({ ...answerTo(hand.sent.at(-1)!, THEM, RESULT.SUCCESS), endToEnd: 99 });
  assert.deepEqual(hand.notices, ['up']);
  hand.receive(makeRequest(999, 5, origin(THEM)));
  const refusal = hand.sent.at(-1)!;
  assert.deepEqual(
    [get(refusal.avps, 'Result-Code'), refusal.error, refusal.endToEnd],
    [RESULT.COMMAND_UNSUPPORTED, true, 5],
  );
  hand.take(hand.peer.step({ type: 'stream.data', stream: hand.stream, data: new Uint8Array(20) }, 0));
  assert.deepEqual([hand.peer.state, hand.notices.at(-1)], ['waiting', 'down 1']);
});

test('the same request twice gets the same answer; only the first reaches the store', () => {
  const domain = new Domain(11);
  const server = domain.servers[0]!;
  const swap = (message: Message): Message => {
    const data = encodeMessage(message, dictionary);
    for (const effect of server.step({ type: 'stream.data', stream: 'x', data }, 1)) {
      if (effect.type !== 'stream.send') continue;
      const decoded = decodeMessage(effect.data, dictionary);
      assert.ok(decoded.ok);
      return decoded.message;
    }
    throw new Error('no answer');
  };
  server.step({ type: 'stream.opened', stream: 'x', remote: 'maar1' }, 0);
  swap(makeRequest(COMMAND.CER, 1, [...origin(US), ...capabilities(node(US))]));
  const first = swap({ ...request(), hopByHop: 1 });
  domain.store.transaction(() => domain.store.prune('020000000001@example.org', 99));
  const second = swap({ ...request(), hopByHop: 2, retransmitted: true });
  assert.deepEqual(second, { ...first, hopByHop: 2 });
  assert.equal(domain.store.current('020000000001@example.org'), undefined);
});

test('no input has two rows in one state, and the diagram in docs/aaa.md is the table', () => {
  const keys = PEER_TRANSITIONS.flatMap(({ from, input, role }) =>
    (role === undefined ? ['initiator', 'responder'] : [role]).map((each) => `${from} ${input} ${each}`),
  );
  assert.equal(new Set(keys).size, keys.length);
  const rows = PEER_TRANSITIONS.map(
    ({ from, to, input, action, role }) =>
      `  ${from} --> ${to}: ${input} / ${action}${role === undefined ? '' : ` (${role})`}`,
  );
  const wanted = ['```mermaid', 'stateDiagram-v2', '  [*] --> closed', ...rows, '```'].join('\n');
  const page = readFileSync(new URL('../../docs/aaa.md', import.meta.url), 'utf8');
  assert.ok(page.includes(wanted), `docs/aaa.md should contain:\n${wanted}`);
});
