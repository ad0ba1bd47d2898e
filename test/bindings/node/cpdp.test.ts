import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  COMMAND_SIZE,
  COUNTER_SLOTS,
  EVENT_FLOW,
  EVENT_HOLD_DROP,
  EVENT_LENGTH_AT,
  EVENT_SIZE,
  EVENT_SRC_AT,
  LIMIT_COMMANDS,
  STATUS_ABSENT,
  STATUS_OK,
} from '../../../bindings/generated/abi.ts';
import {
  BODY_MAX,
  HEADER_KIND_AT,
  HEADER_LENGTH_AT,
  HEADER_NUMBER_AT,
  HEADER_SIZE,
  HELLO_GENERATION_AT,
  HELLO_SIZE,
  KIND_APPLIED,
  KIND_EVENT,
  KIND_FAULT,
  KIND_HELLO,
  KIND_PACKET_IN,
  KIND_PONG,
  KIND_STATUS,
  PACKET_SIZE,
  STATUS_REBUILDS_AT,
  STATUS_SIZE,
} from '../../../bindings/generated/cpdp.ts';
import { AgentReader, apply } from '../../../bindings/node/cpdp.ts';

function message(kind: number, number: bigint, body: Uint8Array): Uint8Array {
  const octets = new Uint8Array(HEADER_SIZE + body.length);
  const view = new DataView(octets.buffer);
  view.setUint32(HEADER_LENGTH_AT, body.length, true);
  octets[HEADER_KIND_AT] = kind;
  view.setBigUint64(HEADER_NUMBER_AT, number, true);
  octets.set(body, HEADER_SIZE);
  return octets;
}

function event(kind: number): Uint8Array {
  const octets = new Uint8Array(EVENT_SIZE);
  octets[0] = kind;
  octets[EVENT_SRC_AT] = 0x20;
  octets[EVENT_LENGTH_AT] = 8;
  return octets;
}

test('messages come out whole however a stream cuts them', () => {
  const hello = new Uint8Array(HELLO_SIZE);
  hello[HELLO_GENERATION_AT] = 5;
  const status = new Uint8Array(STATUS_SIZE + 8 * COUNTER_SLOTS);
  status[STATUS_REBUILDS_AT] = 3;
  const parts = [
    message(KIND_HELLO, 0n, hello),
    message(KIND_APPLIED, 6n, Uint8Array.of(STATUS_OK, STATUS_ABSENT)),
    message(KIND_EVENT, 2n, Buffer.concat([event(EVENT_FLOW), event(EVENT_HOLD_DROP)])),
    message(KIND_STATUS, 9n, status),
    message(KIND_PACKET_IN, 4n, new Uint8Array(PACKET_SIZE + 8).fill(1)),
    message(KIND_PONG, 1n, new Uint8Array()),
    message(KIND_FAULT, 0n, Buffer.from('\x05taken')),
  ];
  const stream = Buffer.concat(parts);
  fc.assert(
    fc.property(fc.array(fc.nat(stream.length)), (cuts) => {
      const reader = new AgentReader();
      const at = [0, ...cuts.sort((a, b) => a - b), stream.length];
      const read = at.slice(1).flatMap((end, index) => {
        const messages = reader.take(stream.subarray(at[index], end));
        assert.ok(typeof messages !== 'string');
        return messages;
      });
      assert.deepEqual(
        read.map(({ kind }) => kind),
        ['hello', 'applied', 'event', 'status', 'packet-in', 'pong', 'fault'],
      );
      const [first, applied, events, report, packet, , fault] = read;
      assert.ok(first?.kind === 'hello' && first.hello.generation === 5n);
      assert.deepEqual(applied, { kind: 'applied', generation: 6n, statuses: ['ok', 'absent'] });
      assert.ok(events?.kind === 'event' && events.lost === 2n && events.events.length === 2);
      assert.ok(report?.kind === 'status' && report.status.rebuilds === 3);
      assert.ok(packet?.kind === 'packet-in' && packet.lost === 4n);
      assert.equal(packet.packet.src, '101:101:101:101:101:101:101:101');
      assert.deepEqual([packet.packet.hopLimit, packet.packet.data.length], [1, 8]);
      assert.deepEqual(fault, { kind: 'fault', fault: 'busy', text: 'taken' });
    }),
  );
});

test('an agent that sends nonsense is told by a text, never by an exception', () => {
  const header = fc.tuple(fc.nat(10), fc.uint8Array({ maxLength: 200 }));
  fc.assert(
    fc.property(header, ([kind, body]) => {
      const read = new AgentReader().take(message(kind, 0n, body));
      assert.ok(typeof read === 'string' || read.length === 1);
    }),
    { numRuns: 2000 },
  );
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (octets) => void new AgentReader().take(octets)));
  assert.equal(new AgentReader().take(message(KIND_EVENT, 0n, event(200))), 'an unknown event 200');
  assert.equal(new AgentReader().take(message(77, 0n, event(0))), 'a message of unknown kind 77');
  const long = message(KIND_PONG, 0n, new Uint8Array());
  new DataView(long.buffer).setUint32(HEADER_LENGTH_AT, BODY_MAX + 1, true);
  assert.equal(new AgentReader().take(long), `a body of ${BODY_MAX + 1} octets`);
});

test('a batch is as long as its commands, and has no more than the agent takes', () => {
  const remove = { op: 'delete', kind: 'peer', address: '2001:db8::1' } as const;
  const full = apply(1n, new Array(LIMIT_COMMANDS).fill(remove), 0);
  assert.equal(full.length, HEADER_SIZE + LIMIT_COMMANDS * COMMAND_SIZE);
  assert.ok(full.length - HEADER_SIZE <= BODY_MAX);
  assert.throws(() => apply(1n, new Array(LIMIT_COMMANDS + 1).fill(remove), 0), RangeError);
});
