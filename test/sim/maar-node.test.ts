import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { LINK_TUNNEL } from '../../bindings/entries.ts';
import type { Command } from '../../bindings/entries.ts';
import { ReferenceDataPlane } from '../../bindings/reference/dataplane.ts';
import type { MaarEffect, MaarEvent } from '../../host/core/maar-io.ts';
import type { MaarView } from '../../host/core/view.ts';
import { ACCESS_LINK, maarAddress, maarConfig } from '../../host/lab/plan.ts';
import { AccessLink } from '../../host/sim/access-link.ts';
import { PointToPointLink } from '../../host/sim/link.ts';
import type { Medium } from '../../host/sim/link.ts';
import { MaarNode } from '../../host/sim/maar-node.ts';
import type { MaarMachine } from '../../host/sim/maar-node.ts';
import { seededRandom } from '../../host/sim/random.ts';
import { Scheduler } from '../../host/sim/scheduler.ts';
import { StreamFabric } from '../../host/sim/streams.ts';
import { Taps } from '../../host/sim/taps.ts';
import { emitEthernet, emitFrame } from '../../host/wire/ethernet.ts';
import { emitIcmpv6, parseIcmpv6 } from '../../host/wire/icmpv6/message.ts';
import type { Icmpv6Message } from '../../host/wire/icmpv6/message.ts';
import { emitIpv6, NEXT_HEADER, parseIpv6 } from '../../host/wire/ipv6.ts';
import { solicitedNode } from '../../host/wire/address.ts';

const CONFIG = maarConfig('a1', { scheme: '', seed: 1 });
const STATION = '02:00:00:00:00:99';
const LINK_LOCAL = 'fe80::99';
const HOME = '2001:db8:11:1::99';
const FAR = '2001:db8:c0::2';

const NO_LEASES = { stored: true, networks: [], leases: [], refusals: [] };

/** Answers every event with the effects that the test planned for it, and remembers what it heard. */
class Script implements MaarMachine {
  readonly heard: { event: MaarEvent; now: number }[] = [];
  plan: (event: MaarEvent) => MaarEffect[] = () => [];

  step(event: MaarEvent, now: number): MaarEffect[] {
    this.heard.push({ event, now });
    return this.plan(event);
  }

  view(now: number): MaarView {
    const { name, address } = CONFIG;
    const lists = { nodes: [], anchored: [], released: [], peers: [] };
    return { name, address, scheme: 'script', now, ...lists, counters: {}, leases: NO_LEASES };
  }

  types(): string[] {
    return this.heard.map(({ event }) => event.type);
  }
}

function setup() {
  const scheduler = new Scheduler(() => setImmediate());
  const taps = new Taps(
    () => scheduler.now,
    () => undefined,
  );
  const medium: Medium = { scheduler, taps, random: seededRandom(1, 'links'), delay: 1, loss: 0 };
  const machines: Script[] = [];
  const node = new MaarNode(
    {
      config: CONFIG,
      machine: () => {
        machines.push(new Script());
        return machines.at(-1)!;
      },
      dataPlane: () =>
        new ReferenceDataPlane({
          capacities: {
            batch: 16,
            destinations: 64,
            sources: 64,
            peers: 8,
            flows: 64,
            held: 16,
            flowEntries: 4,
          },
          locator: CONFIG.address,
          seed: 1n,
          coreMtu: 1500,
          hopLimitDone: false,
        }),
      applyDelay: 3,
      trace: () => undefined,
    },
    scheduler,
    new StreamFabric(scheduler, { path: () => ({ delay: 1, up: true }), offer: () => true }),
  );
  const toCore: Uint8Array[] = [];
  const core = new PointToPointLink('core-a1', medium, [
    { node: 'core', receive: (packet) => toCore.push(packet) },
    node,
  ]);
  const access = new AccessLink('access-a1', medium, node);
  node.connect({ core, access: new Map([[ACCESS_LINK.id, access]]) });
  const toStation: Uint8Array[] = [];
  access.plug('port', { name: 'A', mac: STATION, receive: (frame) => toStation.push(frame.subarray(14)) });
  node.start();
  return { scheduler, node, core, access, machines, machine: machines[0]!, toCore, toStation };
}

function data(src: string, dst: string, hopLimit = 64): Uint8Array {
  return emitIpv6({ nextHeader: NEXT_HEADER.none, hopLimit, src, dst }, new Uint8Array(0));
}

function icmpv6(packet: Uint8Array): Icmpv6Message {
  const header = parseIpv6(packet);
  assert.ok(header.ok);
  const message = parseIcmpv6(header.value.payload, header.value.src, header.value.dst);
  assert.ok(message.ok);
  return message.value;
}

const ENTRIES: Command[] = [
  { op: 'put', entry: { kind: 'source', prefix: '2001:db8:11:1::/64', link: 0, mac: STATION } },
  {
    op: 'put',
    entry: { kind: 'deliver', prefix: '2001:db8:11:1::/64', link: 0, nextHop: LINK_LOCAL, mac: STATION },
  },
];

function applyOnStart(event: MaarEvent): MaarEffect[] {
  return event.type === 'port' ? [{ type: 'apply', batch: 7, commands: ENTRIES }] : [];
}

test('entries stand after the delay of apply, and then packets flow both ways', async () => {
  const { scheduler, node, core, access, machine, toCore, toStation } = setup();
  machine.plan = applyOnStart;
  node.setPort('port', true);
  await scheduler.sleep(2);
  assert.deepEqual(machine.types(), ['start', 'port']);
  await scheduler.sleep(2);
  assert.deepEqual(machine.heard.at(-1)!.event, { type: 'applied', batch: 7, statuses: ['ok', 'ok'] });
  access.fromStation('port', emitEthernet(STATION, ACCESS_LINK.mac, data(HOME, FAR)));
  core.send('core', data(FAR, HOME));
  await scheduler.sleep(5);
  assert.equal(toCore[0]![7], 63);
  assert.equal(toStation[0]![7], 63);
  const usage = node.status().dataplane.entries.destinations;
  assert.deepEqual(
    usage.map(({ prefix }) => prefix),
    ['2001:db8:11:1::/64'],
  );
});

test('control sees data frames of unsettled stations only, neighbour discovery always', async () => {
  const { scheduler, node, access, machine } = setup();
  const frame = emitEthernet(STATION, ACCESS_LINK.mac, data(HOME, FAR));
  access.fromStation('port', frame);
  await scheduler.sleep(2);
  assert.deepEqual(machine.types(), ['start', 'frame', 'dataplane']);
  machine.plan = (event) => (event.type === 'port' ? [{ type: 'stations', link: 0, macs: [STATION] }] : []);
  node.setPort('port', true);
  access.fromStation('port', frame);
  const other = emitEthernet(STATION, '02:00:00:00:00:55', data(HOME, FAR));
  access.fromStation('port', other);
  await scheduler.sleep(2);
  assert.equal(machine.types().filter((type) => type === 'frame').length, 1);
  const group = solicitedNode(ACCESS_LINK.linkLocal);
  const solicitation = emitIcmpv6(
    { kind: 'NS', target: ACCESS_LINK.linkLocal, options: [{ kind: 'source-link-layer', mac: STATION }] },
    LINK_LOCAL,
    group,
  );
  access.fromStation(
    'port',
    emitFrame({
      srcMac: STATION,
      dstMac: '33:33:ff:00:00:01',
      src: LINK_LOCAL,
      dst: group,
      nextHeader: NEXT_HEADER.icmpv6,
      hopLimit: 255,
      payload: solicitation,
    }),
  );
  await scheduler.sleep(2);
  assert.equal(machine.types().filter((type) => type === 'frame').length, 2);
});

test('the kernel answers for its link-local address', async () => {
  const { scheduler, access, toStation } = setup();
  const message = {
    kind: 'NS',
    target: ACCESS_LINK.linkLocal,
    options: [{ kind: 'source-link-layer', mac: STATION }],
  } as const;
  const fields = {
    nextHeader: NEXT_HEADER.icmpv6,
    hopLimit: 255,
    src: LINK_LOCAL,
    dst: ACCESS_LINK.linkLocal,
  };
  const payload = emitIcmpv6(message, fields.src, fields.dst);
  access.fromStation('port', emitEthernet(STATION, ACCESS_LINK.mac, emitIpv6(fields, payload)));
  await scheduler.sleep(5);
  const answer = icmpv6(toStation[0]!);
  assert.ok(answer.kind === 'NA' && answer.router && answer.solicited && answer.override);
  assert.deepEqual(answer.options, [{ kind: 'target-link-layer', mac: ACCESS_LINK.mac }]);
});

test('a pool address that nobody has is unreachable; the errors are limited', async () => {
  const { scheduler, core, toCore } = setup();
  for (let count = 0; count < 50; count++) core.send('core', data(FAR, '2001:db8:11:2::1'));
  await scheduler.sleep(5);
  assert.equal(toCore.length, 10);
  const error = icmpv6(toCore[0]!);
  assert.ok(error.kind === 'destination-unreachable' && error.code === 0);
});

test('a packet that a peer tunnels back to its anchor goes on natively, one that only came astray does not', async () => {
  const { scheduler, node, core, machine, toCore } = setup();
  const entries: Command[] = [
    { op: 'put', entry: { kind: 'peer', address: maarAddress('a2') } },
    { op: 'put', entry: { kind: 'source', prefix: '2001:db8:11:1::/64', link: LINK_TUNNEL } },
  ];
  machine.plan = (event) => (event.type === 'port' ? [{ type: 'apply', batch: 1, commands: entries }] : []);
  node.setPort('port', true);
  await scheduler.sleep(5);
  const tunnel = { nextHeader: NEXT_HEADER.ipv6, hopLimit: 64, src: maarAddress('a2'), dst: CONFIG.address };
  core.send('core', emitIpv6(tunnel, data(HOME, FAR)));
  core.send('core', data(HOME, FAR));
  await scheduler.sleep(5);
  assert.deepEqual(toCore, [data(HOME, FAR, 63)]);
  const { pairs } = usageOf(machine, node);
  assert.deepEqual(
    pairs.map(({ src, dst }) => [src, dst]),
    [[HOME, FAR]],
  );
});

test('a packet that was held goes the way of any other once it is released', async () => {
  const { scheduler, node, access, machine, toCore } = setup();
  const hold: Command = {
    op: 'put',
    entry: { kind: 'hold', direction: 'from', prefix: '::/0', packets: 4, millis: 1000 },
  };
  const release: Command = { op: 'release', direction: 'from', prefix: '::/0' };
  machine.plan = (event) =>
    event.type === 'port'
      ? [{ type: 'apply', batch: 1, commands: event.up ? [hold] : [...ENTRIES, release] }]
      : [];
  node.setPort('port', true);
  await scheduler.sleep(5);
  access.fromStation('port', emitEthernet(STATION, ACCESS_LINK.mac, data(HOME, FAR)));
  await scheduler.sleep(5);
  assert.deepEqual(toCore, []);
  node.setPort('port', false);
  await scheduler.sleep(5);
  assert.deepEqual(toCore, [data(HOME, FAR, 63)]);
});

/** What control hears when it asks for usage. */
function usageOf(machine: Script, node: MaarNode): Extract<MaarEvent, { type: 'usage' }> {
  machine.plan = (event) => (event.type === 'port' ? [{ type: 'usage' }] : []);
  node.setPort('port', true);
  const { event } = machine.heard.at(-1)!;
  assert.ok(event.type === 'usage');
  return event;
}

test('a Mobility Header reaches control with its side, an echo is answered by the kernel', async () => {
  const { scheduler, core, machine, toCore } = setup();
  const header = new Uint8Array([59, 0, 5, 0, 0, 0, 0, 0]);
  const fields = { hopLimit: 64, src: maarAddress('a2'), dst: CONFIG.address };
  core.send('core', emitIpv6({ ...fields, nextHeader: NEXT_HEADER.mobility }, header));
  const echo = { kind: 'echo-request', identifier: 1, sequence: 2, data: new Uint8Array(4) } as const;
  const request = emitIcmpv6(echo, fields.src, fields.dst);
  core.send('core', emitIpv6({ ...fields, nextHeader: NEXT_HEADER.icmpv6 }, request));
  await scheduler.sleep(5);
  assert.deepEqual(machine.heard.at(-1)!.event, {
    type: 'mobility',
    src: fields.src,
    dst: fields.dst,
    side: 'core',
    data: header,
  });
  assert.equal(icmpv6(toCore[0]!).kind, 'echo-reply');
});

test('a killed process loses timers and batches; its successor starts afresh and hears of the ports', async () => {
  const { scheduler, node, core, machines, machine, toCore } = setup();
  machine.plan = (event) =>
    event.type === 'port'
      ? [{ type: 'timer', id: 'later', at: scheduler.now + 2 }, ...applyOnStart(event)]
      : [];
  node.setPort('port', true);
  node.kill();
  assert.throws(() => node.status(), /a1 is not running/);
  core.send('core', data(FAR, '2001:db8:11:2::1'));
  await scheduler.sleep(10);
  assert.deepEqual(machine.types(), ['start', 'port']);
  assert.equal(toCore.length, 0);
  node.start();
  assert.equal(machines.length, 2);
  assert.deepEqual(
    machines[1]!.heard.map(({ event }) => event),
    [{ type: 'start' }, { type: 'port', link: 0, port: 'port', up: true }],
  );
});

test('a timer that is armed again moves, and disarmed does not fire', async () => {
  const { scheduler, node, machine } = setup();
  machine.plan = (event) =>
    event.type !== 'port'
      ? []
      : event.up
        ? [
            { type: 'timer', id: 'moved', at: 5 },
            { type: 'timer', id: 'moved', at: 8 },
            { type: 'timer', id: 'gone', at: 5 },
          ]
        : [{ type: 'timer', id: 'gone', at: undefined }];
  node.setPort('port', true);
  node.setPort('port', false);
  await scheduler.sleep(20);
  const timers = machine.heard.filter(({ event }) => event.type === 'timer');
  assert.deepEqual(timers, [{ event: { type: 'timer', id: 'moved' }, now: 8 }]);
});
