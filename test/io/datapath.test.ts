import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { after, before, test } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import { emitFrame } from '../../host/wire/ethernet.ts';
import {
  CORRESPONDENT,
  FOREIGN,
  FOREIGN_ADDRESS,
  MAAR,
  NATIVE,
  NATIVE_ADDRESS,
  PEER,
  ROUTER_MAC,
  STATION_LINK_LOCAL,
  STATION_MAC,
  buildNetwork,
  core,
  openBench,
  ping,
  reaches,
  station,
} from './support/bench.ts';
import type { Bench } from './support/bench.ts';
import { objects } from './support/kernel.ts';
import { ipJson, namespaced, python, sh, until } from './support/namespace.ts';

const COUNT = 20;
const ALL_NODES_MAC = '33:33:00:00:00:01';
/** EtherType, and what stands for nothing behind the header (RFC 8200 section 4.7). */
const [IPV6, NO_NEXT_HEADER] = [0x86dd, 59];
const DELIVER = { kind: 'deliver', link: 0, nextHop: STATION_LINK_LOCAL, mac: STATION_MAC } as const;

const echoes = (from: string, count = COUNT): Promise<string> => ping(from, CORRESPONDENT, count);

namespaced(import.meta.url, () => {
  let bench: Bench;
  before(async () => {
    buildNetwork();
    bench = await openBench();
    await bench.apply(
      { op: 'put', entry: { kind: 'peer', address: PEER } },
      { op: 'put', entry: { ...DELIVER, prefix: FOREIGN } },
      { op: 'put', entry: { ...DELIVER, prefix: NATIVE } },
      { op: 'put', entry: { kind: 'source', prefix: NATIVE, link: 0, mac: STATION_MAC } },
      { op: 'put', entry: { kind: 'source', prefix: FOREIGN, link: 0, mac: STATION_MAC, reverse: PEER } },
    );
  });
  after(() => bench.close());

  test('the kernel as tunnel peer: seg6 is decapsulated, our encapsulation ends in End.DT6', async () => {
    const start = await bench.counters();
    assert.match(await echoes(FOREIGN_ADDRESS), / 0% packet loss/);
    const end = await bench.counters();
    assert.equal(end['reverse-tunnelled']! - start['reverse-tunnelled']!, COUNT);
    assert.equal(end['decapsulated']! - start['decapsulated']!, COUNT);
    assert.equal(end['delivered']! - start['delivered']!, COUNT);
  });

  test('native traffic of an attached station stays in the kernel, and is told as a flow', async () => {
    const start = await bench.counters();
    assert.match(await echoes(NATIVE_ADDRESS), / 0% packet loss/);
    const end = await bench.counters();
    assert.equal(end['rx-access'], start['rx-access']);
    assert.equal(end['rx-core'], start['rx-core']);
    await until('flow event', () =>
      bench.puppet
        .of('dataplane')
        .some(
          ({ event }) => event.kind === 'flow' && event.src === NATIVE_ADDRESS && event.dst === CORRESPONDENT,
        ),
    );
    bench.perform({ type: 'usage' });
    await until('usage', () => bench.puppet.of('usage').length > 0);
    const pair = bench.puppet.of('usage')[0]!.pairs.find(({ src }) => src === NATIVE_ADDRESS);
    assert.equal(pair?.dst, CORRESPONDENT);
  });

  test('a destination that moves from native to tunnel and back is replaced in place', async () => {
    await bench.apply({
      op: 'put',
      entry: { kind: 'tunnel', prefix: `${CORRESPONDENT}/128`, locator: PEER },
    });
    const start = await bench.counters();
    assert.match(await echoes(NATIVE_ADDRESS), / 0% packet loss/);
    assert.equal((await bench.counters())['tunnelled']! - start['tunnelled']!, COUNT);
    assert.equal(ipJson(`-6 route show ${CORRESPONDENT}`)[0]!['dev'], 'maar0');
    await bench.apply({ op: 'delete', kind: 'destination', prefix: `${CORRESPONDENT}/128` });
    assert.match(await echoes(NATIVE_ADDRESS), / 0% packet loss/);
    assert.equal((await bench.counters())['tunnelled']! - start['tunnelled']!, COUNT);
    assert.deepEqual(ipJson(`-6 route show ${CORRESPONDENT}`), []);
  });

  test('packets of an unknown source are held, and leave in order once their entries stand', async () => {
    const address = '2001:db8:aa:1::10';
    station(`ip addr add ${address}/128 dev sta0 nodad`);
    core(`ip -6 route add 2001:db8:aa:1::/64 encap seg6 mode encap.red segs ${MAAR} dev core1`);
    await bench.apply({
      op: 'put',
      entry: { kind: 'hold', direction: 'from', prefix: '::/0', packets: 16, millis: 10_000 },
    });
    station(`sh -c 'ping -6 -c 4 -i 0.05 -W 10 -I ${address} ${CORRESPONDENT} > /run/held.txt 2>&1 &'`);
    await until('held', async () => (await bench.counters())['held'] === 4);
    const prefix = '2001:db8:aa:1::/64';
    await bench.apply(
      {
        op: 'put',
        entry: { ...DELIVER, prefix },
      },
      { op: 'put', entry: { kind: 'source', prefix, link: 0, mac: STATION_MAC, reverse: PEER } },
      { op: 'release', direction: 'from', prefix },
    );
    await until('replies', () => sh('cat /run/held.txt').includes(' 0% packet loss'));
    const order = [...sh('cat /run/held.txt').matchAll(/icmp_seq=(\d+)/g)].map((match) => Number(match[1]));
    assert.deepEqual(order, [1, 2, 3, 4]);
  });

  test('a packet that the tunnel makes too long is answered with Packet Too Big', async () => {
    assert.throws(() =>
      station(`ping -6 -c 1 -W 5 -M do -s 1440 -I ${FOREIGN_ADDRESS} ${CORRESPONDENT} > /run/big.txt 2>&1`),
    );
    assert.match(sh('cat /run/big.txt'), /mtu[ =:]+1460/i);
    assert.match(await ping(FOREIGN_ADDRESS, CORRESPONDENT, 3, '-M do -s 1412'), / 0% packet loss/);
  });

  test('a known source from another station is dropped and counted', async () => {
    const start = await bench.counters();
    station('ip link set sta0 address 02:00:5e:10:01:0f');
    try {
      for (const from of [NATIVE_ADDRESS, FOREIGN_ADDRESS]) {
        assert.throws(() => station(`ping -6 -q -c 2 -i 0.01 -W 1 -I ${from} ${CORRESPONDENT}`));
      }
    } finally {
      station(`ip link set sta0 address ${STATION_MAC}`);
    }
    assert.equal((await bench.counters())['drop-source-mac']! - start['drop-source-mac']!, 4);
  });

  test('tunnels and signalling from an access link are dropped and counted', async () => {
    const start = await bench.counters();
    station(`ip -6 route add 2001:db8:dd::/64 encap seg6 mode encap.red segs ${MAAR} dev sta0 via fe80::1`);
    assert.throws(() => station(`ping -6 -c 2 -i 0.01 -W 1 -I ${NATIVE_ADDRESS} 2001:db8:dd::1`));
    station(
      `python3 -c "import socket; s=socket.socket(socket.AF_INET6, socket.SOCK_RAW, 135); s.sendto(bytes(16), ('${MAAR}', 0))"`,
    );
    const counted = async (name: string): Promise<number> => (await bench.counters())[name]! - start[name]!;
    await until('the last of them', async () => (await counted('drop-access-mobility')) > 0);
    assert.equal(await counted('drop-access-tunnel'), 2);
    assert.equal(await counted('drop-access-mobility'), 1);
    assert.equal(bench.puppet.of('mobility').length, 0);
  });

  test('a Mobility Header from the core arrives, and one is sent', async () => {
    const header = '3b010500' + '0000' + '0001' + '00000000' + '00000000';
    core(
      `python3 -c "import socket; s=socket.socket(socket.AF_INET6, socket.SOCK_RAW, 135); s.sendto(bytes.fromhex('${header}'), ('${MAAR}', 0))"`,
    );
    await until('mobility event', () => bench.puppet.of('mobility').length > 0);
    const event = bench.puppet.of('mobility')[0]!;
    assert.deepEqual(
      { src: event.src, dst: event.dst, side: event.side, length: event.data.length },
      { src: '2001:db8:0:1::2', dst: MAAR, side: 'core', length: 16 },
    );
    bench.perform({ type: 'mobility', src: MAAR, dst: MAAR, data: event.data });
    await until('our own', () => bench.puppet.of('mobility').some(({ src }) => src === MAAR));
    assert.deepEqual(bench.puppet.faults, []);
  });

  test('a pool address without a station is answered, not sent back to the core', () => {
    assert.throws(() => core('ping -6 -c 1 -W 5 2001:db8:11:ffff::1 > /run/absent.txt'));
    assert.match(sh('cat /run/absent.txt'), /No route|unreachable/);
  });

  test('frames of neighbour discovery and of unknown stations are shown, those of attached stations are not', async () => {
    bench.perform({ type: 'stations', link: 0, macs: [STATION_MAC] });
    bench.puppet.events.length = 0;
    await echoes(NATIVE_ADDRESS, 3);
    station('ip neigh flush dev sta0');
    await echoes(NATIVE_ADDRESS, 1);
    await until('neighbour discovery', () => bench.puppet.of('frame').some(({ data }) => data[54] === 135));
    const shown = bench.puppet.of('frame');
    assert.ok(
      shown.every(
        ({ data, port, link }) => data[54]! >= 130 || data[20] === 0 || port !== 'port0' || link !== 0,
      ),
    );
    assert.equal(shown[0]!.port, 'port0');
    bench.perform({ type: 'stations', link: 0, macs: [] });
    bench.puppet.events.length = 0;
    await echoes(NATIVE_ADDRESS, 3);
    await until('echo request', () => bench.puppet.of('frame').some(({ data }) => data[54] === 128));
  });

  test('a frame goes out on one port, or by way of the bridge', async () => {
    // No kernel sends such a packet, and a bridge with multicast snooping drops what is none.
    const frames = [1, 2].map((octet) =>
      emitFrame({
        ...{ srcMac: ROUTER_MAC, dstMac: ALL_NODES_MAC, src: 'fe80::1', dst: 'ff02::1' },
        ...{ trafficClass: 0, flowLabel: 0, nextHeader: NO_NEXT_HEADER, hopLimit: 255 },
        payload: Uint8Array.of(octet),
      }),
    );
    const wanted = frames.map((frame) => Buffer.from(frame).toString('hex'));
    const heard = python(
      'station',
      `import socket
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0); s.bind(('sta0', ${IPV6})); s.settimeout(20)
open('/run/listening', 'w')
waiting = ${JSON.stringify(wanted)}
while waiting: waiting = [frame for frame in waiting if frame != s.recv(2000).hex()]`,
    );
    await until('somebody listens', () => existsSync('/run/listening'));
    bench.perform({ type: 'frame', link: 0, port: 'port0', data: frames[0]! });
    bench.perform({ type: 'frame', link: 0, data: frames[1]! });
    await heard;
    assert.deepEqual(bench.puppet.faults, []);
    bench.perform({ type: 'frame', link: 0, port: 'gone', data: frames[0]! });
    assert.equal(bench.puppet.faults.length, 1);
  });

  test('stations of an access interface that went down and up again are reached as before', async () => {
    const standing = async (): Promise<unknown> => {
      const { routes, neighbours } = await objects();
      return [routes, neighbours, ipJson('-6 addr show dev br0 to fe80::1').length];
    };
    const before = await standing();
    const faults = bench.puppet.faults.length;
    sh('ip link set br0 down');
    await until('the kernel has forgotten them', () => ipJson(`-6 route show ${NATIVE}`).length === 0);
    // What goes meanwhile finds nothing there.
    await bench.apply({ op: 'delete', kind: 'destination', prefix: FOREIGN });
    assert.equal(bench.puppet.faults.length, faults);
    await bench.apply({ op: 'put', entry: { ...DELIVER, prefix: FOREIGN } });
    sh('ip link set br0 up');
    await until('routes, neighbours and the address are back', async () =>
      isDeepStrictEqual(await standing(), before),
    );
    for (const from of [NATIVE_ADDRESS, FOREIGN_ADDRESS]) {
      await until('the station is reached', () => reaches(from, CORRESPONDENT));
    }
  });

  test('a table of nftables that somebody deletes is loaded again, with the sources of stations', async () => {
    const { nftables } = await objects();
    sh('nft flush ruleset');
    await until('the table is back', async () => isDeepStrictEqual((await objects())['nftables'], nftables));
    for (const from of [NATIVE_ADDRESS, FOREIGN_ADDRESS]) assert.match(await echoes(from), / 0% packet loss/);
    assert.match(JSON.stringify(bench.puppet.faults), /somebody has deleted our table/);
  });

  test('ports tell of their carrier, stations of their coming to another port', async () => {
    sh('ip link set port0 down');
    await until('port down', () => bench.puppet.of('port').some(({ port, up }) => port === 'port0' && !up));
    sh('ip link set port0 up');
    await until('port up', () => bench.puppet.of('port').some(({ port, up }) => port === 'port0' && up));
    sh('ip link add port1 type veth peer name sta1; ip link set port1 master br0 up; ip link set sta1 up');
    await until('a new port', () => bench.puppet.of('port').some(({ port, up }) => port === 'port1' && up));
    await until('its station', () =>
      bench.puppet.of('station').some(({ port, present }) => port === 'port1' && present),
    );
    sh('ip link del port1');
    await until('its end', () => bench.puppet.of('port').some(({ port, up }) => port === 'port1' && !up));
  });
});
