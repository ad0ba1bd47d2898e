import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { after, before, test } from 'node:test';
import { isDeepStrictEqual, promisify } from 'node:util';
import fc from 'fast-check';
import type { Command, DeliverEntry, SourceEntry } from '../../bindings/entries.ts';
import { AgentClient } from '../../host/io/agent/client.ts';
import { neutralLocator } from '../../host/wire/neutral.ts';
import { missing } from '../support/tools.ts';
import { Agent, buildPrograms, compile, ignore } from './support/agent.ts';
import type { Programs } from './support/agent.ts';
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
  lostEchoes,
  openBench,
  ping,
  reaches,
  station,
} from './support/bench.ts';
import { dump, objects, settle } from './support/kernel.ts';
import { ipJson, namespaced, python, sh, until } from './support/namespace.ts';

const COUNT = 10;
const BATCHES = 30;
const STREAM = 500;
/** More than a device has room for by itself. */
const HELD_UP = 1000;
const SEED = 77;
/** Where the test hosts of other MAARs are; the core has no route to it. */
const [ELSEWHERE, LOST_PEER] = ['2001:db8:ee::1', '2001:db8:0:9::1'];
const NEIGHBOUR = '2001:db8:0:1::2';
const ON_LINK = '2001:db8:bb::7';
/** ICMPv6 type for private experimentation (RFC 4443 section 2.1). */
const EXPERIMENT = 200;

const run = promisify(execFile);

const programs = await buildPrograms();

const deliver = (prefix: string, changes: Partial<DeliverEntry> = {}): Command => ({
  op: 'put',
  entry: { kind: 'deliver', prefix, link: 0, nextHop: STATION_LINK_LOCAL, mac: STATION_MAC, ...changes },
});
const source = (prefix: string, changes: Partial<SourceEntry> = {}): Command => ({
  op: 'put',
  entry: { kind: 'source', prefix, link: 0, mac: STATION_MAC, ...changes },
});
const tunnel = (prefix: string, locator = PEER): Command => ({
  op: 'put',
  entry: { kind: 'tunnel', prefix, locator },
});

const ENTRIES: readonly Command[] = [
  { op: 'put', entry: { kind: 'peer', address: PEER } },
  deliver(FOREIGN),
  deliver(NATIVE),
  source(NATIVE),
  source(FOREIGN, { reverse: PEER }),
];

/** One command about few keys, so that a batch meets what earlier ones left; some are refused. */
function anyCommand(): fc.Arbitrary<Command> {
  const prefix = fc.constantFrom(FOREIGN, NATIVE, '2001:db8:aa:1::/64', '2001:db8:aa::/48', `${ON_LINK}/128`);
  const link = fc.constantFrom(0, 0, 0, 1, 1, 2);
  const mac = fc.constantFrom(STATION_MAC, '02:00:5e:10:01:0b');
  const nextHop = fc.constantFrom(STATION_LINK_LOCAL, 'fe80::5eff:fe10:10b', ON_LINK);
  const locator = fc.constantFrom(PEER, PEER, PEER, MAAR);
  const put = fc.oneof(
    fc.record({ kind: fc.constant('deliver' as const), prefix, link, nextHop, mac }),
    fc.record({ kind: fc.constant('deliver' as const), prefix, link, nextHop, mac }),
    fc.record({ kind: fc.constant('tunnel' as const), prefix, locator }),
    prefix.map((prefix) => ({ kind: 'buffer' as const, prefix, packets: 8, bytes: 9000, millis: 500 })),
    prefix.map((prefix) => {
      const locator = neutralLocator('2001:db8::/32', prefix) ?? prefix;
      return { kind: 'rewrite' as const, prefix, locator };
    }),
    fc.record({ kind: fc.constant('source' as const), prefix, link, mac }),
    fc.record({ kind: fc.constant('source' as const), prefix, link, mac, reverse: locator }),
    fc.record({ kind: fc.constant('source' as const), prefix, link }),
    fc.constant({ kind: 'peer' as const, address: PEER }),
  );
  return fc.oneof(
    { weight: 3, arbitrary: put.map((entry): Command => ({ op: 'put', entry })) },
    {
      weight: 1,
      arbitrary: prefix.map((prefix): Command => ({ op: 'delete', kind: 'destination', prefix })),
    },
    {
      weight: 1,
      arbitrary: fc
        .record({ prefix, link })
        .map((key): Command => ({ op: 'delete', kind: 'source', ...key })),
    },
  );
}

namespaced(import.meta.url, () => {
  if ('obstacle' in programs) {
    test('the native agent and the kernel', (t) => missing(t, programs.obstacle));
    return;
  }
  const links = [
    { link: 0, interface: 'br0', linkLocal: 'fe80::1', mac: ROUTER_MAC },
    { link: 1, interface: 'access1', linkLocal: 'fe80::1', mac: ROUTER_MAC },
  ];
  const arguments_ = [
    ...['--module', compile(programs, 'maar'), '--locator', MAAR, '--pool', POOL],
    ...['--name', 'a1', '--user', 'nobody', '--activity'],
    ...links.flatMap((l) => ['--access', `${l.link}=${l.interface},${l.linkLocal},${l.mac}`]),
  ];
  let pristine = '';
  let agent: Agent;
  let client: AgentClient;
  async function start(): Promise<void> {
    agent = new Agent(programs as Programs, 'dp', arguments_);
    await agent.startMillis;
    client = await AgentClient.connect({ kind: 'unix', path: agent.control }, ignore);
  }
  before(async () => {
    buildNetwork();
    sh('ip link add access1 type veth peer name far1; ip link set access1 up; ip link set far1 up');
    settle();
    pristine = await dump();
    await start();
  });
  after(() => agent.kill());

  test('the kernel is as the host in Node leaves it, batch by batch', async () => {
    const batches = fc.sample(fc.array(anyCommand(), { minLength: 1, maxLength: 6 }), {
      seed: SEED,
      numRuns: BATCHES,
    });
    const seen = [await objects()];
    const statuses: (readonly string[])[] = [];
    for (const batch of batches) {
      statuses.push(await client.apply(batch));
      seen.push(await objects());
    }
    await client.close();
    assert.equal(await agent.stop(), 0);
    assert.equal(await dump(), pristine);

    const bench = await openBench({ access: links, activity: true });
    try {
      assert.deepEqual(seen[0], await objects(), 'after the start');
      for (const [index, batch] of batches.entries()) {
        const what = `batch ${index}: ${JSON.stringify(batch)}`;
        assert.deepEqual(statuses[index], await bench.try(...batch), what);
        assert.deepEqual(seen[index + 1], await objects(), what);
      }
    } finally {
      await bench.close();
    }
    const kinds = new Set(statuses.flat());
    assert.ok(kinds.has('ok') && kinds.has('invalid') && kinds.has('absent'), [...kinds].join());
    await start();
  });

  test('after kill -9 the next start takes everything back, and so does its end', async () => {
    await client.apply(ENTRIES);
    await client.close();
    agent.kill();
    await until('the agent has ended', () => agent.ended());
    assert.notEqual(await dump(), pristine);
    await start();
    assert.deepEqual(ipJson(`-6 route show ${FOREIGN}`), []);
    await client.close();
    assert.equal(await agent.stop(), 0);
    assert.equal(await dump(), pristine);
  });

  test('a second agent does not take the first one for leavings', async () => {
    await start();
    await client.apply(ENTRIES);
    const during = await dump();
    const second = new Agent(programs, 'second', arguments_);
    await assert.rejects(second.startMillis, /maar0: .*busy/i);
    assert.equal(await dump(), during);
  });

  test('an agent that cannot start leaves nothing behind', async () => {
    await client.close();
    await agent.stop();
    const failing = new Agent(programs, 'failing', [...arguments_, '--module', '/dev/null']);
    await assert.rejects(failing.startMillis);
    assert.equal(await dump(), pristine);
    await start();
  });

  test('native traffic stays in the kernel, tunnelled traffic does not, and both are counted by station', async () => {
    assert.deepEqual(new Set(await client.apply(ENTRIES)), new Set(['ok']));
    for (const address of [NATIVE_ADDRESS, FOREIGN_ADDRESS]) {
      assert.match(await ping(address, CORRESPONDENT, COUNT), / 0% packet loss/);
    }
    const { counters, nativeFlows, dropped } = await client.status();
    assert.equal(counters['reverse-tunnelled'], COUNT);
    assert.equal(counters['delivered'], COUNT);
    assert.ok(nativeFlows >= 1);
    assert.equal(dropped, 0);
    assert.deepEqual(await client.activity(), [{ mac: STATION_MAC, sent: 2 * COUNT, received: 2 * COUNT }]);
  });

  test('what comes from stations while the agent does not get the processor waits for it', async () => {
    const tunnelled = async (): Promise<number> => (await client.status()).counters['reverse-tunnelled']!;
    const before = await tunnelled();
    agent.suspend();
    try {
      await python(
        'station',
        `import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); s.bind(('${FOREIGN_ADDRESS}', 0))
for _ in range(${HELD_UP}): s.sendto(b'x', ('${CORRESPONDENT}', 9))`,
      );
    } finally {
      agent.resume();
    }
    await until('all are tunnelled', async () => (await tunnelled()) - before === HELD_UP);
  });

  test('stations of an access interface that went down and up again are reached as before', async () => {
    const standing = async (): Promise<unknown> => {
      const { routes, neighbours } = await objects();
      return [routes, neighbours, ipJson('-6 addr show dev br0 to fe80::1').length];
    };
    const before = await standing();
    sh('ip link set br0 down');
    await until('the kernel has forgotten them', () => ipJson(`-6 route show ${NATIVE}`).length === 0);
    // What comes and goes meanwhile finds nothing there.
    assert.deepEqual(await client.apply([{ op: 'delete', kind: 'destination', prefix: FOREIGN }]), ['ok']);
    assert.deepEqual(await client.apply([deliver(FOREIGN)]), ['ok']);
    sh('ip link set br0 up');
    await until('routes, neighbours and the address are back', async () =>
      isDeepStrictEqual(await standing(), before),
    );
    for (const address of [NATIVE_ADDRESS, FOREIGN_ADDRESS]) {
      await until('the station is reached', () => reaches(address, CORRESPONDENT));
    }
    await until('the log says so', () => agent.log.includes('access link 0 is up again'));
    assert.doesNotMatch(agent.log, /delete route/);
  });

  test('a table of nftables that somebody deletes is loaded again, with the sources of stations', async () => {
    const { nftables } = await objects();
    sh('nft flush ruleset');
    await until('the table is back', async () => isDeepStrictEqual((await objects())['nftables'], nftables));
    for (const address of [NATIVE_ADDRESS, FOREIGN_ADDRESS])
      assert.match(await ping(address, CORRESPONDENT, 2), / 0% packet loss/);
    await until('it is in the log', () => agent.log.includes('somebody has deleted table maar_a1'));
    // Sources are in step with the table again: what goes, goes.
    const gone = { op: 'delete', kind: 'source', prefix: NATIVE, link: 0 } as const;
    assert.deepEqual(await client.apply([gone, source(NATIVE)]), ['ok', 'ok']);
    assert.deepEqual((await objects())['nftables'], nftables);
  });

  test('a destination that goes between kernel and data plane all the time loses nothing', async () => {
    const through = tunnel(`${CORRESPONDENT}/128`);
    const start = await client.status();
    const lost = lostEchoes(NATIVE_ADDRESS, CORRESPONDENT, STREAM, 2);
    let [ended, moves] = [false, 0];
    void lost.finally(() => (ended = true));
    for (; !ended; moves++) {
      await client.apply([
        moves % 2 === 0 ? through : { op: 'delete', kind: 'destination', prefix: `${CORRESPONDENT}/128` },
      ]);
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.equal(await lost, 0);
    const end = await client.status();
    const tunnelled = end.counters['tunnelled']! - start.counters['tunnelled']!;
    assert.ok(tunnelled > 0 && tunnelled < STREAM, `${tunnelled} of ${STREAM} in ${moves} moves`);
    assert.equal(end.dropped, 0);
    await client.replaceAll(ENTRIES);
  });

  test('what a station must not send is dropped and counted', async () => {
    const unheard = (from: string, to: string): Promise<void> =>
      assert.rejects(
        run('ip', [
          'netns',
          'exec',
          'station',
          'ping',
          '-6',
          '-c',
          '2',
          '-i',
          '0.01',
          '-W',
          '1',
          '-I',
          from,
          to,
        ]),
      );
    station('ip link set sta0 address 02:00:5e:10:01:0f');
    for (const address of [NATIVE_ADDRESS, FOREIGN_ADDRESS]) await unheard(address, CORRESPONDENT);
    station(`ip link set sta0 address ${STATION_MAC}`);
    station(`ip -6 route add 2001:db8:dd::/64 encap seg6 mode encap.red segs ${MAAR} dev sta0 via fe80::1`);
    await unheard(NATIVE_ADDRESS, '2001:db8:dd::1');
    await python(
      'station',
      `import socket; s=socket.socket(socket.AF_INET6, socket.SOCK_RAW, 135); s.sendto(bytes(16), ('${MAAR}', 0))`,
    );
    await until(
      'the kernel has counted the last of them',
      async () => (await client.status()).accessMobility > 0,
    );
    const { sourceMac, accessTunnel, accessMobility } = await client.status();
    assert.deepEqual([sourceMac, accessTunnel, accessMobility], [4, 2, 1]);
  });

  test('an ICMPv6 error about an outer packet reaches the host that sent the inner one', async () => {
    await client.apply([tunnel(`${ELSEWHERE}/128`, LOST_PEER)]);
    assert.throws(() => station(`ping -6 -c 1 -W 10 -I ${NATIVE_ADDRESS} ${ELSEWHERE} > /run/lost.txt 2>&1`));
    assert.match(sh('cat /run/lost.txt'), new RegExp(`From ${MAAR} .*[Uu]nreachable`));
    assert.equal((await client.status()).dropped, 0);
  });

  test('control sends ICMPv6 from the locator, with the checksum of the kernel', async () => {
    const listening = python(
      'core',
      `import socket, sys
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6); s.settimeout(10)
open('/run/listening', 'w')
while True:
    data, address = s.recvfrom(100)
    if data[0] == ${EXPERIMENT}: break
print(address[0], data.hex())`,
    );
    await until('somebody listens', () => sh('ls /run').includes('listening'));
    client.send(NEIGHBOUR, Uint8Array.of(EXPERIMENT, 1, 0, 0, 7, 7, 7, 7), 'icmpv6');
    const [address, data = ''] = (await listening).split(' ');
    assert.equal(address, MAAR);
    assert.match(data, /^c801(?!0000)[0-9a-f]{4}07070707$/);
  });

  test('a whole set without entries leaves no route, neighbour or element of a station', async () => {
    await client.replaceAll([]);
    const { routes, neighbours } = await objects();
    const destinations = (routes as { dst: string; table?: string }[]).filter(
      ({ table }) => table === undefined,
    );
    assert.deepEqual(
      destinations.map(({ dst }) => dst),
      [POOL],
    );
    assert.deepEqual(neighbours, []);
    for (const set of ['native', 'owned', 'prefixes']) {
      assert.doesNotMatch(sh(`nft list set inet maar_a1 ${set}`), /elements/);
    }
  });
});
