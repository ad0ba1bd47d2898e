import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, test } from 'node:test';
import type { Command, CommandStatus, Entry } from '../../bindings/entries.ts';
import { SETS, loadTable, readCounters, tableName, unloadTable } from '../../host/io/kernel/base-table.ts';
import { DestinationRoutes } from '../../host/io/kernel/destinations.ts';
import { KernelState } from '../../host/io/kernel/kernel-state.ts';
import { SourceSets } from '../../host/io/kernel/sources.ts';
import { addAddress, deleteAddress, listAddresses, parseAddresses } from '../../host/io/netlink/address.ts';
import { NETLINK, RT_TABLE } from '../../host/io/netlink/constants.ts';
import { listLinks, parseLink, setLinkMac, setLinkUp } from '../../host/io/netlink/link.ts';
import { parseAttributes, parseMessages } from '../../host/io/netlink/message.ts';
import {
  deleteNeighbour,
  listNeighbours,
  ownNeighbours,
  putNeighbour,
} from '../../host/io/netlink/neighbour.ts';
import { deleteRoute, listRoutes, ownRoutes, putRoute } from '../../host/io/netlink/route.ts';
import { addRule, deleteRule, listRules, ownRules } from '../../host/io/netlink/rule.ts';
import { NetlinkSocket } from '../../host/io/netlink/socket.ts';
import { emitFrame } from '../../host/wire/ethernet.ts';
import { ipJson, namespaced, sh, until } from './support/namespace.ts';

const UDP = 17;
/** For as long a source changes. Where one transaction deleted first, some five packets were dropped in this time. */
const CHANGING_MS = 3000;
/** Sends a frame without end, and says when it has begun. */
const FLOOD = `
import socket, sys
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(('far', 0))
frame = bytes.fromhex(sys.argv[1])
for _ in range(1000): s.send(frame)
print('begun', flush=True)
while True: s.send(frame)`;

const STATION = { mac: '02:00:5e:10:01:0a', address: 'fe80::a' } as const;

/** Median of what `action` takes, in milliseconds. */
function median(times: number, action: (round: number) => void): number {
  const taken = Array.from({ length: times }, (_, round) => {
    const begin = performance.now();
    action(round);
    return performance.now() - begin;
  });
  return taken.sort((a, b) => a - b)[times >> 1]!;
}

namespaced(import.meta.url, () => {
  let route: NetlinkSocket;
  let netfilter: NetlinkSocket;
  let ifindex = 0;
  before(() => {
    sh('ip link add access type veth peer name far; ip link set access up; ip link set far up');
    route = new NetlinkSocket(NETLINK.route);
    netfilter = new NetlinkSocket(NETLINK.netfilter);
    ifindex = Number(ipJson('link show access')[0]!['ifindex']);
  });
  after(() => {
    route.close();
    netfilter.close();
  });

  test('links: dump agrees with ip, MAC, MTU and queue are set', async () => {
    route.request(setLinkMac(ifindex, '02:00:5e:10:00:01'), 'MAC');
    route.request(setLinkUp(ifindex, 1400, 700), 'up');
    const shown = ipJson('-d link show access')[0]!;
    assert.equal(shown['address'], '02:00:5e:10:00:01');
    assert.deepEqual([shown['mtu'], shown['txqlen']], [1400, 700]);
    const dump = (): ReturnType<typeof parseLink>[] => route.dump(listLinks(), 'links').map(parseLink);
    const ours = (): ReturnType<typeof parseLink> => dump().find((link) => link?.index === ifindex);
    // The kernel takes note of a carrier in its own time.
    await until('it has its carrier', () => ours()?.running === true);
    assert.deepEqual(ours(), {
      index: ifindex,
      name: 'access',
      mtu: 1400,
      mac: '02:00:5e:10:00:01',
      kind: 'veth',
      up: true,
      running: true,
      present: true,
    });
    assert.equal(dump().length, ipJson('link show').length);
  });

  test('routes: put, replace in place, list, delete', () => {
    const prefix = '2001:db8:1::/64';
    const target = { kind: 'device', ifindex, gateway: STATION.address } as const;
    route.request(putRoute({ prefix, table: RT_TABLE.main, target }), 'put');
    assert.equal(ipJson(`-6 route show ${prefix}`)[0]!['gateway'], STATION.address);
    route.request(
      putRoute({ prefix, table: RT_TABLE.main, target: { kind: 'device', ifindex: 1 } }),
      'replace',
    );
    const [replaced, ...others] = ipJson(`-6 route show ${prefix}`);
    assert.deepEqual([replaced!['dev'], replaced!['protocol'], others.length], ['lo', '77', 0]);
    route.request(
      putRoute({ prefix: '2001:db8:2::/48', table: RT_TABLE.main, target: { kind: 'unreachable' } }),
      'put',
    );
    assert.equal(ipJson('-6 route show type unreachable')[0]!['dst'], '2001:db8:2::/48');
    route.request(putRoute({ prefix: '::/0', table: 4177, target: { kind: 'device', ifindex } }), 'put');
    assert.equal(ipJson('-6 route show table 4177')[0]!['dst'], 'default');

    const own = ownRoutes(route.dump(listRoutes(), 'list'));
    assert.equal(own.length, 3);
    for (const { prefix: dst, table } of own) route.request(deleteRoute(dst, table), 'delete');
    assert.deepEqual(ownRoutes(route.dump(listRoutes(), 'list')), []);
    assert.throws(() => route.request(deleteRoute(prefix, RT_TABLE.main), 'gone'), {
      name: 'SystemError',
      code: 'ESRCH',
    });
  });

  test("routes: another's route of the same prefix is neither replaced nor deleted", () => {
    sh('ip -6 route add 2001:db8:1::/64 dev access');
    const mine = { prefix: '2001:db8:1::/64', table: RT_TABLE.main } as const;
    route.request(putRoute({ ...mine, target: { kind: 'unreachable' } }), 'put');
    assert.equal(ipJson('-6 route show 2001:db8:1::/64').length, 2);
    route.request(deleteRoute(mine.prefix, mine.table), 'delete');
    assert.equal(ipJson('-6 route show 2001:db8:1::/64')[0]!['dev'], 'access');
    sh('ip -6 route del 2001:db8:1::/64 dev access');
  });

  test('rules: as ip shows them', () => {
    const rules = [
      { priority: 1000, table: RT_TABLE.main, mark: 0x0100_0000 },
      { priority: 1100, table: 4177, iif: 'access' },
    ];
    for (const rule of rules) route.request(addRule(rule), 'add');
    const shown = ipJson('-6 rule show');
    assert.ok(
      shown.some(
        (rule) => rule['priority'] === 1000 && rule['fwmark'] === '0x1000000' && rule['table'] === 'main',
      ),
    );
    assert.ok(
      shown.some((rule) => rule['priority'] === 1100 && rule['iif'] === 'access' && rule['table'] === '4177'),
    );
    assert.deepEqual(ownRules(route.dump(listRules(), 'list')), rules);
    for (const rule of rules) route.request(deleteRule(rule), 'delete');
    assert.deepEqual(ownRules(route.dump(listRules(), 'list')), []);
  });

  test('neighbours and addresses: as ip shows them, and only our own are listed as such', () => {
    sh('ip neigh add fe80::b lladdr 02:00:5e:10:01:0b dev access');
    const neighbour = { ifindex, address: STATION.address };
    route.request(putNeighbour(neighbour, STATION.mac), 'put');
    const shown = ipJson('-6 neigh show dev access').find(({ dst }) => dst === STATION.address)!;
    assert.deepEqual([shown['lladdr'], shown['state']], [STATION.mac, ['PERMANENT']]);
    assert.deepEqual(ownNeighbours(route.dump(listNeighbours(), 'list')), [neighbour]);
    route.request(deleteNeighbour(neighbour), 'delete');
    assert.deepEqual(ownNeighbours(route.dump(listNeighbours(), 'list')), []);

    const address = { ifindex, address: 'fe80::1', prefixLength: 64 };
    route.request(addAddress(address), 'add');
    assert.match(
      sh('ip -6 addr show dev access'),
      /inet6 fe80::1\/64 scope link nodad proto 0x4d|inet6 fe80::1\/64 scope link nodad/,
    );
    const own = parseAddresses(route.dump(listAddresses(), 'list')).filter((one) => one.own);
    assert.deepEqual(own, [{ ...address, own: true }]);
    assert.throws(() => route.request(addAddress(address), 'again'), { code: 'EEXIST' });
    route.request(deleteAddress(address), 'delete');
  });

  test('deliver and tunnel entries share neighbours and leave none behind', () => {
    const routes = new DestinationRoutes(route, new Map([[0, ifindex]]), 1);
    const deliver = { kind: 'deliver', link: 0, nextHop: STATION.address, mac: STATION.mac } as const;
    const [a, b] = ['2001:db8:a::/64', '2001:db8:b::/64'] as const;
    routes.sync(a, { ...deliver, prefix: a });
    routes.sync(b, { ...deliver, prefix: b });
    routes.sync(a, { kind: 'tunnel', prefix: a, locator: '2001:db8::2' });
    assert.equal(ipJson(`-6 route show ${a}`)[0]!['dev'], 'lo');
    assert.equal(ownNeighbours(route.dump(listNeighbours(), 'list')).length, 1);
    routes.sync(b, { ...deliver, prefix: b, mac: '02:00:5e:10:01:0c' });
    assert.equal(
      ipJson('-6 neigh show dev access').find(({ dst }) => dst === STATION.address)!['lladdr'],
      '02:00:5e:10:01:0c',
    );
    routes.sync(a, undefined);
    routes.sync(b, undefined);
    assert.deepEqual(ownRoutes(route.dump(listRoutes(), 'list')), []);
    assert.deepEqual(ownNeighbours(route.dump(listNeighbours(), 'list')), []);
    const host = `${STATION.address}/128`;
    routes.sync(host, { ...deliver, prefix: host });
    assert.equal(ipJson(`-6 route show ${STATION.address}`)[0]!['gateway'], undefined);
    routes.sync(host, undefined);
  });

  test('the kernel follows what the data plane accepted, not what control asked', () => {
    loadTable('a-1', ['access']);
    const state = new KernelState(route, netfilter, 'a-1', new Map([[0, ifindex]]), 1);
    const prefix = '2001:db8:a::/64';
    const deliver = { kind: 'deliver', prefix, link: 0, nextHop: STATION.address, mac: STATION.mac } as const;
    const tunnel = { kind: 'tunnel', prefix, locator: '2001:db8::2' } as const;
    const device = (): unknown => ipJson(`-6 route show ${prefix}`)[0]?.['dev'];
    const batch = (commands: readonly Command[], statuses: readonly CommandStatus[]): unknown[] => {
      const faults = state.before(commands);
      const between = device();
      faults.push(...state.after(commands, statuses));
      assert.deepEqual(faults, []);
      return [between, device()];
    };
    const put = (entry: Entry): Command => ({ op: 'put', entry });
    const remove: Command = { op: 'delete', kind: 'destination', prefix };
    assert.deepEqual(batch([put(deliver)], ['full']), ['access', undefined]);
    assert.deepEqual(batch([put(tunnel)], ['full']), [undefined, undefined]);
    assert.deepEqual(batch([put(tunnel)], ['ok']), [undefined, 'lo']);
    assert.deepEqual(batch([put(deliver)], ['ok']), ['access', 'access']);
    assert.deepEqual(batch([put(tunnel)], ['ok']), ['access', 'lo']);
    assert.deepEqual(batch([remove, put(deliver), put(tunnel)], ['ok', 'ok', 'ok']), ['lo', 'lo']);
    const buffer = { kind: 'buffer', prefix, packets: 1, bytes: 1, millis: 1 } as const;
    assert.deepEqual(batch([put(deliver)], ['ok']), ['access', 'access']);
    assert.deepEqual(batch([put(buffer)], ['ok']), ['access', 'lo']);
    assert.deepEqual(batch([put(tunnel)], ['ok']), ['lo', 'lo']);
    assert.deepEqual(batch([put(buffer)], ['ok']), ['lo', 'lo']);
    assert.deepEqual(batch([put(deliver)], ['ok']), ['access', 'access']);
    assert.deepEqual(batch([remove], ['ok']), [undefined, undefined]);
    unloadTable('a-1');
  });

  test('source entries are nftables elements, changed in well under a millisecond', () => {
    loadTable('a-1', ['access']);
    const table = tableName('a-1');
    const sources = new SourceSets(netfilter, 'a-1', new Map([[0, ifindex]]));
    const elements = (set: string): unknown[] => {
      const { nftables } = JSON.parse(sh(`nft -j list set inet ${table} ${set}`)) as {
        nftables: { set?: { elem?: unknown[] } }[];
      };
      return nftables.find((item) => item.set !== undefined)!.set!.elem ?? [];
    };
    const prefix = '2001:db8:1::/64';
    const native = { kind: 'source', prefix, link: 0, mac: STATION.mac } as const;
    sources.sync(prefix, 0, native);
    sources.sync(prefix, 0, native);
    assert.deepEqual(
      [SETS.native, SETS.owned, SETS.prefixes].map((set) => elements(set).length),
      [1, 0, 1],
    );
    sources.sync(prefix, 0, { ...native, reverse: '2001:db8::2' });
    assert.deepEqual(
      [SETS.native, SETS.owned, SETS.prefixes].map((set) => elements(set).length),
      [0, 1, 1],
    );
    sources.sync(prefix, 0, undefined);
    assert.deepEqual(
      [SETS.native, SETS.owned, SETS.prefixes].map((set) => elements(set).length),
      [0, 0, 0],
    );
    const taken = median(200, (round) => {
      const own = `2001:db8:2:${round.toString(16)}::/64`;
      sources.sync(own, 0, { ...native, prefix: own });
    });
    assert.ok(taken < 1, `${taken} ms for an element`);
    assert.equal(readCounters('a-1')['drop-source-mac'], 0);
    unloadTable('a-1');
    unloadTable('a-1');
    assert.equal(sh('nft list ruleset'), '');
    assert.throws(() => sources.sync(prefix, 0, native), { name: 'SystemError', code: 'ENOENT' });
  });

  test("none of a station's packets is dropped while its source goes from set to set", async () => {
    const prefix = '2001:db8:1::/64';
    const frame = emitFrame({
      ...{ srcMac: STATION.mac, dstMac: '02:00:5e:10:00:01', src: '2001:db8:1::a', dst: '2001:db8:9::1' },
      ...{ trafficClass: 0, flowLabel: 0, nextHeader: UDP, hopLimit: 64, payload: new Uint8Array(8) },
    });
    loadTable('a-1', ['access']);
    const sources = new SourceSets(netfilter, 'a-1', new Map([[0, ifindex]]));
    const native = { kind: 'source', prefix, link: 0, mac: STATION.mac } as const;
    sources.sync(prefix, 0, native);
    const flood = spawn('python3', ['-c', FLOOD, Buffer.from(frame).toString('hex')], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      await once(flood.stdout, 'data');
      for (const end = performance.now() + CHANGING_MS; performance.now() < end;) {
        sources.sync(prefix, 0, { ...native, reverse: '2001:db8::2' });
        sources.sync(prefix, 0, native);
      }
    } finally {
      flood.kill();
      await once(flood, 'close');
    }
    assert.equal(readCounters('a-1')['drop-source-mac'], 0);
    sources.sync(prefix, 0, undefined);
    unloadTable('a-1');
  });

  test('packets from and to a station are counted by the elements of its sources', async () => {
    const [home, foreign] = ['2001:db8:1::/64', '2001:db8:2::/64'];
    const far = sh('cat /sys/class/net/far/address').trim();
    const other = '02:00:5e:10:01:0c';
    loadTable('a-1', ['access'], true);
    const sources = new SourceSets(netfilter, 'a-1', new Map([[0, ifindex]]));
    sources.sync(home, 0, { kind: 'source', prefix: home, link: 0, mac: far });
    sources.sync(foreign, 0, { kind: 'source', prefix: foreign, link: 0, mac: far, reverse: '2001:db8::2' });
    sources.sync('2001:db8:3::/64', 0, { kind: 'source', prefix: '2001:db8:3::/64', link: 0, mac: other });
    sh(
      'ip -6 address add 2001:db8:1::a/128 dev far nodad; ip -6 address add 2001:db8:2::a/128 dev far nodad',
    );
    sh('ip -6 route add 2001:db8:9::/64 dev far src 2001:db8:1::a');
    sh('ip -6 neigh add 2001:db8:9::1 dev far lladdr 02:00:5e:10:00:01');
    for (const source of ['2001:db8:1::a', '2001:db8:2::a']) {
      sh(`ping -6 -q -c 2 -i 0.01 -W 0.01 -I ${source} 2001:db8:9::1 || true`);
    }
    const counts = () => sources.activity().sort((a, b) => b.sent - a.sent);
    // On a busy machine the kernel takes packets in after ping has gone.
    await until('the last is counted', () => counts()[0]!.sent >= 4);
    assert.deepEqual(counts(), [
      { mac: far, sent: 4, received: 0 },
      { mac: other, sent: 0, received: 0 },
    ]);
    unloadTable('a-1');
    sh('ip -6 address flush dev far scope global; ip -6 route flush dev far; ip -6 neigh flush dev far');
  });
});

test('malformed netlink messages end the parse, they do not throw', () => {
  const message = new Uint8Array(24);
  const view = new DataView(message.buffer);
  view.setUint32(0, 24, true);
  view.setUint16(16, 8, true);
  view.setUint16(18, 3, true);
  assert.equal(parseMessages(message).length, 1);
  assert.equal(parseAttributes(message.subarray(16)).size, 1);
  for (const length of [0, 15, 25, 0xffff_ffff]) {
    view.setUint32(0, length, true);
    assert.deepEqual(parseMessages(message), []);
  }
  for (const length of [0, 3, 9, 0xffff]) {
    view.setUint16(16, length, true);
    assert.equal(parseAttributes(message.subarray(16)).size, 0);
  }
});
