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
  ACTIVITY_MAC_AT,
  ACTIVITY_RECEIVED_AT,
  ACTIVITY_SENT_AT,
  ACTIVITY_SIZE,
  ANSWER_FLAG_MORE,
  BODY_MAX,
  FRAME_LINK_AT,
  FRAME_PORT_AT,
  FRAME_SIZE,
  GREETING_LIFETIME_AT,
  HEADER_FLAGS_AT,
  HEADER_KIND_AT,
  HEADER_LENGTH_AT,
  HEADER_NUMBER_AT,
  HEADER_SIZE,
  HELLO_CORE_MTU_AT,
  HELLO_FLAGS_AT,
  HELLO_FLAG_ACTIVITY,
  HELLO_GENERATION_AT,
  HELLO_LINKS_AT,
  HELLO_LOCATOR_AT,
  HELLO_POOL_AT,
  HELLO_POOL_LENGTH_AT,
  HELLO_SIZE,
  KIND_ACTIVITY,
  KIND_APPLIED,
  KIND_EVENT,
  KIND_FAULT,
  KIND_FRAME_IN,
  KIND_HELLO,
  KIND_PACKET_IN,
  KIND_PONG,
  KIND_PRESENCE,
  KIND_STATUS,
  KIND_USAGE,
  LINK_INTERFACE_AT,
  LINK_LINK_AT,
  LINK_LINK_LOCAL_AT,
  LINK_MAC_AT,
  LINK_SIZE,
  PACKET_PROTOCOL_AT,
  PACKET_SIZE,
  PRESENCE_LEAVING,
  PRESENCE_LINK_AT,
  PRESENCE_MAC_AT,
  PRESENCE_PORT_AT,
  PRESENCE_PORT_UP,
  PRESENCE_SIZE,
  PRESENCE_WHAT_AT,
  STATUS_REBUILDS_AT,
  STATUS_SIZE,
  USE_DESTINATION_AT,
  USE_IDLE_MILLIS_AT,
  USE_LENGTH_AT,
  USE_SIZE,
} from '../../../bindings/generated/cpdp.ts';
import {
  ATTACHED_MAX,
  apply,
  attached,
  frameOut,
  greeting,
  keeping,
  packetOut,
  usageRequest,
} from '../../../bindings/node/cpdp.ts';
import type { AgentMessage } from '../../../bindings/node/cpdp.ts';
import { AgentReader } from '../../../bindings/node/cpdp-reader.ts';

function message(kind: number, number: bigint, body: Uint8Array, flags = 0): Uint8Array {
  const octets = new Uint8Array(HEADER_SIZE + body.length);
  octets[HEADER_FLAGS_AT] = flags;
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
  const packetIn = new Uint8Array(PACKET_SIZE + 8).fill(1);
  packetIn[PACKET_PROTOCOL_AT] = 135;
  const parts = [
    message(KIND_HELLO, 0n, hello),
    message(KIND_APPLIED, 6n, Uint8Array.of(STATUS_OK, STATUS_ABSENT)),
    message(KIND_EVENT, 2n, Buffer.concat([event(EVENT_FLOW), event(EVENT_HOLD_DROP)])),
    message(KIND_STATUS, 9n, status),
    message(KIND_PACKET_IN, 4n, packetIn),
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
      const { hopLimit, side, data } = packet.packet;
      assert.deepEqual([hopLimit, side, data.length], [1, 'access', 8]);
      assert.deepEqual(fault, { kind: 'fault', fault: 'busy', text: 'taken' });
    }),
  );
});

test('an agent that sends nonsense is told by a text, never by an exception', () => {
  const header = fc.tuple(fc.nat(20), fc.uint8Array({ maxLength: 200 }));
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

/** The one message that these octets are. */
function one(octets: Uint8Array): AgentMessage {
  const read = new AgentReader().take(octets);
  assert.ok(typeof read !== 'string' && read.length === 1);
  return read[0]!;
}

/** Octets at their places in a record. */
function record(size: number, parts: Readonly<Record<number, string | readonly number[]>>): Uint8Array {
  const octets = new Uint8Array(size);
  for (const [at, part] of Object.entries(parts))
    octets.set(Buffer.from(part as string, 'latin1'), Number(at));
  return octets;
}

const MAC = '02:00:5e:10:01:0a';
const MAC_OCTETS = [2, 0, 0x5e, 0x10, 1, 0x0a];
const ADDRESS = [0x20, 1, 0x0d, 0xb8, 0, 0x11];

test('hello tells the router of the agent, and each of its access links', () => {
  const body = record(HELLO_SIZE + LINK_SIZE, {
    [HELLO_CORE_MTU_AT]: [0xdc, 5],
    [HELLO_LOCATOR_AT]: [...ADDRESS.slice(0, 4), 0, 0, 0, 1],
    [HELLO_POOL_AT]: ADDRESS,
    [HELLO_POOL_LENGTH_AT]: [48],
    [HELLO_LINKS_AT]: [1],
    [HELLO_FLAGS_AT]: [HELLO_FLAG_ACTIVITY],
    [HELLO_SIZE + LINK_LINK_AT]: [3],
    [HELLO_SIZE + LINK_MAC_AT]: MAC_OCTETS,
    [HELLO_SIZE + LINK_LINK_LOCAL_AT]: [0xfe, 0x80],
    [HELLO_SIZE + LINK_INTERFACE_AT]: 'br-lan',
  });
  const read = one(message(KIND_HELLO, 0n, body));
  assert.ok(read.kind === 'hello');
  const { coreMtu, locator, pool, links, activity, clampMss } = read.hello;
  assert.deepEqual([coreMtu, locator, pool], [1500, '2001:db8:0:1::', '2001:db8:11::/48']);
  assert.deepEqual(links, [{ link: 3, interface: 'br-lan', linkLocal: 'fe80::', mac: MAC }]);
  assert.deepEqual([activity, clampMss], [true, false]);
  const wrong = message(KIND_HELLO, 0n, body.subarray(0, -1));
  assert.equal(new AgentReader().take(wrong), `a hello of ${body.length - 1} octets with 1 links`);
});

test('frames and presence name their link and port', () => {
  const frame = record(FRAME_SIZE + 2, {
    [FRAME_LINK_AT]: [1],
    [FRAME_PORT_AT]: 'wlan0',
    [FRAME_SIZE]: [8, 9],
  });
  assert.deepEqual(one(message(KIND_FRAME_IN, 7n, frame)), {
    kind: 'frame-in',
    lost: 7n,
    frame: { link: 1, port: 'wlan0', data: Uint8Array.of(8, 9) },
  });
  const up = record(PRESENCE_SIZE, {
    [PRESENCE_WHAT_AT]: [PRESENCE_PORT_UP],
    [PRESENCE_PORT_AT]: '0123456789abcdef',
  });
  const leaving = record(PRESENCE_SIZE, {
    [PRESENCE_LINK_AT]: [2],
    [PRESENCE_WHAT_AT]: [PRESENCE_LEAVING],
    [PRESENCE_MAC_AT]: MAC_OCTETS,
    [PRESENCE_PORT_AT]: 'wlan0',
  });
  assert.deepEqual(one(message(KIND_PRESENCE, 0n, Buffer.concat([up, leaving]))), {
    kind: 'presence',
    lost: 0n,
    changes: [
      { what: 'port-up', link: 0, port: '0123456789abcdef' },
      { what: 'leaving', link: 2, port: 'wlan0', mac: MAC },
    ],
  });
  const unknown = message(KIND_PRESENCE, 0n, record(PRESENCE_SIZE, { [PRESENCE_WHAT_AT]: [9] }));
  assert.equal(new AgentReader().take(unknown), 'an unknown presence 9');
});

test('answers say what was used, and whether more of them comes', () => {
  const pair = record(USE_SIZE, {
    [USE_DESTINATION_AT]: [0xff],
    [USE_IDLE_MILLIS_AT]: [0, 1],
    [USE_LENGTH_AT]: [255],
  });
  const prefix = record(USE_SIZE, { [USE_DESTINATION_AT]: ADDRESS, [USE_LENGTH_AT]: [48] });
  const uses = [
    { src: '::', dst: 'ff00::', idleMillis: 256 },
    { prefix: '2001:db8:11::/48', idleMillis: 0 },
  ];
  const answer = Buffer.concat([pair, prefix]);
  assert.deepEqual(one(message(KIND_USAGE, 5n, answer)), { kind: 'usage', number: 5n, more: false, uses });
  assert.deepEqual(one(message(KIND_USAGE, 5n, answer, ANSWER_FLAG_MORE)), {
    kind: 'usage',
    number: 5n,
    more: true,
    uses,
  });
  const wrong = message(KIND_USAGE, 0n, record(USE_SIZE, { [USE_LENGTH_AT]: [129] }));
  assert.equal(new AgentReader().take(wrong), 'use of a prefix of length 129');
  const activity = record(ACTIVITY_SIZE, {
    [ACTIVITY_MAC_AT]: MAC_OCTETS,
    [ACTIVITY_SENT_AT]: [4],
    [ACTIVITY_RECEIVED_AT]: [0, 0, 1],
  });
  assert.deepEqual(one(message(KIND_ACTIVITY, 6n, activity)), {
    kind: 'activity',
    number: 6n,
    more: false,
    stations: [{ mac: MAC, sent: 4, received: 65_536 }],
  });
});

test('what control says stands where the page has it', () => {
  const body = (octets: Uint8Array): Uint8Array => octets.subarray(HEADER_SIZE);
  assert.deepEqual(
    [...body(greeting(300_000)).subarray(GREETING_LIFETIME_AT)],
    [0xe0, 0x93, 4, 0, 0, 0, 0, 0],
  );
  const packet = body(packetOut('2001:db8::1', 'icmpv6', Uint8Array.of(1, 4)));
  assert.deepEqual([packet[PACKET_PROTOCOL_AT], ...packet.subarray(PACKET_SIZE)], [58, 1, 4]);
  const frame = body(frameOut(2, 'wlan0', Uint8Array.of(7)));
  assert.deepEqual([frame[FRAME_LINK_AT], frame.length, frame.at(-1)], [2, FRAME_SIZE + 1, 7]);
  assert.equal(Buffer.from(frame.subarray(FRAME_PORT_AT, FRAME_SIZE)).toString(), 'wlan0'.padEnd(16, '\0'));
  assert.ok(
    body(frameOut(2, undefined, new Uint8Array()))
      .subarray(FRAME_PORT_AT)
      .every((octet) => octet === 0),
  );
  assert.throws(() => frameOut(0, '0123456789abcdef', new Uint8Array()), RangeError);
  const macs = attached(3, [MAC, MAC]);
  assert.equal(new DataView(macs.buffer).getBigUint64(HEADER_NUMBER_AT, true), 3n);
  assert.deepEqual([...body(macs)], [...MAC_OCTETS, ...MAC_OCTETS]);
  assert.equal(attached(0, new Array(ATTACHED_MAX).fill(MAC)).length, HEADER_SIZE + BODY_MAX);
  assert.throws(() => attached(0, new Array(ATTACHED_MAX + 1).fill(MAC)), RangeError);
  assert.deepEqual([...body(keeping(MAC))], MAC_OCTETS);
  assert.deepEqual([usageRequest(1n)[HEADER_KIND_AT], usageRequest(1n).length], [KIND_USAGE, HEADER_SIZE]);
});

test('a batch is as long as its commands, and has no more than the agent takes', () => {
  const remove = { op: 'delete', kind: 'peer', address: '2001:db8::1' } as const;
  const full = apply(1n, new Array(LIMIT_COMMANDS).fill(remove), 0);
  assert.equal(full.length, HEADER_SIZE + LIMIT_COMMANDS * COMMAND_SIZE);
  assert.ok(full.length - HEADER_SIZE <= BODY_MAX);
  assert.throws(() => apply(1n, new Array(LIMIT_COMMANDS + 1).fill(remove), 0), RangeError);
});
