/**
 * The kernel's ip6_tunnel as the other end of a tunnel, in both directions, and as the judge of what we send in its
 * place. It leaves CE out of the outer header (RFC 3168 section 9.1.1), where RFC 6040 copies it, fragments no
 * outer packet, and knows no flow label but one that is set or the inner one: there it is no judge.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DataPlaneOptions, PacketIn, PacketOut } from '../../bindings/dataplane.ts';
import type { Command } from '../../bindings/entries.ts';
import {
  CN,
  DELIVER,
  LOCATOR,
  MAC,
  MN,
  OPTIONS,
  PEER,
  PEERING,
  SOURCE,
  TUNNEL,
  fromAccess,
  fromCore,
  hex,
  packet,
  put,
  tunnelled,
} from '../bindings/node/support.ts';
import type { PacketFields } from '../bindings/node/support.ts';
import { paired } from '../dataplane/engines.ts';
import type { Answer, Device, Step } from './kernel.ts';
import { exchange } from './kernel.ts';

/** The end of the kernel's fragments: its path has an MTU of 1,300. */
const NARROW = '2001:db8:ff::5';
const NARROW_MTU = 1300;
const CORE_MTU = OPTIONS.coreMtu;
/** The end of a tunnel with an encapsulation limit, and who is behind it. */
const LIMITED = '2001:db8:ff::6';
const BEYOND = '2001:db8:1:6::10';
const LIMIT = 4;

/** The kernel is the MAAR with the locator PEER: the CN at "access", us at "core". */
const SETUP = `
  ip addr add ${PEER}/128 dev lo
  ip -6 route add ${LOCATOR} dev core
  ip -6 route add ${NARROW} dev core mtu ${NARROW_MTU}
  ip -6 route add ${CN} dev access
  ip -6 tunnel add tunnel0 mode ip6ip6 local ${PEER} remote ${LOCATOR} encaplimit none hoplimit 64 tclass inherit
  ip link set tunnel0 up
  ip -6 route add ${MN} dev tunnel0
  ip -6 route add ${LIMITED} dev core
  ip -6 tunnel add tunnel1 mode ip6ip6 local ${PEER} remote ${LIMITED} encaplimit ${LIMIT} hoplimit 64 tclass inherit
  ip link set tunnel1 up
  ip -6 route add ${BEYOND} dev tunnel1
`;

/** One batch through a data plane of its own, module and twin alike. */
function through(
  input: PacketIn,
  commands: readonly Command[],
  options: Partial<DataPlaneOptions>,
): PacketOut[] {
  const plane = paired('maar', { ...OPTIONS, ...options });
  plane.apply(commands, 0);
  return plane.process([input], 0);
}

/** What we make of a packet of the CN in the kernel's place, which has decremented its hop limit already. */
function inItsPlace(
  data: Uint8Array,
  options: Partial<DataPlaneOptions> = {},
  remote = LOCATOR,
): PacketOut[] {
  return through(
    fromAccess(data),
    [
      put({ kind: 'source', prefix: `${CN}/128`, link: 0 }),
      put({ kind: 'tunnel', prefix: `${MN}/128`, locator: remote }),
    ],
    { locator: PEER, hopLimitDone: true, ...options },
  );
}

/** We tunnel a packet of the MN to the kernel. */
const toKernel = (data: Uint8Array, coreMtu = CORE_MTU): Uint8Array[] =>
  through(fromAccess(data), [SOURCE, TUNNEL], { coreMtu, hopLimitDone: true }).map((out) => out.data);

/** The MN's router takes off what the kernel tunnelled. */
const atExit = (outer: Uint8Array, locator = LOCATOR): PacketOut[] =>
  through(fromCore(outer), [PEERING, DELIVER], { locator, hopLimitDone: true });

const TO_CN = put({ kind: 'deliver', prefix: `${CN}/128`, link: 0, nextHop: CN, mac: MAC });

const payload = (length: number): Uint8Array => Uint8Array.from({ length }, (_, index) => index * 7);
const fromCn = (length: number, fields: PacketFields = {}): Uint8Array =>
  packet({ src: CN, dst: MN, payload: payload(length - 40), ...fields });
const fromMn = (length: number, fields: PacketFields = {}): Uint8Array =>
  packet({ payload: payload(length - 40), ...fields });

function forwarded(data: Uint8Array): Uint8Array {
  const copy = data.slice();
  copy[7]! -= 1;
  return copy;
}

/** Octets in hexadecimal but for those of the flow label, 12 to 31 of the bits of an IPv6 header. */
const butLabel = (data: Uint8Array): string =>
  `${hex(data.subarray(0, 2)).slice(0, 3)} ${hex(data.subarray(4))}`;

/** Likewise, and but for the identification of the fragment header. */
const butIdentification = (data: Uint8Array): string =>
  butLabel(data.subarray(0, 44)) + hex(data.subarray(48));

const LENGTHS = [40, 41, 100, 1279, 1280, 1281, CORE_MTU - 40];
/** Traffic class and flow label; CE is where the kernel goes its own way. */
const FLOWS = [0x00_00000, 0xb8_00000, 0xfd_00001, 0x22_fffff];
const CE = 3 << 20;
const ecn = [0, 1, 2, 3].flatMap((inner) => [0, 1, 2, 3].map((outer) => [inner, outer] as const));

const steps: Step[] = [];
let answers: Answer[][] = [];

/** A packet that the kernel gets; what comes out can be asked when all have been through. */
function asked(device: Device, data: Uint8Array, expected = 1): () => Answer[] {
  const index = steps.push({ device, packet: data, expected }) - 1;
  return () => answers[index]!;
}

const encapsulated = [
  ...LENGTHS.map((length) => fromCn(length)),
  ...FLOWS.map((flow) => fromCn(80, { flow })),
  fromCn(80, { hops: 2 }),
].map((data) => ({ data, answer: asked('access', data) }));

const decapsulated = [
  ...LENGTHS.map((length) => fromMn(length)),
  ...[...FLOWS, CE].map((flow) => fromMn(80, { flow })),
].map((data) => ({ data, answer: asked('core', toKernel(data)[0]!) }));

const unmarked = ecn.map(([inner, outer]) => {
  const data = tunnelled(fromMn(80, { flow: inner << 20 }), { src: LOCATOR, dst: PEER, flow: outer << 20 });
  return { data, name: `inner ${inner}, outer ${outer}`, answer: asked('core', data) };
});

/** Once in the order of the octets, once the other way round. */
const reassembled = [1261, 1279, 1280].flatMap((length) =>
  [false, true].map((turned) => {
    const data = fromMn(length);
    const fragments = toKernel(data, NARROW_MTU);
    const [first, last] = turned ? fragments.toReversed() : fragments;
    return { data, answers: [asked('core', first!, 0), asked('core', last!)] };
  }),
);

const fragmented = [1261, 1279, 1280].map((length) => {
  const data = fromCn(length);
  return { data, answer: asked('socket', data, 2) };
});

const refused = [CORE_MTU - 39, CORE_MTU].map((length) => {
  const data = fromCn(length);
  return { data, answer: asked('access', data) };
});

const spent = fromCn(80, { hops: 1 });
const exceeded = asked('access', spent);

/** A packet of the CN that is in a tunnel already, with this limit. */
const nested = (limit: number): Uint8Array =>
  packet({
    src: CN,
    dst: BEYOND,
    next: 60,
    payload: Uint8Array.of(41, 0, 4, 1, limit, 1, 1, 0, ...fromCn(80)),
  });

const limited = [
  ...[40, 1280, CORE_MTU - 48].map((length) =>
    packet({ src: CN, dst: BEYOND, payload: payload(length - 40) }),
  ),
  nested(1),
  nested(255),
].map((data) => ({ data, answer: asked('access', data) }));

/** What is too long the kernel finds before it takes a hop off. */
const unlimited = [
  { data: packet({ src: CN, dst: BEYOND, payload: payload(CORE_MTU - 87) }), hops: 0 },
  { data: nested(0), hops: 1 },
].map(({ data, hops }) => ({ data, hops, answer: asked('access', data) }));

const ourLimit = fromMn(80);
const limitTaken = asked(
  'core',
  through(
    fromAccess(ourLimit),
    [SOURCE, put({ kind: 'tunnel', prefix: `${CN}/128`, locator: PEER, limit: 0 })],
    {
      hopLimitDone: true,
    },
  )[0]!.data,
);

/** What we make in its place of a packet into the tunnel with a limit; it need not come from a host of ours. */
const withLimit = (data: Uint8Array): PacketOut[] =>
  through(
    fromCore(data),
    [put({ kind: 'tunnel', prefix: `${BEYOND}/128`, locator: LIMITED, limit: LIMIT })],
    { locator: PEER, hopLimitDone: true },
  );

test("the kernel's ip6_tunnel", async (t) => {
  const found = exchange(t, { setup: SETUP, from: PEER, to: NARROW, steps });
  if (found === undefined) return;
  answers = found;

  await t.test('its outer header is ours, and comes off here to the inner octets', () => {
    for (const { data, answer } of encapsulated) {
      const [outer, ...rest] = answer();
      assert.deepEqual([outer?.device, rest], ['core', []]);
      const [ours] = inItsPlace(forwarded(data));
      assert.equal(butLabel(outer!.packet), butLabel(ours!.data));
      const [out] = atExit(outer!.packet);
      assert.equal(out!.verdict.action, 'deliver');
      assert.equal(hex(out!.data), hex(forwarded(data)));
    }
  });

  await t.test('our outer header comes off there to the inner octets', () => {
    for (const { data, answer } of decapsulated) {
      assert.deepEqual(answer(), [{ device: 'access', packet: forwarded(data) }]);
    }
  });

  await t.test('of 16 combinations of ECN it makes the same', () => {
    for (const { data, name, answer } of unmarked) {
      const [ours] = through(fromCore(data), [put({ kind: 'peer', address: LOCATOR }), TO_CN], {
        locator: PEER,
      });
      const expected = ours!.verdict.action === 'deliver' ? [{ device: 'access', packet: ours!.data }] : [];
      assert.deepEqual(answer(), expected, name);
    }
  });

  await t.test('its encapsulation limit is ours, its own or one less than that of the packet', () => {
    for (const { data, answer } of limited) {
      const [outer, ...rest] = answer();
      assert.deepEqual([outer?.device, rest], ['core', []]);
      assert.equal(butLabel(outer!.packet), butLabel(withLimit(forwarded(data))[0]!.data));
    }
  });

  await t.test('what a limit keeps out it answers as we do', () => {
    for (const { data, hops, answer } of unlimited) {
      const [, message] = withLimit(hops === 0 ? data : forwarded(data));
      assert.deepEqual(answer(), [{ device: 'access', packet: message!.data }]);
    }
  });

  await t.test('our limit comes off there', () => {
    assert.deepEqual(limitTaken(), [{ device: 'access', packet: forwarded(ourLimit) }]);
  });

  await t.test('it puts our fragments together', () => {
    for (const {
      data,
      answers: [first, last],
    } of reassembled) {
      assert.deepEqual(first!(), []);
      assert.deepEqual(last!(), [{ device: 'access', packet: forwarded(data) }]);
    }
  });

  await t.test('its fragments are ours but for label and identification', () => {
    for (const { data, answer } of fragmented) {
      const ours = inItsPlace(data, { coreMtu: NARROW_MTU }, NARROW);
      const theirs = answer();
      assert.equal(theirs.length, 2);
      theirs.forEach(({ packet: octets }, index) => {
        assert.equal(butIdentification(octets), butIdentification(ours[index]!.data));
      });
    }
  });

  await t.test('its Packet Too Big is ours to the octet', () => {
    for (const { data, answer } of refused) {
      const [dropped, message] = inItsPlace(data);
      assert.deepEqual(dropped!.verdict, { action: 'drop', reason: 'too-big' });
      assert.deepEqual(answer(), [{ device: 'access', packet: message!.data }]);
    }
  });

  await t.test('its Time Exceeded is ours to the octet', () => {
    const [dropped, message] = inItsPlace(spent, { hopLimitDone: false });
    assert.deepEqual(dropped!.verdict, { action: 'drop', reason: 'hop-limit' });
    assert.deepEqual(exceeded(), [{ device: 'access', packet: message!.data }]);
  });
});
