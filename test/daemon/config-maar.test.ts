import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { DEFAULT_TIMERS } from '../../host/core/config.ts';
import { loadConfig } from '../../host/daemon/config/load.ts';
import {
  agentConfig,
  controlConfig,
  leaseFile,
  linuxConfig,
  maarSchema,
} from '../../host/daemon/config/maar.ts';
import { defaultScheme, register } from '../../host/schemes/registry.ts';
import type { Scheme } from '../../host/schemes/scheme.ts';

const directory = mkdtempSync(join(tmpdir(), 'maar-config-'));
after(() => rmSync(directory, { recursive: true }));

const GOOD = `
name = "a1"
address = "2001:DB8:0:1::1"
mnRealm = "mn.example.org"
[core]
interface = "eth0"
[[access]]
interface = "br-lan"
linkLocal = "fe80::1"
mac = "02-00-5E-10-00-00"
[pool]
prefix = "2001:db8:11::/48"
[[peer]]
name = "a2"
address = "2001:db8:0:2::1"
prefixes = ["2001:db8:12::/48"]
[aaa]
originHost = "a1.example.org"
originRealm = "example.org"
destinationRealm = "example.org"
[[aaa.server]]
name = "aaa.example.org"
address = "2001:db8::aaa"
`;

function load(text: string): ReturnType<typeof loadConfig<typeof maarSchema>> {
  const file = join(directory, 'maar.toml');
  writeFileSync(file, text);
  return loadConfig(file, maarSchema);
}

/** Keys at fault and what is said of them. */
function faults(text: string): Record<string, string> {
  const loaded = load(text);
  assert.ok(!loaded.ok, 'no fault was found');
  return Object.fromEntries(loaded.faults.map(({ key, remedy }) => [key, remedy]));
}

test('a short file is completed with defaults and put into canonical form', () => {
  const loaded = load(GOOD);
  assert.ok(loaded.ok, JSON.stringify(loaded));
  const linux = linuxConfig(loaded.value);
  assert.deepEqual(linux, {
    name: 'a1',
    address: '2001:db8:0:1::1',
    stateDirectory: '/var/lib/maar/a1',
    coreInterface: 'eth0',
    coreMtu: 1500,
    clampMss: false,
    dataPlane: { engine: 'node' },
    access: [{ link: 0, interface: 'br-lan', linkLocal: 'fe80::1', mac: '02:00:5e:10:00:00' }],
    pool: '2001:db8:11::/48',
    activity: false,
  });
  const control = controlConfig(loaded.value);
  assert.deepEqual(control.scheme, { name: defaultScheme, options: {} });
  assert.deepEqual(control.links, [{ id: 0, linkLocal: 'fe80::1', mac: '02:00:5e:10:00:00', mtu: 1500 }]);
  assert.deepEqual(control.aaa.servers, [{ name: 'aaa.example.org', host: '2001:db8::aaa', port: 3868 }]);
  assert.deepEqual(control.timers, DEFAULT_TIMERS);
  assert.equal(control.encapsulationLimit, undefined);
  assert.equal(control.timers.probe, 50);
  assert.equal(control.timers.timestampWindow, 10_000);
});

test('every fault of an empty file is listed', () => {
  const keys = Object.keys(faults(''));
  for (const key of ['name', 'address', 'mnRealm', 'core', 'access', 'pool', 'aaa'])
    assert.ok(keys.includes(key), key);
});

const wrong: [what: string, change: (text: string) => string, key: string, remedy: RegExp][] = [
  ['an unknown key', (text) => text.replace('[core]', '[core]\nspeed = 1'), 'core.speed', /no key/],
  ['an unknown table', (text) => `${text}\n[radio]\nx = 1`, 'radio', /no key/],
  ['a link-local core address', (text) => text.replace('2001:DB8:0:1::1', 'fe80::5'), 'address', /global/],
  ['an address that is none', (text) => text.replace('2001:DB8:0:1::1', '192.0.2.1'), 'address', /IPv6/],
  [
    'a pool with host bits',
    (text) => text.replace('2001:db8:11::/48', '2001:db8:11::1/48'),
    'pool.prefix',
    /host bits/,
  ],
  [
    'a pool smaller than a /64',
    (text) => text.replace('2001:db8:11::/48', '2001:db8:11::/80'),
    'pool.prefix',
    /\/64/,
  ],
  [
    'a pool with our address',
    (text) => text.replace('2001:db8:11::/48', '2001:db8:0:1::/64'),
    'pool.prefix',
    /own address/,
  ],
  [
    'overlapping pools',
    (text) => text.replace('2001:db8:12::/48', '2001:db8:11:5::/64'),
    'peer[0].prefixes[0]',
    /overlap/,
  ],
  [
    'a peer with our address',
    (text) => text.replace('2001:db8:0:2::1', '2001:db8:0:1::1'),
    'peer[0].address',
    /same/,
  ],
  ['a peer with our name', (text) => text.replace('name = "a2"', 'name = "a1"'), 'peer[0].name', /same/],
  ['one interface twice', (text) => text.replace('br-lan', 'eth0'), 'access[0].interface', /same/],
  ['a quote in a name', (text) => text.replace('"br-lan"', `'br"lan'`), 'access[0].interface', /15/],
  ['a group MAC', (text) => text.replace('02-00', '03-00'), 'access[0].mac', /unicast/],
  [
    'a router address that is global',
    (text) => text.replace('"fe80::1"', '"2001:db8::1"'),
    'access[0].linkLocal',
    /link-local/,
  ],
  [
    'a scheme that does not exist',
    (text) => `${text}\n[scheme]\nname = "x"`,
    'scheme.name',
    new RegExp(defaultScheme),
  ],
  [
    'a scheme option that it does not have',
    (text) => `${text}\n[scheme]\noptions = { nope = 1 }`,
    'scheme.options.nope',
    /./,
  ],
  [
    'preferred longer than valid',
    (text) => text.replace('[pool]', '[pool]\npreferredSeconds = 9999'),
    'pool.preferredSeconds',
    /longer/,
  ],
  ['an MTU below the minimum', (text) => text.replace('[core]', '[core]\nmtu = 1279'), 'core.mtu', /1280/],
  [
    'a data plane that does not exist',
    (text) => `${text}\n[dataplane]\nengine = "moon"`,
    'dataplane.engine',
    /"node" or "wasmtime-cli"/,
  ],
  [
    'a program for a data plane that needs none',
    (text) => `${text}\n[dataplane]\nengine = "node"\nwasmtime = "/bin/wasmtime"`,
    'dataplane.wasmtime',
    /no key/,
  ],
  [
    'an encapsulation limit that does not exist',
    (text) => `${text}\n[tunnel]\nencapsulationLimit = 255`,
    'tunnel.encapsulationLimit',
    /0 to 254/,
  ],
  [
    'a time of silence that is shorter than pauses',
    (text) => `${text}\n[buffer]\nsilence = 39`,
    'buffer.silence',
    /must be 0.*at least 40 milliseconds/,
  ],
  [
    'a retransmission that starts past its end',
    (text) => `${text}\n[timers]\nretransmit = 40000`,
    'timers.retransmit',
    /longer/,
  ],
  [
    'a probe as long as the first retransmission',
    (text) => `${text}\n[timers]\nprobe = 1000`,
    'timers.probe',
    /shorter than retransmit \(1000 ms\)/,
  ],
];
test('the program of a data plane under wasmtime is found in PATH unless it is named', () => {
  for (const [more, wasmtime] of [
    ['', 'wasmtime'],
    ['wasmtime = "/opt/wasmtime"', '/opt/wasmtime'],
  ] as const) {
    const loaded = load(`${GOOD}\n[dataplane]\nengine = "wasmtime-cli"\n${more}`);
    assert.ok(loaded.ok, JSON.stringify(loaded));
    assert.deepEqual(linuxConfig(loaded.value).dataPlane, { engine: 'wasmtime-cli', wasmtime });
  }
});

for (const silence of [0, 40]) {
  test(`a time of silence of ${silence} ms is accepted`, () => {
    assert.ok(load(`${GOOD}\n[buffer]\nsilence = ${silence}`).ok);
  });
}

for (const [what, change, key, remedy] of wrong) {
  test(`${what} is a fault of ${key}`, () => {
    const found = faults(change(GOOD));
    assert.deepEqual(Object.keys(found), [key]);
    assert.match(found[key]!, remedy);
  });
}

/** The same MAAR with its router elsewhere. */
function split(agent: string): string {
  return GOOD.replace('interface = "eth0"', '').replace('interface = "br-lan"', '') + `[agent]\n${agent}\n`;
}
const TLS = 'connect = "tls:[2001:DB8:0:1::1]:7077"';

test('with an agent no interface is named, and entries live as long as a binding', () => {
  const loaded = load(split(`${TLS}\ncertificate = "c"\nkey = "k"\nauthority = "a"`));
  assert.ok(loaded.ok, JSON.stringify(loaded));
  const config = agentConfig(loaded.value);
  const files = { certificate: 'c', key: 'k', authority: 'a' };
  assert.deepEqual(config?.agent, { kind: 'tls', host: '2001:db8:0:1::1', port: 7077, ...files });
  assert.deepEqual(config.access, [{ link: 0, linkLocal: 'fe80::1', mac: '02:00:5e:10:00:00' }]);
  assert.deepEqual([config.lifetime, config.settle], [DEFAULT_TIMERS.bindingSeconds * 1000, 20_000]);
  const local = load(split('connect = "unix:/run/maar-dp.sock"\nsettle = 0'));
  assert.ok(local.ok, JSON.stringify(local));
  assert.deepEqual(agentConfig(local.value)?.agent, { kind: 'unix', path: '/run/maar-dp.sock' });
});

const agentFaults: [name: string, agent: string, key: string, remedy: RegExp][] = [
  ['no place', '', 'agent.connect', /where the agent listens/],
  ['a place of another kind', 'connect = "udp:[::1]:1"', 'agent.connect', /where the agent listens/],
  ['no port', 'connect = "tcp:[::1]:0"', 'agent.connect', /where the agent listens/],
  ['TLS without a key', `${TLS}\ncertificate = "c"\nauthority = "a"`, 'agent.key', /for "tls:"/],
  ['files for a socket', 'connect = "unix:s"\nkey = "k"', 'agent.key', /remove it/],
  ['a negative time', 'connect = "unix:s"\nsettle = -1', 'agent.settle', /milliseconds/],
];
for (const [name, agent, key, remedy] of agentFaults) {
  test(`an agent with ${name} is a fault`, () => assert.match(faults(split(agent))[key] ?? '', remedy));
}

test('names of interfaces belong to the one who has them', () => {
  const both = faults(`${GOOD}[agent]\nconnect = "unix:s"\n`);
  for (const key of ['core.interface', 'access[0].interface']) assert.match(both[key] ?? '', /remove it/);
  const neither = faults(split('').replace('[agent]', ''));
  for (const key of ['core.interface', 'access[0].interface']) assert.match(neither[key] ?? '', /name of an/);
});

const KEY = '000102030405060708090a0b0c0d0e0f';
const WITH_SERVERS = `${GOOD.replace('prefixes = ["2001:db8:12::/48"]', `prefixes = ["2001:db8:12::/48"]\nkey = "${KEY}"`)}
[lm]
untoldSeconds = 20
[[lm.server]]
address = "2001:db8::53"
key = "${KEY}"
spi = 300
[[lm.server]]
name = "second"
address = "2001:db8::54"
ipsec = true
`;

test('[lm] names servers in their order, and the peers with their keys', () => {
  const loaded = load(WITH_SERVERS);
  assert.ok(loaded.ok, JSON.stringify(loaded));
  const { lm, peers } = controlConfig(loaded.value);
  assert.deepEqual(
    lm?.servers.map(({ name, address, key }) => [name, address, key?.spi]),
    [
      ['2001:db8::53', '2001:db8::53', 300],
      ['second', '2001:db8::54', undefined],
    ],
  );
  assert.deepEqual(
    lm.maars.map(({ name, address, key }) => [name, address, key?.spi]),
    [['a2', '2001:db8:0:2::1', 256]],
  );
  assert.equal(lm.servers[0]?.key?.hmac(Uint8Array.of(1)).length, 32);
  assert.deepEqual([lm.untoldFor, lm.absentFor, lm.subscription], [20_000, 5_000, 300]);
  assert.deepEqual(Object.keys(peers[0] ?? {}), ['name', 'address', 'prefixes']);
});

test('what is wrong with [lm] is said', () => {
  const without = faults(WITH_SERVERS.replace(`\nkey = "${KEY}"\n[aaa]`, '\n[aaa]'));
  assert.match(without['peer[0].key'] ?? '', /ipsec/);
  assert.match(faults(WITH_SERVERS.replace('::54', '::53'))['lm.server[1].address'] ?? '', /another server/);
  assert.match(faults(WITH_SERVERS.replace(`key = "${KEY}"\nspi`, 'spi'))['lm.server[0].key'] ?? '', /ipsec/);
  assert.match(faults(`${GOOD}\n[lm]\nserver = []`)['lm.server'] ?? '', /one/);
});

test('a scheme that asks servers of location management needs [lm]', () => {
  const asking: Scheme = { name: 'asking', needs: ['lm'], check: () => [], create: () => ({}) };
  register(asking);
  const scheme = '[scheme]\nname = "asking"\n';
  assert.match(faults(`${GOOD}${scheme}`)['lm'] ?? '', /asking/);
  assert.ok(load(`${WITH_SERVERS}${scheme}`).ok);
});

const network = (name: string, rest: string): string => `[[pool.network]]\nname = "${name}"\n${rest}\n`;
const pool = (...networks: string[]): string =>
  GOOD.replace(/\[pool\]\n/, `[pool]\nstore = "memory"\n`) + networks.join('');

test('a network of the pool has the times of the pool unless it has its own', () => {
  const loaded = load(
    pool(
      network('staff', 'prefix = "2001:db8:11:8000::/49"\nvalidSeconds = 9000\nmnId = "*@x"'),
      network('all', 'prefix = "2001:db8:11::/49"'),
    ),
  );
  assert.ok(loaded.ok, JSON.stringify(loaded));
  const terms = { mode: 'stateless', preferredSeconds: 1_800 } as const;
  assert.deepEqual(controlConfig(loaded.value).pool.networks, [
    { ...terms, name: 'staff', prefix: '2001:db8:11:8000::/49', validSeconds: 9_000, mnId: '*@x' },
    { ...terms, name: 'all', prefix: '2001:db8:11::/49', validSeconds: 3_600, mnId: '*' },
  ]);
  assert.equal(leaseFile(loaded.value), undefined);
});

test('leases are kept in the state directory unless another file is named', () => {
  const file = (text: string): string | undefined => {
    const loaded = load(text);
    assert.ok(loaded.ok, JSON.stringify(loaded));
    return leaseFile(loaded.value);
  };
  assert.equal(file(GOOD), '/var/lib/maar/a1/leases.db');
  assert.equal(file(GOOD.replace('[pool]', '[pool]\nstore = "sqlite:/srv/l.db"')), '/srv/l.db');
});

for (const [what, text, key, remedy] of [
  ['no room', network('n', 'prefix = "2001:db8:11:1::/64"'), 'prefix', /\/63 or shorter/],
  ['a prefix outside the pool', network('n', 'prefix = "2001:db8:99::/49"'), 'prefix', /lie in the prefix/],
  [
    'times the wrong way',
    network('n', 'prefix = "2001:db8:11::/49"\nvalidSeconds = 9'),
    'preferredSeconds',
    /longer/,
  ],
  ['two stars', network('n', 'prefix = "2001:db8:11::/49"\nmnId = "*@*"'), 'mnId', /one "\*"/],
] as const) {
  test(`a network with ${what} is a fault`, () => {
    assert.match(faults(pool(text))[`pool.network[0].${key}`] ?? '', remedy);
  });
}

test('networks must not overlap, nor have one name', () => {
  const same = network('n', 'prefix = "2001:db8:11::/49"');
  const found = faults(pool(same, same));
  assert.match(found['pool.network[1].name'] ?? '', /another network/);
  assert.match(found['pool.network[1].prefix'] ?? '', /must not overlap/);
});
