import assert from 'node:assert/strict';
import { afterEach, beforeEach, test } from 'node:test';
import type { MaarEvent } from '../../../host/core/maar-io.ts';
import type { MaarView } from '../../../host/core/view.ts';
import {
  APPLY_FLAG_BEGIN,
  APPLY_FLAG_END,
  FRAME_SIZE,
  GREETING_LIFETIME_AT,
  KIND_APPLY,
  KIND_ATTACHED,
  KIND_FRAME_IN,
  KIND_FRAME_OUT,
  KIND_GREETING,
  KIND_KEEPING,
  KIND_PACKET_IN,
  KIND_PACKET_OUT,
  KIND_PRESENCE,
  PACKET_ADDRESS_AT,
  PACKET_PROTOCOL_AT,
  PACKET_SIDE_AT,
  PACKET_SIZE,
  PRESENCE_LEAVING,
  PRESENCE_PORT_UP,
  PRESENCE_PRESENT,
  USE_DESTINATION_AT,
  USE_IDLE_MILLIS_AT,
  USE_LENGTH_AT,
  USE_SIZE,
  USE_SOURCE_AT,
} from '../../../bindings/generated/cpdp.ts';
import { writeAddress } from '../../../bindings/node/text.ts';
import { AgentHost } from '../../../host/io/agent/agent-host.ts';
import type { AgentConfig } from '../../../host/io/agent/agent-config.ts';
import { clockOrigin } from '../../../host/io/clock.ts';
import { askControl, controlPath } from '../../../host/io/control-socket.ts';
import { Puppet } from '../support/bench.ts';
import { until } from '../support/namespace.ts';
import { ROUTER, ScriptedAgent, presence } from './scripted-agent.ts';

const MAC = '02:00:5e:10:01:0a';
const SETTLE = 300;

let agent: ScriptedAgent;
let puppet: Puppet;
let host: AgentHost;
let traces: { what: string; detail?: unknown }[];

function open(changes: Partial<AgentConfig> = {}): AgentHost {
  return new AgentHost({
    config: {
      name: 'test',
      agent: { kind: 'unix', path: agent.path },
      address: ROUTER.locator,
      stateDirectory: agent.directory,
      coreMtu: ROUTER.coreMtu,
      clampMss: false,
      access: [{ link: 0, linkLocal: ROUTER.linkLocal, mac: ROUTER.mac }],
      pool: ROUTER.pool,
      activity: false,
      lifetime: 60_000,
      settle: SETTLE,
      ...changes,
    },
    machine: puppet,
    view: () => ({ name: 'test' }) as MaarView,
    trace: (effect) => traces.push(effect),
    clockOrigin: clockOrigin(),
  });
}

beforeEach(() => {
  agent = new ScriptedAgent();
  puppet = new Puppet();
  traces = [];
  host = open();
});

afterEach(async () => {
  await host.stop(true);
  agent.close();
});

const started = (): Promise<void> => until('the machine starts', () => seen('start').length > 0);
const seen = <T extends MaarEvent['type']>(type: T): Extract<MaarEvent, { type: T }>[] =>
  puppet.events.filter((event): event is Extract<MaarEvent, { type: T }> => event.type === type);

/** Has the machine want effects, by an event that means nothing. */
function want(...effects: Parameters<Puppet['want']>): void {
  puppet.want(...effects);
  host.dispatch({ type: 'timer', id: 'test' });
}

test('what the router hears reaches the machine, and what the machine wants the router', async () => {
  agent.present = presence(PRESENCE_PORT_UP, 'wlan0');
  await host.start();
  await started();
  assert.equal(
    new DataView(agent.all(KIND_GREETING)[0]!.body.buffer).getUint32(GREETING_LIFETIME_AT, true),
    60_000,
  );
  await until('the port is up', () => seen('port').length > 0);
  assert.deepEqual(seen('port'), [{ type: 'port', link: 0, port: 'wlan0', up: true }]);

  agent.send(KIND_FRAME_IN, 0n, new Uint8Array(FRAME_SIZE + 20));
  agent.send(KIND_PRESENCE, 0n, presence(PRESENCE_PRESENT, 'wlan0', MAC));
  const packet = new Uint8Array(PACKET_SIZE + 8);
  writeAddress(packet, PACKET_ADDRESS_AT, '2001:db8:0:2::1');
  packet[PACKET_PROTOCOL_AT] = 135;
  packet[PACKET_SIDE_AT] = 1;
  agent.send(KIND_PACKET_IN, 0n, packet);
  await until('the message arrives', () => seen('mobility').length > 0);
  const { src, dst, side } = seen('mobility')[0]!;
  assert.deepEqual([src, dst, side], ['2001:db8:0:2::1', ROUTER.locator, 'access']);
  assert.equal(seen('frame')[0]?.data.length, 20);
  assert.deepEqual(seen('station'), [{ type: 'station', link: 0, port: 'wlan0', mac: MAC, present: true }]);

  want(
    { type: 'apply', batch: 5, commands: [{ op: 'put', entry: { kind: 'peer', address: '2001:db8::9' } }] },
    { type: 'frame', link: 0, port: 'wlan0', data: Uint8Array.of(1) },
    { type: 'mobility', src: ROUTER.locator, dst: '2001:db8:0:2::1', data: Uint8Array.of(2) },
    { type: 'icmpv6', src: ROUTER.locator, dst: '2001:db8:0:2::1', data: Uint8Array.of(3) },
    { type: 'stations', link: 0, macs: [MAC] },
    { type: 'activity' },
  );
  await until('the batch is applied', () => seen('applied').some(({ batch }) => batch === 5));
  await until('the answer about activity', () => seen('activity').length > 0);
  assert.equal(agent.all(KIND_FRAME_OUT)[0]?.body.at(-1), 1);
  assert.deepEqual(
    agent.all(KIND_PACKET_OUT).map(({ body }) => [body[PACKET_PROTOCOL_AT], body.at(-1)]),
    [
      [135, 2],
      [58, 3],
    ],
  );
  assert.equal(agent.all(KIND_ATTACHED)[0]?.body.length, 6);
  const { dataplane, agent: view } = await host.status();
  assert.deepEqual(dataplane.entries.peers, ['2001:db8::9']);
  assert.deepEqual(view, { address: `unix:${agent.path}`, connected: true, entries: 0 });
});

test('a station that is leaving is answered once it is kept', async () => {
  agent.present = presence(PRESENCE_PORT_UP, 'wlan0');
  await host.start();
  await started();
  agent.send(KIND_PRESENCE, 0n, presence(PRESENCE_LEAVING, 'wlan0', MAC));
  await until('the machine hears', () => seen('leaving').length > 0);
  assert.equal(agent.all(KIND_KEEPING).length, 0);
  want({ type: 'buffering', mac: MAC });
  await until('the agent hears', () => agent.all(KIND_KEEPING).length > 0);
});

test('a connection that comes back goes on: ports that are gone, attached stations, questions that wait', async () => {
  agent.present = Buffer.concat([presence(PRESENCE_PORT_UP, 'wlan0'), presence(PRESENCE_PORT_UP, 'wlan1')]);
  await host.start();
  await until('both ports', () => seen('port').length === 2);
  want({ type: 'stations', link: 0, macs: [MAC] });
  await until('the agent hears', () => agent.all(KIND_ATTACHED).length > 0);
  agent.present = presence(PRESENCE_PORT_UP, 'wlan0');
  agent.cut();
  await until('the end is noticed', () =>
    traces.some(({ detail }) => JSON.stringify(detail).includes('disconnected')),
  );
  want({ type: 'usage' });
  assert.equal((await host.status()).agent?.connected, false);
  await until('the answer', () => seen('usage').length > 0);
  await until('the port is down', () => seen('port').length === 3);
  assert.deepEqual(seen('port')[2], { type: 'port', link: 0, port: 'wlan1', up: false });
  assert.equal(agent.all(KIND_ATTACHED).length, 2);
  assert.equal(seen('start').length, 1);
});

test('a new control takes over what it finds, and deletes the rest when it has settled', async () => {
  agent.generation = 41n;
  const pair = new Uint8Array(USE_SIZE);
  writeAddress(pair, USE_SOURCE_AT, '2001:db8:11::a');
  writeAddress(pair, USE_DESTINATION_AT, '2001:db8:c0::2');
  pair[USE_LENGTH_AT] = 255;
  pair[USE_IDLE_MILLIS_AT] = 7;
  agent.usage = [pair];
  const begun = performance.now();
  await host.start();
  await until('the set ends', () =>
    agent.all(KIND_APPLY).some(({ flags }) => (flags & APPLY_FLAG_END) !== 0),
  );
  assert.ok(performance.now() - begun >= SETTLE);
  assert.deepEqual(
    agent.all(KIND_APPLY).map(({ flags }) => flags),
    [APPLY_FLAG_BEGIN, APPLY_FLAG_END],
  );
  await until('the pair is told', () => seen('dataplane').length > 0);
  assert.deepEqual(seen('dataplane')[0]?.event, {
    kind: 'flow',
    src: '2001:db8:11::a',
    dst: '2001:db8:c0::2',
  });
});

test('an answer in several messages is one event, and tells ages as times of ours', async () => {
  const use = (prefix: string, idle: number): Uint8Array => {
    const octets = new Uint8Array(USE_SIZE);
    writeAddress(octets, USE_DESTINATION_AT, prefix);
    octets[USE_LENGTH_AT] = 64;
    octets[USE_IDLE_MILLIS_AT] = idle;
    return octets;
  };
  agent.usage = [use('2001:db8:11:1::', 0), use('2001:db8:11:2::', 200)];
  await host.start();
  await started();
  want({ type: 'usage' });
  await until('the answer', () => seen('usage').length > 0);
  const [{ destinations }] = seen('usage') as [Extract<MaarEvent, { type: 'usage' }>];
  assert.deepEqual(
    destinations.map(({ prefix }) => prefix),
    ['2001:db8:11:1::/64', '2001:db8:11:2::/64'],
  );
  assert.equal(Math.round(destinations[0]!.lastUsed - destinations[1]!.lastUsed), 200);
});

test('a router that is configured otherwise is left alone, and each difference named', async () => {
  await host.stop(true);
  host = open({ coreMtu: 1400, activity: true, access: [] });
  await host.start();
  await until('the complaint', () => traces.length > 0);
  assert.deepEqual(traces[0]?.detail, {
    state: 'disconnected',
    reason:
      'the router is configured otherwise: core MTU is 1500 on the router, 1400 here; ' +
      'counting of packets is false on the router, true here; access link 0 is not here',
  });
  assert.equal(agent.all(KIND_APPLY).length, 0);
  assert.equal(seen('start').length, 0);
});

test('an orderly end deletes what stands, and one that keeps does not', async () => {
  await host.start();
  await started();
  want({
    type: 'apply',
    batch: 1,
    commands: [{ op: 'put', entry: { kind: 'peer', address: '2001:db8::9' } }],
  });
  await until('the batch is applied', () => seen('applied').length > 0);
  const before = agent.all(KIND_APPLY).length;
  await host.stop(true);
  assert.equal(agent.all(KIND_APPLY).length, before);
  host = open();
  await host.start();
  await until('the control is back', () => agent.all(KIND_APPLY).length > before);
  assert.deepEqual(await host.stop(), []);
  const last = agent.all(KIND_APPLY).at(-1)!;
  assert.deepEqual([last.flags, last.body.length], [APPLY_FLAG_BEGIN | APPLY_FLAG_END, 0]);
});

test('a second control with the same state directory is refused', async () => {
  await host.start();
  const second = open();
  await assert.rejects(second.start(), /another control runs/);
  await second.stop(true);
  const answer = await askControl(controlPath(agent.directory), { show: 'status' });
  assert.ok(typeof answer === 'object' && answer !== null && 'maar' in answer);
});
