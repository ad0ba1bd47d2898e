import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_LOCATION } from '../../host/core/config.ts';
import { Maar } from '../../host/core/maar.ts';
import type { MaarEffect } from '../../host/core/maar-io.ts';
import { Association } from '../../host/functions/lm/association.ts';
import type { LocationEvent, LocationService } from '../../host/functions/lm/client/service.ts';
import { register } from '../../host/schemes/registry.ts';
import { keyOf } from '../functions/lm/network.ts';
import { testConfig } from '../support/maar-config.ts';

const SELF = testConfig().address;
const [PEER] = testConfig().peers;
const SERVER = '2001:db8:0:b::1';
const CN = '2001:db8:12:7::1';

let service: LocationService | undefined;
const told: LocationEvent[] = [];
register({
  name: 'asking',
  needs: ['lm'],
  check: () => [],
  create: ({ lm }) => {
    service = lm;
    return { located: (event) => void told.push(event), mobility: () => true };
  },
});

function openMaar(scheme = 'asking'): Maar {
  const lm = {
    ...DEFAULT_LOCATION,
    servers: [{ name: 'lm1', address: SERVER, key: keyOf(SELF, SERVER) }],
    maars: [{ name: PEER!.name, address: PEER!.address, key: keyOf(SELF, PEER!.address) }],
  };
  service = undefined;
  told.length = 0;
  const maar = new Maar(testConfig({ scheme: { name: scheme, options: {} }, lm }), () => 0.5);
  maar.step({ type: 'start' }, 0);
  return maar;
}

/** The messages among effects. */
function messages(effects: readonly MaarEffect[]): Extract<MaarEffect, { type: 'mobility' }>[] {
  return effects.filter((effect) => effect.type === 'mobility');
}

function far(address: string, key = keyOf(SELF, address)): Association {
  return new Association({ self: address, peer: SELF, key, window: 7_000, since: 0 });
}

function hear(maar: Maar, src: string, data: Uint8Array, now: number): MaarEffect[] {
  return maar.step({ type: 'mobility', src, dst: SELF, side: 'core', data }, now);
}

test('a scheme asks a server and hears the answer', () => {
  const maar = openMaar();
  service?.lookup(CN);
  const [query] = messages(maar.step({ type: 'timer', id: 'scheme:any' }, 10));
  assert.equal(query?.dst, SERVER);
  const server = far(SERVER);
  const opened = server.open(query.data, 20);
  assert.ok(opened.ok && opened.message.kind === 'PBQ');
  const { sequence, timestamp } = opened.message;
  const binding = {
    ...{ prefixes: ['2001:db8:12:7::/64'], delegated: [], locator: '2001:db8:0:3::1' },
    ...{ counter: 4, lifetimeSeconds: 100 },
  };
  const answer = server.answer({
    ...{ kind: 'PQA', status: 0, sequence, timestamp, lifetimeSeconds: 300, binding },
  });
  hear(maar, SERVER, answer, 30);
  assert.deepEqual(
    told.map((event) => event.type === 'located' && [event.where, event.source, event.binding?.locator]),
    [[CN, 'server', '2001:db8:0:3::1']],
  );
  assert.equal(maar.view(30).counters['lm-sent-PBQ'], 1);
});

test('silence of a server is the business of its timers', () => {
  const maar = openMaar();
  service?.lookup(CN);
  const armed = maar
    .step({ type: 'timer', id: 'scheme:any' }, 10)
    .find((effect) => effect.type === 'timer' && effect.id.startsWith('lm:'));
  assert.ok(armed?.type === 'timer');
  assert.equal(messages(maar.step({ type: 'timer', id: armed.id }, 1_010))[0]?.dst, SERVER);
});

test('a redirect changes something only with the key of its peer', () => {
  const maar = openMaar();
  const draft = {
    ...({ kind: 'LRI', sequence: 1 } as const),
    binding: {
      ...{ prefixes: ['2001:db8:12:7::/64'], delegated: [], locator: '2001:db8:0:3::1' },
      ...{ counter: 4, lifetimeSeconds: 100 },
    },
  };
  const forged = far(PEER!.address, keyOf(SELF, 'somebody')).request(draft, 10);
  assert.deepEqual(messages(hear(maar, PEER!.address, forged, 10)), []);
  assert.deepEqual(told, []);
  const [answer] = messages(hear(maar, PEER!.address, far(PEER!.address).request(draft, 10), 10));
  assert.equal(answer?.dst, PEER!.address);
  assert.deepEqual(
    told.map(({ type }) => type),
    ['located'],
  );
});

test('a scheme that needs no servers has none, whatever the configuration names', () => {
  register({ name: 'silent', check: () => [], create: ({ lm }) => ({ start: () => (service = lm) }) });
  const maar = openMaar('silent');
  assert.equal(service, undefined);
  hear(maar, SERVER, new Uint8Array(8), 10);
  assert.equal(maar.view(10).counters['mobility-not-peer'], 1);
});
