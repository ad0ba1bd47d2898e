import assert from 'node:assert/strict';
import { createConnection } from 'node:net';
import { after, before, test } from 'node:test';
import type { Command } from '../../bindings/entries.ts';
import {
  APPLY_FLAG_BEGIN,
  APPLY_FLAG_END,
  HEADER_LENGTH_AT,
  HEADER_SIZE,
} from '../../bindings/generated/cpdp.ts';
import {
  activityRequest,
  apply,
  attached,
  frameOut,
  greeting,
  keeping,
  packetOut,
  ping,
  statusRequest,
  usageRequest,
} from '../../bindings/node/cpdp.ts';
import { generator, mutate } from '../fuzz/mutate.ts';
import { missing } from '../support/tools.ts';
import { Agent, buildPrograms, compile } from './support/agent.ts';
import { MAAR, PEER, STATION_LINK_LOCAL, STATION_MAC } from './support/bench.ts';
import { namespaced, sh } from './support/namespace.ts';
import { Talk } from './support/talk.ts';

/** Connections, each of which is taken 20 ms after the one before at the earliest. */
const RUNS = Number(process.env['MAAR_FUZZ_RUNS'] ?? 150);
const SEED = Number(process.env['MAAR_FUZZ_SEED'] ?? 1);
const RESIDENT_MAX_KB = 24 << 10;
const PREFIX = '2001:db8:aa::/64';

const programs = await buildPrograms();

const COMMANDS: readonly Command[] = [
  { op: 'put', entry: { kind: 'peer', address: PEER } },
  {
    op: 'put',
    entry: { kind: 'deliver', prefix: PREFIX, link: 0, nextHop: STATION_LINK_LOCAL, mac: STATION_MAC },
  },
  { op: 'put', entry: { kind: 'source', prefix: PREFIX, link: 0, mac: STATION_MAC, reverse: PEER } },
  { op: 'put', entry: { kind: 'tunnel', prefix: '2001:db8:bb::/64', locator: PEER } },
  { op: 'put', entry: { kind: 'hold', direction: 'to', prefix: PREFIX, packets: 8, millis: 50 } },
  { op: 'release', direction: 'to', prefix: PREFIX },
  { op: 'delete', kind: 'destination', prefix: PREFIX },
  { op: 'delete', kind: 'source', prefix: PREFIX, link: 0 },
];

/** What a right control says, all kinds of it. */
const messages = (generation: bigint): readonly Uint8Array[] => [
  greeting(),
  ping(1n),
  statusRequest(2n),
  usageRequest(3n),
  activityRequest(4n),
  apply(generation, COMMANDS, 0),
  apply(generation, COMMANDS.slice(0, 4), APPLY_FLAG_BEGIN),
  apply(generation, [], APPLY_FLAG_BEGIN | APPLY_FLAG_END),
  packetOut(PEER, 'mobility', new Uint8Array(16)),
  packetOut(PEER, 'icmpv6', Uint8Array.of(1, 0, 0, 0, 0, 0, 0, 0)),
  frameOut(0, undefined, new Uint8Array(60)),
  frameOut(0, 'port0', new Uint8Array(60)),
  attached(0, [STATION_MAC]),
  keeping(STATION_MAC),
];

/** Changes a message anywhere, or only what follows its header, whose length is made right again. */
function changed(message: Uint8Array, random: (below: number) => number): Uint8Array {
  if (random(3) === 0) return mutate(message, random);
  const body = mutate(message.subarray(HEADER_SIZE), random);
  const result = Uint8Array.of(...message.subarray(0, HEADER_SIZE), ...body);
  new DataView(result.buffer).setUint32(HEADER_LENGTH_AT, body.length, true);
  return result;
}

namespaced(import.meta.url, () => {
  if ('obstacle' in programs) {
    test('what control says to the native agent, changed', (t) => missing(t, programs.obstacle));
    return;
  }
  let agent: Agent;
  const open = async (): Promise<{ talk: Talk; generation: bigint }> => {
    for (;;) {
      const talk = new Talk(createConnection(agent.control)).say(greeting());
      const heard = await talk.hear('hello').catch(() => undefined);
      if (heard !== undefined) return { talk, generation: heard.hello.generation + 1n };
    }
  };
  before(async () => {
    sh(`
      ip link add core0 type veth peer name core1; ip link set core1 up; ip link set core0 up
      ip addr add ${MAAR}/64 dev core0 nodad; ip -6 route add default dev core0
      ip link add br0 type bridge; ip link set br0 up; ip link add port0 type veth peer name sta0
      ip link set port0 master br0 up; ip link set sta0 up
    `);
    agent = new Agent(programs, 'fuzz', [
      ...['--module', compile(programs, 'maar'), '--locator', MAAR, '--pool', '2001:db8:11::/48'],
      ...['--access', '0=br0,fe80::1,02:00:5e:10:00:00', '--activity', '--user', 'nobody'],
    ]);
    await agent.startMillis;
  });
  after(() => agent.kill());

  test('whatever is changed in what control says, the agent answers or refuses it, and lives on', async () => {
    const random = generator(SEED);
    const ends = new Map<string, number>();
    for (let run = 0; run < RUNS; run++) {
      const { talk, generation } = await open();
      const known = messages(generation);
      const said = Array.from({ length: 1 + random(4) }, () => known[1 + random(known.length - 1)]!);
      talk.say(...said.map((message) => (random(2) === 0 ? message : changed(message, random))));
      talk.socket.end();
      await talk.ended;
      assert.equal(agent.ended(), false, `run ${run} of seed ${SEED}: ${agent.log}`);
      const fault = talk.messages.find((message) => message.kind === 'fault')?.fault ?? 'none';
      ends.set(fault, (ends.get(fault) ?? 0) + 1);
    }
    // Enough of it was refused, and enough got through, for the rest to be worth something.
    for (const fault of ['malformed', 'none']) assert.ok((ends.get(fault) ?? 0) > RUNS / 10, fault);
    assert.doesNotMatch(agent.log, /the data plane failed/);
  });

  test('afterwards it is as it was: no entries once control wants none, one that it wants, no more memory', async () => {
    const { talk, generation } = await open();
    talk.say(apply(generation, [], APPLY_FLAG_BEGIN | APPLY_FLAG_END));
    await talk.hear('applied');
    const { status } = await talk.say(statusRequest(1n)).hear('status');
    assert.deepEqual([status.entries, status.rebuilds], [0, 0]);
    talk.messages.length = 0;
    talk.say(apply(generation + 1n, COMMANDS.slice(0, 4), 0));
    assert.deepEqual((await talk.hear('applied')).statuses, ['ok', 'ok', 'ok', 'ok']);
    assert.match(sh(`ip -6 route show ${PREFIX}`), /dev br0/);
    const resident = Number.parseInt(agent.status('VmRSS'), 10);
    assert.ok(resident <= RESIDENT_MAX_KB, `${resident} kB resident`);
    await talk.close();
    assert.equal(await agent.stop(), 0, agent.log);
  });
});
