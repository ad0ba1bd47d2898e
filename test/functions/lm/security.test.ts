import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import { Association } from '../../../host/functions/lm/association.ts';
import type { Opened } from '../../../host/functions/lm/association.ts';
import { addressBytes } from '../../../host/wire/address.ts';
import { fillChecksum } from '../../../host/wire/checksum.ts';
import { Network, keyOf } from './network.ts';

const LM = '2001:db8:ff::1';
const M1 = '2001:db8:0:1::1';
const M2 = '2001:db8:0:2::1';
const NOW = 1_767_225_600_000;
const QUERY = { kind: 'PBQ', register: false, lifetimeSeconds: 0, mnId: 'mn', sequence: 7 } as const;

function pair(key = keyOf(LM, M1)): { client: Association; server: Association } {
  const settings = { key, window: 7_000, since: NOW - 60_000 };
  return {
    client: new Association({ ...settings, self: M1, peer: LM }),
    server: new Association({ ...settings, self: LM, peer: M1 }),
  };
}

function why(opened: Opened): string {
  return opened.ok ? 'accepted' : opened.why;
}

test('the authenticator is that of RFC 4285 with SHA-256, computed here by hand', () => {
  const data = pair().client.request(QUERY, NOW);
  const covered = Buffer.from([...addressBytes(M1), ...addressBytes(LM), ...data.subarray(0, -16)]);
  covered.writeUInt16BE(0, 32 + 4);
  const secret = [LM, M1].sort().join();
  const expected = createHmac('sha256', secret).update(covered).digest('hex').slice(0, 32);
  assert.equal(Buffer.from(data.subarray(-16)).toString('hex'), expected);
  assert.deepEqual([...data.subarray(-23, -16)], [9, 21, 1, 0, 0, 1, 0]);
});

test('a change of any octet but the checksum, another direction, and another key are found out', () => {
  const { client, server } = pair();
  const data = client.request(QUERY, NOW);
  for (let octet = 0; octet < data.length; octet++) {
    if (octet === 4 || octet === 5) continue;
    const forged = Uint8Array.from(data);
    forged[octet]! ^= 1;
    fillChecksum(forged, 4, M1, LM, 135);
    assert.notEqual(why(server.open(forged, NOW)), 'accepted', `octet ${octet}`);
  }
  const reflected = Uint8Array.from(data);
  fillChecksum(reflected, 4, LM, M1, 135);
  assert.equal(why(client.open(reflected, NOW)), 'unauthenticated');
  assert.equal(why(pair(keyOf(LM, M2)).server.open(data, NOW)), 'unauthenticated');
  assert.equal(why(server.open(data, NOW)), 'accepted');
});

test('a message is accepted once, within the window, and not from before the start', () => {
  const { client, server } = pair();
  const data = client.request(QUERY, NOW);
  assert.equal(why(server.open(data, NOW + 6_999)), 'accepted');
  assert.equal(why(server.open(data, NOW + 7_000)), 'replayed');
  assert.equal(why(server.open(data, NOW + 7_001)), 'out-of-time');
  for (const later of [15_000, 100_000]) assert.equal(why(server.open(data, NOW + later)), 'out-of-time');
  const settings = { key: keyOf(LM, M1), window: 7_000, self: LM, peer: M1 };
  const restarted = new Association({ ...settings, since: NOW + 1 });
  assert.equal(why(restarted.open(data, NOW + 2)), 'out-of-time', 'what was seen is forgotten, and refused');
});

test('messages that overtake each other are both accepted', () => {
  const { client, server } = pair();
  const first = client.request(QUERY, NOW);
  const second = client.request({ ...QUERY, sequence: 8 }, NOW + 1);
  assert.equal(why(server.open(second, NOW + 5)), 'accepted');
  assert.equal(why(server.open(first, NOW + 6)), 'accepted');
});

test('an answer counts once, and only to what was asked', () => {
  const { client, server } = pair();
  const answer = { kind: 'PQA', status: 133, lifetimeSeconds: 0 } as const;
  client.request(QUERY, NOW);
  assert.equal(why(client.open(server.answer({ ...answer, sequence: 8, timestamp: NOW }), NOW)), 'unasked');
  assert.equal(
    why(client.open(server.answer({ ...answer, sequence: 7, timestamp: NOW - 1 }), NOW)),
    'unasked',
  );
  const right = server.answer({ ...answer, sequence: 7, timestamp: NOW });
  assert.equal(why(client.open(right, NOW)), 'accepted');
  assert.equal(why(client.open(right, NOW)), 'unasked');
});

test('a correction of the clock is for one request, and may go back: played again it changes nothing', () => {
  const { client, server } = pair();
  const correct = (timestamp: number, clock: number): Uint8Array =>
    server.answer({ kind: 'PQA', status: 156, lifetimeSeconds: 0, sequence: 7, timestamp, clock });
  const stampOf = (data: Uint8Array): unknown => {
    const opened = server.open(data, NOW);
    return opened.message?.timestamp;
  };
  client.request(QUERY, NOW);
  const ahead = correct(NOW, NOW + 50_000);
  assert.equal(why(client.open(ahead, NOW)), 'accepted');
  assert.equal(stampOf(client.request(QUERY, NOW + 1)), NOW + 50_001);
  assert.equal(why(client.open(ahead, NOW + 1)), 'unasked');
  assert.equal(why(client.open(correct(NOW + 50_001, NOW - 9_000), NOW + 1)), 'accepted');
  assert.equal(
    stampOf(client.request(QUERY, NOW + 2)),
    NOW - 8_999,
    'the peer started again with another clock',
  );
});

test('two nodes that correct each other at the same time understand each other from then on', () => {
  const { client, server } = pair();
  const ahead = 60_000;
  const notification = { ...QUERY, sequence: 9 };
  const fromClient = client.request(QUERY, NOW);
  const fromServer = server.request(notification, NOW + ahead);
  assert.equal(why(server.open(fromClient, NOW + ahead)), 'out-of-time');
  assert.equal(why(client.open(fromServer, NOW)), 'out-of-time');
  const correction = { kind: 'PQA', status: 156, lifetimeSeconds: 0 } as const;
  const toClient = server.answer({ ...correction, sequence: 7, timestamp: NOW, clock: NOW + ahead });
  const toServer = client.answer({ ...correction, sequence: 9, timestamp: NOW + ahead, clock: NOW });
  assert.equal(why(client.open(toClient, NOW)), 'accepted');
  assert.equal(why(server.open(toServer, NOW + ahead)), 'accepted');
  assert.equal(why(server.open(client.request(QUERY, NOW + 1), NOW + ahead + 1)), 'accepted');
  assert.equal(why(client.open(server.request(notification, NOW + ahead + 1), NOW + 1)), 'accepted');
});

test('without a key (IPsec) a message has no authenticator, and replay protection all the same', () => {
  const settings = { key: undefined, window: 7_000, since: 0 };
  const client = new Association({ ...settings, self: M1, peer: LM });
  const server = new Association({ ...settings, self: LM, peer: M1 });
  const data = client.request(QUERY, NOW);
  assert.equal(why(server.open(data, NOW)), 'accepted');
  assert.equal(why(server.open(data, NOW)), 'replayed');
});

test('forged and replayed updates change nothing at a server', () => {
  const network = new Network();
  const server = network.server(LM, { [M1]: 'client', [M2]: 'client' });
  for (const maar of [M1, M2]) network.client(maar, [LM]);
  const arrive = (maar: string): void => {
    const [attached] = network.tell(maar, { type: 'attach', mnId: 'mn' });
    assert.ok(attached?.type === 'attached');
    const { counter } = attached;
    const prefixes = ['2001:db8:a:1::/64'];
    network.tell(maar, { type: 'register', mnId: 'mn', counter, prefixes, delegated: [] });
  };
  arrive(M1);
  const update = network.sent.findLast(({ src, data }) => src === M1 && data[2] === 5)!;
  network.tell(M1, { type: 'detach', mnId: 'mn' });
  arrive(M2);
  const before = server.view(network.now).registrations;
  assert.deepEqual(
    before.map(({ locator }) => locator),
    [M2],
  );
  for (const delay of [0, 3_000, 8_000, 100_000]) network.inject(update, delay);
  const forged = Uint8Array.from(update.data);
  forged.fill(0, forged.length - 16);
  fillChecksum(forged, 4, M1, LM, 135);
  network.inject({ ...update, data: forged });
  network.inject({ ...update, src: '2001:db8:bad::1' });
  network.run(110_000);
  assert.deepEqual(server.view(network.now).registrations, before);
  const { counters } = server.view(network.now);
  assert.deepEqual(
    ['refused-replayed', 'refused-out-of-time', 'refused-unauthenticated', 'refused-no-peer'].map(
      (name) => counters[name],
    ),
    [2, 2, 1, 1],
  );
});
