import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { statSync } from 'node:fs';
import { createConnection } from 'node:net';
import { after, before, test } from 'node:test';
import type { Command } from '../../bindings/entries.ts';
import { COMMAND_SIZE, LIMIT_COMMANDS } from '../../bindings/generated/abi.ts';
import {
  BODY_MAX,
  GREETING_ABI_AT,
  GREETING_PROTOCOL_AT,
  HEADER_LENGTH_AT,
  HEADER_SIZE,
} from '../../bindings/generated/cpdp.ts';
import type { AgentPacket } from '../../bindings/node/cpdp.ts';
import { apply, greeting, ping as pingMessage } from '../../bindings/node/cpdp.ts';
import { AgentReader } from '../../bindings/node/cpdp-reader.ts';
import { AgentClient } from '../../host/io/agent/client.ts';
import { missing } from '../support/tools.ts';
import type { Programs } from './support/agent.ts';
import { Agent, WILD, buildPrograms, compile, ignore } from './support/agent.ts';
import {
  CORRESPONDENT,
  FOREIGN,
  FOREIGN_ADDRESS,
  MAAR,
  PEER,
  STATION_LINK_LOCAL,
  STATION_MAC,
  buildNetwork,
  lostEchoes,
  ping,
  reaches,
} from './support/bench.ts';
import { namespaced, python, sh, until } from './support/namespace.ts';

const COUNT = 20;
/** Neighbour discovery of the kernels around it loses an echo now and then; what the agent loses, its counters tell. */
const FEW_LOST = / ([05]|10)% packet loss/;
const SIZE_MAX = 3 << 20;
const RESIDENT_MAX_KB = 16 << 10;
/** The other end of the link to the core. */
const NEIGHBOUR = '2001:db8:0:1::2';
/** Type of a Mobility Header message, and where its checksum stands (RFC 6275 section 6.1.1). */
const [TYPE_AT, CHECKSUM_AT] = [2, 4];
/** It takes tens of milliseconds on a machine that does nothing else. */
const BACK_MS = 5000;
const WILD_PREFIX = '2001:db8:dead::/48';

const programs = await buildPrograms();

const ENTRIES: readonly Command[] = [
  { op: 'put', entry: { kind: 'peer', address: PEER } },
  {
    op: 'put',
    entry: { kind: 'deliver', prefix: FOREIGN, link: 0, nextHop: STATION_LINK_LOCAL, mac: STATION_MAC },
  },
  { op: 'put', entry: { kind: 'source', prefix: FOREIGN, link: 0, mac: STATION_MAC, reverse: PEER } },
];

const tunnel = (index: number): Command => ({
  op: 'put',
  entry: { kind: 'tunnel', prefix: `2001:db8:77:${index.toString(16)}::/64`, locator: PEER },
});

const echoes = (): Promise<string> => ping(FOREIGN_ADDRESS, CORRESPONDENT, COUNT);

/** Sends a Binding Refresh Request to the MAAR, and prints what comes back. */
const REFRESH = `
import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, 135)
s.bind(('${NEIGHBOUR}', 0)); s.settimeout(10)
s.sendto(bytes([59, 0, 0, 0, 0, 0, 0, 0]), ('${MAAR}', 0))
print(s.recv(100).hex())`;

/** What the agent answers to octets that no client would send, in its own words; undefined where it just goes on. */
function provoke(path: string, ...parts: Uint8Array[]): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const reader = new AgentReader();
    const socket = createConnection(path, () => socket.write(Buffer.concat(parts)));
    let fault: string | undefined;
    socket.on('error', reject);
    socket.on('data', (part) => {
      const messages = reader.take(part);
      if (typeof messages === 'string') return socket.destroy(new Error(messages));
      for (const message of messages) {
        if (message.kind === 'fault') fault = message.fault;
        if (message.kind === 'pong') socket.destroy();
      }
    });
    socket.on('close', () => resolve(fault));
  });
}

function edited(octets: Uint8Array, at: number, value: number): Uint8Array {
  new DataView(octets.buffer).setUint32(at, value, true);
  return octets;
}

namespaced(import.meta.url, () => {
  if ('obstacle' in programs) {
    test('the native agent', (t) => missing(t, programs.obstacle));
    return;
  }
  let agent: Agent;
  let client: AgentClient;
  let arguments_: readonly string[];
  async function start(): Promise<Agent> {
    const started = new Agent(programs as Programs, 'dp', arguments_);
    await started.startMillis;
    return started;
  }
  before(async () => {
    buildNetwork();
    arguments_ = [
      ...['--module', compile(programs, 'maar'), '--locator', MAAR, '--user', 'nobody'],
      ...['--pool', '2001:db8:11::/48', '--access', '0=br0,fe80::1,02:00:5e:10:00:00'],
    ];
    agent = await start();
    client = await AgentClient.connect({ kind: 'unix', path: agent.control }, ignore);
  });
  after(async () => {
    await client.close();
    agent.kill();
  });

  /** The agent takes a moment to see that the last control is gone. */
  async function reconnect(): Promise<AgentClient> {
    let connected: AgentClient | undefined;
    await until('the agent is free again', async () => {
      connected = await AgentClient.connect({ kind: 'unix', path: agent.control }, ignore).catch(
        () => undefined,
      );
      return connected !== undefined;
    });
    return connected!;
  }

  test('packets of a station go through the tunnel and back, with the kernel as peer', async () => {
    assert.deepEqual(await client.apply(ENTRIES), ['ok', 'ok', 'ok']);
    assert.match(await echoes(), FEW_LOST);
    const { counters, dropped, entries } = await client.status();
    assert.ok(counters['delivered']! > COUNT / 2);
    assert.equal(counters['reverse-tunnelled'], counters['rx-access']);
    assert.equal(counters['decapsulated'], counters['rx-core']);
    assert.equal(counters['delivered'], counters['rx-core']);
    assert.deepEqual([dropped, entries], [0, ENTRIES.length]);
  });

  test('events reach control as they are raised', async () => {
    const seen: string[] = [];
    await client.close();
    client = await AgentClient.connect(
      { kind: 'unix', path: agent.control },
      {
        ...ignore,
        events: (events) => seen.push(...events.map(({ kind }) => kind)),
      },
    );
    const without = ENTRIES.filter((command) => command.op === 'put' && command.entry.kind !== 'source');
    await client.replaceAll(without);
    assert.equal(await reaches(FOREIGN_ADDRESS, CORRESPONDENT), false);
    await until('an unknown source', () => seen.includes('unknown-source'));
    await client.replaceAll(ENTRIES);
    assert.match(await echoes(), FEW_LOST);
  });

  test('signalling needs no socket of control: it goes through the channel both ways', async () => {
    await client.close();
    const answered = new Promise<Uint8Array>((resolve) => {
      const packet = ({ src, hopLimit, data }: AgentPacket): void => {
        assert.deepEqual([src, hopLimit], [NEIGHBOUR, 64]);
        client.send(src, Uint8Array.of(59, 0, 1, 0, 0, 0, 0, 0));
        resolve(data);
      };
      void AgentClient.connect({ kind: 'unix', path: agent.control }, { ...ignore, packet }).then(
        async (connected) => {
          client = connected;
          const answer = Buffer.from(await python('core', REFRESH), 'hex');
          assert.equal(answer[TYPE_AT], 1);
          assert.notEqual(answer.readUInt16BE(CHECKSUM_AT), 0);
          resolve(answer);
        },
      );
    });
    assert.equal((await answered)[TYPE_AT], 0);
  });

  test('without control, forwarding goes on; control that comes back finds its generation', async () => {
    const { generation } = client;
    await client.close();
    assert.match(await echoes(), FEW_LOST);
    const boot = client.hello.boot;
    client = await reconnect();
    assert.equal(client.hello.boot, boot);
    assert.equal(client.hello.generation, generation);
  });

  test('a whole set leaves what stays, puts what is new and deletes what is gone, without a gap', async () => {
    const many = Array.from({ length: 2 * LIMIT_COMMANDS }, (_, index) => tunnel(index));
    await client.apply(many);
    const held = (await client.status()).entries;
    assert.equal(held, ENTRIES.length + many.length);
    const forwarded = async (): Promise<number> => (await client.status()).counters['delivered']!;
    const before = await forwarded();
    const lost = lostEchoes(FOREIGN_ADDRESS, CORRESPONDENT, 50, 10);
    await until('packets are on their way', async () => (await forwarded()) > before);
    const wanted = [...ENTRIES, ...many.slice(LIMIT_COMMANDS), tunnel(9000)];
    const statuses = await client.replaceAll(wanted);
    assert.deepEqual(new Set(statuses), new Set(['ok']));
    assert.ok((await lost) <= 5);
    await until('the rest is deleted', async () => (await client.status()).entries === wanted.length);
    const crowd = Array.from({ length: 6 * LIMIT_COMMANDS }, (_, index) => tunnel(1000 + index));
    await client.replaceAll([...ENTRIES, ...crowd]);
    await until(
      'the rest is deleted',
      async () => (await client.status()).entries === ENTRIES.length + crowd.length,
    );
    // Asked right behind the batch, and both there when the agent goes on: the rest is soon deleted.
    process.kill(Number(agent.status('Pid')), 'SIGSTOP');
    const answers = Promise.all([client.replaceAll(ENTRIES), client.status()]);
    process.kill(Number(agent.status('Pid')), 'SIGCONT');
    const [, { generation, entries }] = await answers;
    assert.equal(generation, client.generation, 'the set has ended');
    assert.ok(entries > ENTRIES.length, 'control is answered before all is deleted');
    await client.apply([crowd.at(-1)!]);
    await until('the rest is deleted', async () => (await client.status()).entries === ENTRIES.length + 1);
    await client.replaceAll(ENTRIES);
    assert.equal((await client.status()).entries, ENTRIES.length);
  });

  test('a batch that is sent again is answered again and not carried out', async () => {
    const generation = client.generation + 1n;
    await client.close();
    const remove: Command = { op: 'delete', kind: 'destination', prefix: '2001:db8:99::/64' };
    const batch = apply(generation, [remove], 0);
    assert.equal(await provoke(agent.control, greeting(), batch, batch, pingMessage(0n)), undefined);
    client = await reconnect();
    assert.equal(client.hello.generation, generation);
    assert.deepEqual(await client.apply([remove]), ['absent']);
  });

  test('a batch of the greatest length, more than the module takes at once, is carried out', async () => {
    const generation = client.generation + 1n;
    const many = Array.from({ length: BODY_MAX / COMMAND_SIZE }, (_, index) => tunnel(index));
    const [first, second] = [many.slice(0, LIMIT_COMMANDS), many.slice(LIMIT_COMMANDS)].map((part) =>
      apply(generation, part, 0),
    );
    await client.close();
    const whole = edited(first!, HEADER_LENGTH_AT, BODY_MAX);
    const rest = second!.subarray(HEADER_SIZE);
    assert.equal(await provoke(agent.control, greeting(), whole, rest, pingMessage(0n)), undefined);
    client = await reconnect();
    const { entries, rebuilds } = await client.status();
    assert.deepEqual([entries, rebuilds], [ENTRIES.length + many.length, 0]);
    await client.replaceAll(ENTRIES);
  });

  test('what is wrong is refused by name, has no effect and does not disturb forwarding', async () => {
    const { generation } = client;
    assert.equal(await provoke(agent.control, greeting()), 'busy');
    await client.close();
    const [control, next] = [agent.control, generation + 1n];
    const cases: readonly [fault: string, ...parts: Uint8Array[]][] = [
      ['protocol', edited(greeting(), HEADER_SIZE + GREETING_PROTOCOL_AT, 2)],
      ['abi', edited(greeting(), HEADER_SIZE + GREETING_ABI_AT, 0)],
      ['malformed', pingMessage(0n)],
      ['malformed', greeting(), greeting()],
      ['malformed', greeting(), edited(pingMessage(0n), HEADER_LENGTH_AT, 1 << 20)],
      ['malformed', greeting(), apply(next, [], 4)],
      ['malformed', greeting(), apply(next, [], 2)],
      ['malformed', greeting(), edited(apply(next, [tunnel(1)], 0), HEADER_LENGTH_AT, 95).subarray(0, -1)],
      ['generation', greeting(), apply(next + 1n, [tunnel(1)], 0)],
      ['generation', greeting(), apply(generation - 1n, [tunnel(1)], 0)],
    ];
    for (const [fault, ...parts] of cases) assert.equal(await provoke(control, ...parts), fault);
    // A batch that never arrives whole.
    const cut = createConnection(control);
    cut.write(Buffer.concat([greeting(), apply(next, [tunnel(1)], 0).subarray(0, -1)]));
    await new Promise((resolve) => cut.once('data', resolve));
    cut.destroy();
    client = await reconnect();
    assert.equal(client.hello.generation, generation);
    assert.match(await echoes(), FEW_LOST);
    const { counters, dropped, entries } = await client.status();
    assert.deepEqual([dropped, entries], [0, ENTRIES.length]);
    assert.equal(counters['delivered'], counters['rx-core']);
    assert.equal(counters['reverse-tunnelled']! + counters['drop-source-unknown']!, counters['rx-access']);
  });

  test('it has only the privileges that it needs, and is small', async (t) => {
    // CAP_NET_ADMIN and CAP_NET_RAW.
    for (const set of ['CapEff', 'CapPrm']) assert.equal(agent.status(set), '0000000000003000');
    // CAP_NET_ADMIN, for the nft that loads a table again; no other program is lent it.
    assert.equal(agent.status('CapInh'), '0000000000001000');
    assert.equal(agent.status('CapAmb'), '0000000000000000');
    assert.equal(agent.status('NoNewPrivs'), '1');
    await client.apply(Array.from({ length: 1000 }, (_, index) => tunnel(index)));
    const resident = Number.parseInt(agent.status('VmRSS'), 10);
    const { size } = statSync(programs.agent);
    t.diagnostic(`${size} octets, ${resident} kB resident, ready in ${await agent.startMillis} ms`);
    assert.ok(size <= SIZE_MAX, `${size} octets`);
    assert.ok(resident <= RESIDENT_MAX_KB, `${resident} kB resident at 1,000 bindings`);
  });

  test('an agent that was killed is back, with another number, once control has given it its entries', async (t) => {
    const { boot } = client.hello;
    const killed = performance.now();
    agent.kill();
    await until('the agent has ended', () => agent.ended());
    agent = await start();
    client = await reconnect();
    assert.notEqual(client.hello.boot, boot);
    assert.equal(client.hello.generation, 0n);
    assert.deepEqual(await client.replaceAll(ENTRIES), ['ok', 'ok', 'ok']);
    const millis = performance.now() - killed;
    assert.match(await echoes(), FEW_LOST);
    t.diagnostic(`back after ${millis} ms`);
    assert.ok(millis < BACK_MS, `back after ${millis} ms`);
  });

  test('a module that goes wild is replaced, with all entries, and the agent lives on', async () => {
    await client.close();
    await agent.stop();
    const module = ['--module', compile(programs, 'wild')];
    const wild = new Agent(programs, 'wild', [
      ...module,
      ...['--locator', MAAR, '--pool', '2001:db8:11::/48', '--core-tun', 'wild0'],
    ]);
    await wild.startMillis;
    sh(`ip -6 route add ${WILD_PREFIX} dev wild0`);
    const control = await AgentClient.connect({ kind: 'unix', path: wild.control }, ignore);
    const socket = createSocket('udp6');
    try {
      await control.apply(ENTRIES);
      let rebuilds = 0;
      for (const octet of [WILD.trap, WILD.loop, WILD.outputs]) {
        socket.send(Uint8Array.of(octet), 9, '2001:db8:dead::1');
        rebuilds++;
        await until('a new instance', async () => (await control.status()).rebuilds === rebuilds);
      }
      const status = await control.status();
      assert.deepEqual([status.rebuilds, status.entries], [3, ENTRIES.length]);
      await until('the log', () => wild.log.match(/a new instance has 3 entries/g)?.length === 3);
    } finally {
      socket.close();
      await control.close();
      wild.kill();
    }
  });
});
