import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Command } from '../../bindings/entries.ts';
import type { AgentUse } from '../../bindings/node/cpdp.ts';
import { activityRequest, apply, usageRequest } from '../../bindings/node/cpdp.ts';
import { recv } from '../../host/io/ffi.ts';
import { NETLINK, NFNLGRP } from '../../host/io/netlink/constants.ts';
import { NetlinkSocket, openEventSocket } from '../../host/io/netlink/socket.ts';
import { NativeUsage } from '../../host/io/usage.ts';
import { FlowRecorder } from '../../host/io/worker/flow-recorder.ts';
import { missing } from '../support/tools.ts';
import { Agent, buildPrograms, compile, directory } from './support/agent.ts';
import { Recorder } from './support/agent-recorder.ts';
import {
  CORRESPONDENT,
  FOREIGN,
  FOREIGN_ADDRESS,
  MAAR,
  NATIVE,
  NATIVE_ADDRESS,
  PEER,
  POOL,
  ROUTER_MAC,
  STATION_LINK_LOCAL,
  STATION_MAC,
  buildNetwork,
  ping,
} from './support/bench.ts';
import { namespaced, python, until } from './support/namespace.ts';

const COUNT = 20;
const PAUSE_MS = 300;
const EARLY_MS = 10;
/** More pairs than one message has room for. */
const PAIRS = 1200;
/** The kernel tells how long a connection has left in whole seconds. */
const COARSE_MS = 1000;

const programs = await buildPrograms();

const deliver = { kind: 'deliver', link: 0, nextHop: STATION_LINK_LOCAL, mac: STATION_MAC } as const;
const ENTRIES: readonly Command[] = [
  { op: 'put', entry: { kind: 'peer', address: PEER } },
  { op: 'put', entry: { ...deliver, prefix: FOREIGN } },
  { op: 'put', entry: { ...deliver, prefix: NATIVE } },
  { op: 'put', entry: { kind: 'source', prefix: NATIVE, link: 0, mac: STATION_MAC } },
  { op: 'put', entry: { kind: 'source', prefix: FOREIGN, link: 0, mac: STATION_MAC, reverse: PEER } },
];

/** Two datagrams of one octet, and so two connections of one pair, at once. */
const BURST = `
import socket
sockets = [socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) for _ in range(2)]
for s in sockets: s.bind(('${NATIVE_ADDRESS}', 0))
for s in sockets: s.sendto(b'x', ('${CORRESPONDENT}', 9))`;

/** Datagrams of one octet to as many addresses behind the peer. */
const SPRAY = `
import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
s.bind(('${NATIVE_ADDRESS}', 4000))
for n in range(${PAIRS}): s.sendto(b'x', ('2001:db8:c0::1:%x' % n, 9))`;

async function echoes(from: string): Promise<void> {
  assert.match(await ping(from, CORRESPONDENT, COUNT), / ([05]|10)% packet loss/);
}

namespaced(import.meta.url, () => {
  if ('obstacle' in programs) {
    test('what the native agent says of use', (t) => missing(t, programs.obstacle));
    return;
  }
  let agent: Agent;
  let control: Recorder;
  let events: number;
  /** The implementation in Node, which looks at the same kernel. */
  const flows = new FlowRecorder(POOL);
  let native: NativeUsage;

  before(async () => {
    buildNetwork();
    agent = new Agent(programs, 'usage', [
      ...['--module', compile(programs, 'maar'), '--locator', MAAR, '--pool', POOL, '--activity'],
      ...['--access', `0=br0,fe80::1,${ROUTER_MAC}`, '--state', directory, '--user', 'nobody'],
    ]);
    await agent.startMillis;
    events = openEventSocket(NETLINK.netfilter, [NFNLGRP.conntrackNew], 4 << 20);
    native = new NativeUsage(new NetlinkSocket(NETLINK.netfilter));
    control = await Recorder.connect(agent.control);
    control.send(apply(1n, ENTRIES, 0));
    flows.applied(ENTRIES);
    await until('entries', () => control.of('applied').length === 1);
    assert.deepEqual(new Set(control.of('applied')[0]!.statuses), new Set(['ok']));
  });
  after(() => {
    control.close();
    agent.kill();
  });

  /** Flows that the agent has told, as "src dst". */
  const told = (): string[] =>
    control
      .of('event')
      .flatMap(({ events }) => events)
      .flatMap((event) => (event.kind === 'flow' ? [`${event.src} ${event.dst}`] : []));

  /** What the implementation in Node makes of the same events of the kernel. */
  function expected(): string[] {
    const buffer = new Uint8Array(1 << 16);
    const pairs: string[] = [];
    for (;;) {
      const length = recv(events, buffer, 'conntrack');
      if (length === undefined) return pairs;
      for (const event of flows.read(buffer.slice(0, length), performance.now()))
        if (event.kind === 'flow') pairs.push(`${event.src} ${event.dst}`);
    }
  }

  /** Milliseconds without packets by "src dst" or prefix, of several uses of a pair the last. */
  const idle = (uses: readonly AgentUse[]): Map<string, number> => {
    const by = new Map<string, number>();
    for (const use of uses) {
      const key = 'prefix' in use ? use.prefix : `${use.src} ${use.dst}`;
      by.set(key, Math.min(use.idleMillis, by.get(key) ?? Infinity));
    }
    return by;
  };

  test('a connection that the kernel forwards is told as a flow, once for a burst', async () => {
    await python('station', BURST);
    const flow = `${NATIVE_ADDRESS} ${CORRESPONDENT}`;
    await until('the flow', () => told().includes(flow));
    // An answer that came after it, and so after the second one had there been any.
    await control.answers('usage', usageRequest(0n));
    assert.deepEqual(told(), [flow]);
    assert.deepEqual(expected(), [flow]);
  });

  test('use of entries and pairs is that which Node finds in the same kernel', async () => {
    const sent = performance.now();
    await echoes(FOREIGN_ADDRESS);
    /** What both say, the agent a while after Node. */
    const look = async (): Promise<[Map<string, number>, Map<string, number>, number]> => {
      const now = performance.now();
      const pairs = native
        .pairs(now)
        .map(({ src, dst, lastUsed }) => ({ src, dst, idleMillis: now - lastUsed }));
      const uses = idle(await control.answers('usage', usageRequest(1n)));
      return [uses, idle(pairs), performance.now() - now];
    };
    const [first, , before] = await look();
    const most = performance.now() - sent + 2 * COARSE_MS;
    for (const used of [FOREIGN, `${FOREIGN_ADDRESS} ${CORRESPONDENT}`]) {
      assert.ok((first.get(used) ?? Infinity) < most, `${used}: ${first.get(used)} of ${most} ms`);
    }
    // Its packets are the kernel's own business.
    assert.equal(first.has(NATIVE), false);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    const begun = performance.now();
    await echoes(NATIVE_ADDRESS);
    const [ours, theirs, apart] = await look();
    const since = performance.now() - begun;
    const flow = `${NATIVE_ADDRESS} ${CORRESPONDENT}`;
    assert.ok(theirs.has(flow));
    for (const [pair, millis] of theirs) {
      const difference = Math.abs(ours.get(pair)! - millis);
      assert.ok(difference < COARSE_MS + before + apart, `${pair}: ${ours.get(pair)}, Node ${millis}`);
    }
    assert.ok(ours.get(flow)! <= since, `${ours.get(flow)} of ${since} ms`);
    // A timer is early by as much as its turn of the loop took before.
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS + EARLY_MS));
    const [later] = await look();
    assert.ok(later.get(flow)! >= PAUSE_MS);
  });

  test('long answers come in several messages, and all flows are told', async () => {
    control.forget();
    expected();
    await python('station', SPRAY);
    const sprayed = (pairs: readonly string[]): string[] =>
      pairs.filter((pair) => pair.includes('2001:db8:c0::1:'));
    const wanted: string[] = [];
    // On a busy machine the kernel takes packets in after Python has gone.
    await until('all connections', () => wanted.push(...sprayed(expected())) >= PAIRS);
    assert.equal(wanted.length, PAIRS);
    await until('all flows', () => sprayed(told()).length >= PAIRS);
    assert.deepEqual(new Set(sprayed(told())), new Set(wanted));
    const uses = idle(await control.answers('usage', usageRequest(2n)));
    assert.equal(wanted.filter((pair) => uses.has(pair)).length, PAIRS);
    assert.ok(control.of('usage').length > 1);
    assert.deepEqual(new Set(control.of('usage').map(({ number }) => number)), new Set([2n]));
  });

  test('questions are answered in turn, too many of them end the connection', async () => {
    control.forget();
    control.send(usageRequest(1n), usageRequest(2n), usageRequest(3n));
    await until('three answers', () => control.of('usage').filter(({ more }) => !more).length === 3);
    assert.deepEqual([...new Set(control.of('usage').map(({ number }) => number))], [1n, 2n, 3n]);
    control.send(...Array.from({ length: 20 }, (_, n) => usageRequest(BigInt(n))));
    await until('the end', () => control.end !== undefined);
    assert.equal(control.of('fault')[0]!.text, 'too many questions at the same time');
    control = await Recorder.connect(agent.control);
    assert.ok((await control.answers('usage', usageRequest(9n))).length >= PAIRS);
  });

  test('packets of a station are counted both ways', async () => {
    const counts = async (): Promise<{ sent: number; received: number }> =>
      (await control.answers('activity', activityRequest(1n))).find(({ mac }) => mac === STATION_MAC)!;
    const start = await counts();
    await echoes(NATIVE_ADDRESS);
    await echoes(FOREIGN_ADDRESS);
    const end = await counts();
    const [sent, received] = [end.sent - start.sent, end.received - start.received];
    assert.ok(sent >= 2 * COUNT && sent <= 2 * COUNT + 4, `${sent} sent`);
    assert.ok(received >= 2 * COUNT - 4 && received <= sent, `${received} received`);
  });
});
