import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import {
  chownSync,
  copyFileSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { Socket, createConnection, createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { connect } from 'node:tls';
import type { ConnectionOptions } from 'node:tls';
import type { Address, Command } from '../../bindings/entries.ts';
import { COUNTER_SLOTS } from '../../bindings/generated/abi.ts';
import { HEADER_SIZE, QUEUE_MAX, SILENCE_MILLIS, STATUS_SIZE } from '../../bindings/generated/cpdp.ts';
import { apply, greeting, ping, statusRequest } from '../../bindings/node/cpdp.ts';
import type { AgentStatus } from '../../bindings/node/cpdp.ts';
import { AgentClient } from '../../host/io/agent/client.ts';
import { Authority } from '../../host/lab/certificates.ts';
import type { Certificate } from '../../host/lab/certificates.ts';
import { missing } from '../support/tools.ts';
import type { Programs } from './support/agent.ts';
import { Agent, buildPrograms, compile } from './support/agent.ts';
import { MAAR, PEER } from './support/bench.ts';
import { namespaced, sh, until } from './support/namespace.ts';
import { Talk } from './support/talk.ts';

const PORT = 7077;
const NOBODY = 65_534;
const PREFIX = '2001:db8:dead::/48';
const BEHIND_THE_PEER = '2001:db8:dead::1';
const ENTRY: Command = { op: 'put', entry: { kind: 'tunnel', prefix: PREFIX, locator: PEER } };
/** What the agent may take for connections that have not greeted. */
const GROWTH_MAX_KB = 2048;

/**
 * Their answers are one and a half times what may wait, and what the kernel keeps for a Unix socket (net.core.wmem_default,
 * of which frames take a part); the questions fit into one read.
 */
const QUESTIONS = Math.round((1.5 * QUEUE_MAX + 150_000) / (HEADER_SIZE + STATUS_SIZE + 8 * COUNTER_SLOTS));
const [LOST, FORWARDED] = [40, 25];
const STRANGER = '2001:db8:0:66::1';
/** Some 500 connections a second; speaks up after the first second. */
const FLOOD = `
import socket, time
held = []
while True:
    s = socket.socket(socket.AF_INET6); s.setblocking(False); s.bind(('${STRANGER}', 0))
    s.connect_ex(('${MAAR}', ${PORT}))
    held = held[-800:] + [s]
    if len(held) == 500: print('begun', flush=True)
    time.sleep(0.002)`;
/** For how long entries outlive control, where they end: longer than control takes to come back on a busy machine. */
const LIFETIME_MS = 2000;
const none = (): void => undefined;

const programs = await buildPrograms();

/** A certificate of the authority in `directory` whose time is over, for the key of another: of an agent, or of control. */
function expire(directory: string, { key }: Certificate, address?: Address): Certificate {
  const file = (name: string): string => join(directory, name);
  writeFileSync(file('index'), '');
  writeFileSync(
    file('ca.conf'),
    `[ca]\ndefault_ca = own\n[own]\ndatabase = ${file('index')}\nnew_certs_dir = ${directory}\nrand_serial = yes
policy = any\ndefault_md = sha256\nx509_extensions = leaf\n[any]\ncommonName = supplied
[leaf]\nbasicConstraints = CA:FALSE\n${address === undefined ? 'extendedKeyUsage = clientAuth' : `subjectAltName = IP:${address}`}\n`,
  );
  const openssl = (...args: string[]): Buffer => execFileSync('openssl', args, { stdio: 'pipe' });
  openssl('req', '-new', '-key', key, '-subj', '/CN=expired', '-out', file('expired.csr'));
  const signer = ['-cert', file('authority.pem'), '-keyfile', file('authority.key')];
  const time = ['-startdate', '20260101000000Z', '-enddate', '20260102000000Z'];
  const files = ['-in', file('expired.csr'), '-out', file('expired.pem')];
  openssl('ca', '-batch', '-config', file('ca.conf'), ...signer, ...time, ...files);
  return { certificate: file('expired.pem'), key };
}

/** The first octets of a handshake, as Node sends them. */
function clientHello(): Promise<Buffer> {
  return new Promise((resolve) => {
    const server = createServer((socket) =>
      socket.once('data', (octets) => {
        socket.destroy();
        server.close();
        resolve(octets);
      }),
    );
    server.listen(0, '::1', () => {
      const { port } = server.address() as AddressInfo;
      connect({ host: '::1', port }).on('error', () => undefined);
    });
  });
}

/** Sends Mobility Header messages to the agent: each comes as one `packet-in`. */
function signal(count: number): void {
  const program = `
import socket
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, 135)
for _ in range(${count}): s.sendto(bytes([59, 0, 0, 0, 0, 0, 0, 0]), ('${MAAR}', 0))`;
  execFileSync('python3', ['-c', program]);
}

/** Sends packets through the agent. */
async function forward(count: number): Promise<void> {
  const socket = createSocket('udp6');
  for (let sent = 0; sent < count; sent++) {
    await new Promise<void>((resolve, reject) =>
      socket.send('x', 9, BEHIND_THE_PEER, (error) => (error === null ? resolve() : reject(error))),
    );
  }
  socket.close();
}

namespaced(import.meta.url, () => {
  if ('obstacle' in programs) {
    test('control of the native agent', (t) => missing(t, programs.obstacle));
    return;
  }
  const directory = mkdtempSync(join(tmpdir(), 'maar-control-'));
  const authority = new Authority(directory);
  const router = authority.agent('router', MAAR);
  const control = authority.control('control');
  let module: string;
  let agent: Agent;

  async function start(...listen: string[]): Promise<void> {
    const common = ['--module', module, '--locator', MAAR, '--pool', '2001:db8:11::/48', '--user', 'nobody'];
    agent = new Agent(programs as Programs, 'control', [...common, ...listen]);
    await agent.startMillis;
  }
  async function stop(): Promise<void> {
    agent.kill();
    await until('the agent has ended', () => agent.ended());
  }
  const startTls = (): Promise<void> => {
    const files = ['--certificate', router.certificate, '--key', router.key];
    return start('--control', `tls:[${MAAR}]:${PORT}`, ...files, '--authority', authority.certificate);
  };
  function dial({ certificate, key }: Partial<Certificate>, options: ConnectionOptions = {}): Talk {
    const own = { cert: certificate && readFileSync(certificate), key: key && readFileSync(key) };
    const ca = readFileSync(authority.certificate);
    return new Talk(connect({ host: MAAR, port: PORT, ca, ...own, ...options }));
  }
  /** The agent takes a moment to see that the last control is gone. */
  async function greeted(open: () => Talk, lifetime = 0): Promise<Talk> {
    let talk = open();
    await until('the agent takes control', async () => {
      const heard = await talk
        .say(greeting(lifetime))
        .hear('hello')
        .catch(() => undefined);
      if (heard === undefined) talk = open();
      return heard !== undefined;
    });
    return talk;
  }
  const gone = (): Promise<void> =>
    until('the agent sees that control has gone', () => /control at .* is gone.*\n$/.test(agent.log));
  async function status(talk: Talk): Promise<AgentStatus> {
    talk.messages.length = 0;
    return (await talk.say(statusRequest(1n)).hear('status')).status;
  }
  /** That control gets in, packets are forwarded, and nothing was lost. */
  async function works(open: () => Talk): Promise<AgentStatus> {
    const talk = await greeted(open);
    const { generation } = (await talk.hear('hello')).hello;
    talk.say(apply(generation + 1n, [ENTRY], 0));
    assert.deepEqual((await talk.hear('applied')).statuses, ['ok']);
    const before = (await status(talk)).counters['tunnelled']!;
    await forward(5);
    let now = await status(talk);
    await until('all are counted', async () => {
      now = await status(talk);
      return now.counters['tunnelled']! >= before + 5;
    });
    assert.equal(now.counters['tunnelled'], before + 5);
    await talk.close();
    return now;
  }

  before(() => {
    module = compile(programs, 'maar');
    sh(`
      ip link add core0 type veth peer name core1; ip link set core1 up; ip link set core0 up; ip addr add ${MAAR}/64 dev core0 nodad
      ip -6 route add default dev core0; sysctl -qw net.ipv6.conf.all.forwarding=1
    `);
    for (const name of readdirSync(directory)) chownSync(join(directory, name), NOBODY, NOBODY);
    chownSync(directory, NOBODY, NOBODY);
  });
  after(() => {
    agent.kill();
    rmSync(directory, { recursive: true });
  });

  test('on plain TCP, control drives the agent as through a Unix socket', async () => {
    await start('--control', `tcp:[${MAAR}]:${PORT}`);
    await works(() => new Talk(createConnection({ host: MAAR, port: PORT })));
    await stop();
  });

  test('by TLS 1.3 with a certificate of the authority on either side', async () => {
    await startTls();
    await works(() => dial(control));
    assert.match(agent.log, /control has come from \[2001:db8:0:1::1\]/);
  });

  test('who has no right certificate is refused, and the log says why', async () => {
    const other = new Authority(directory, 'other');
    const stranger = other.control('stranger');
    const expired = expire(directory, control);
    const cases: readonly [log: RegExp, certificate: Partial<Certificate>, options?: ConnectionOptions][] = [
      [/peer sent no certificates/, {}],
      [/invalid peer certificate: UnknownIssuer/, stranger],
      [/invalid peer certificate: certificate expired/, expired],
      // Who holds the key of one router is not control of the others.
      [/invalid peer certificate: certificate does not allow extended key usage for client/, router],
      [/peer is incompatible: SupportedVersionsExtensionRequired/, control, { maxVersion: 'TLSv1.2' }],
    ];
    for (const [log, certificate, options] of cases) {
      const talk = dial(certificate, options).say(greeting());
      const reason = await talk.ended;
      assert.match(reason, /alert/, String(log));
      assert.deepEqual(talk.messages, [], String(log));
      await until(`${log} in the log`, () => log.test(agent.log)).catch((error: unknown) => {
        throw new Error(agent.log, { cause: error });
      });
      // Lines about refused connections are a second apart.
      await new Promise((resolve) => setTimeout(resolve, 1000));
    }
    await works(() => dial(control));
  });

  test('certificates that were renewed are shown to the next connection; broken ones are not', async () => {
    const serial = async (): Promise<string> => {
      const socket = connect({ host: MAAR, port: PORT, ca: readFileSync(authority.certificate) });
      await new Promise((resolve) => socket.once('secureConnect', resolve));
      const { serialNumber } = socket.getPeerCertificate();
      socket.on('error', () => undefined).destroy();
      return serialNumber;
    };
    const first = await serial();
    const renewed = authority.agent('renewed', MAAR);
    chownSync(renewed.key, NOBODY, NOBODY);
    // Between the two, certificate and key do not belong together.
    renameSync(renewed.certificate, router.certificate);
    assert.equal(await serial(), first);
    await until('the log says why', () =>
      /certificates stay as they were: .*router\.pem: .*key/i.test(agent.log),
    );
    renameSync(renewed.key, router.key);
    assert.notEqual(await serial(), first);
    await works(() => dial(control));
  });

  test('control refuses an agent that shows no right certificate, and says why', async () => {
    const files = { ...control, authority: authority.certificate };
    const ignore = { events: none, packet: none, frame: none, presence: none, closed: none };
    const connected = async (shown: Certificate): Promise<string> => {
      copyFileSync(shown.certificate, router.certificate);
      copyFileSync(shown.key, router.key);
      chownSync(router.key, NOBODY, NOBODY);
      const connecting = AgentClient.connect({ kind: 'tls', host: MAAR, port: PORT, ...files }, ignore);
      const client = await connecting.catch((error: unknown) => (error as Error).message);
      if (typeof client === 'string') return client;
      await client.close();
      return 'connected';
    };
    const good = authority.agent('good', MAAR);
    assert.equal(await connected(good), 'connected');
    const elsewhere = authority.agent('elsewhere', '2001:db8:0:9::1');
    assert.match(await connected(elsewhere), /^tls:\[2001:db8:0:1::1\]:7077: .*does not match.* altnames/);
    assert.match(
      await connected(new Authority(directory, 'third').agent('imposter', MAAR)),
      /unable to verify/,
    );
    // Who may be control is no router for that.
    assert.match(await connected(control), /unsuitable certificate purpose/);
    assert.match(await connected(expire(directory, good, MAAR)), /certificate has expired/);
    assert.equal(await connected(good), 'connected');
  });

  test('connections that say nothing, or half of something, keep nobody out and cost little', async () => {
    const hello = await clientHello();
    const resident = Number.parseInt(agent.status('VmRSS'), 10);
    const begun = performance.now();
    const silent = Array.from({ length: 40 }, (_, index) => {
      const talk = new Talk(createConnection({ host: MAAR, port: PORT }));
      return index % 2 === 0 ? talk : talk.say(hello.subarray(0, hello.length - (index % 3)));
    });
    await works(() => dial(control));
    await Promise.all(silent.map((talk) => talk.ended));
    const millis = performance.now() - begun;
    assert.ok(millis < 3 * SILENCE_MILLIS, `the last one was closed after ${millis} ms`);
    const grown = Number.parseInt(agent.status('VmRSS'), 10) - resident;
    assert.ok(grown < GROWTH_MAX_KB, `${grown} kB more`);
  });

  test('who connects without end from another network keeps nobody out', async () => {
    sh(`ip addr add ${STRANGER}/128 dev core0 nodad`);
    const start = performance.now();
    await works(() => dial(control));
    const calm = performance.now() - start;
    // Each stays open: what a flood takes is the agent's patience, not its own ports.
    const flood = spawn('python3', ['-c', FLOOD], { stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      await once(flood.stdout, 'data');
      const begun = performance.now();
      await works(() => dial(control));
      const millis = performance.now() - begun;
      assert.ok(millis < calm + SILENCE_MILLIS / 2, `control is in after ${millis} ms, before after ${calm}`);
      assert.equal(flood.exitCode, null);
    } finally {
      flood.kill();
    }
  });

  test('garbage ends the connection, and the log stays short', async () => {
    const lines = agent.log.split('\n').length;
    const begun = performance.now();
    const starts = [Buffer.from('GET / HTTP/1.1\r\n\r\n'), greeting(), Buffer.of(22, 3, 1, 255, 255)];
    for (let index = 0; index < 60; index++) {
      const start = starts[index % (starts.length + 1)] ?? Buffer.alloc(0);
      await new Talk(createConnection({ host: MAAR, port: PORT })).say(start, randomBytes(40_000)).ended;
    }
    const allowed = (performance.now() - begun) / 1000 + 2;
    await works(() => dial(control));
    assert.ok(agent.log.split('\n').length - lines < allowed + 3, agent.log);
  });

  test('a connection that is cut in the middle of a batch has no effect', async () => {
    const talk = await greeted(() => dial(control));
    const { generation } = (await talk.hear('hello')).hello;
    const batch = apply(generation + 1n, [ENTRY, { op: 'delete', kind: 'destination', prefix: PREFIX }], 0);
    talk.say(statusRequest(1n), batch.subarray(0, -1));
    await talk.hear('status');
    await talk.close();
    const next = await greeted(() => dial(control));
    assert.equal((await next.hear('hello')).hello.generation, generation);
    assert.equal((await status(next)).entries, 1);
    await next.close();
  });

  test('entries outlive control for as long as it has promised, and no longer', async () => {
    await works(() => dial(control));
    const lasting = await greeted(() => dial(control), LIFETIME_MS);
    const { boot, generation } = (await lasting.hear('hello')).hello;
    await lasting.close();
    // Back in time: nothing has ended, and with the connection the time stands still.
    const back = await greeted(() => dial(control), LIFETIME_MS);
    await new Promise((resolve) => setTimeout(resolve, LIFETIME_MS / 2));
    // Who says nothing for too long is closed.
    await status(back);
    await new Promise((resolve) => setTimeout(resolve, LIFETIME_MS / 2 + 200));
    const standing = await status(back);
    assert.deepEqual([standing.entries, standing.generation], [1, generation]);
    const left = performance.now();
    await back.close();
    await until('the entries end', () => agent.log.includes('control stays away: 1 entries end'));
    assert.ok(performance.now() - left >= LIFETIME_MS, 'the time runs from when control has gone');
    const late = await greeted(() => dial(control));
    const { hello } = await late.hear('hello');
    assert.notEqual(hello.boot, boot);
    assert.equal(hello.generation, 0n);
    assert.equal((await status(late)).entries, 0);
    assert.equal(sh(`ip -6 route show ${PREFIX}`), '');
    await late.close();
  });

  test('with lifetime 0, entries stay until control is back', async () => {
    await works(() => dial(control));
    await new Promise((resolve) => setTimeout(resolve, 500));
    const back = await greeted(() => dial(control));
    assert.equal((await status(back)).entries, 1);
    await back.close();
    await stop();
  });

  test('control that does not read loses what waits too long, to the message; forwarding goes on', async () => {
    await start('--control', `unix:${agent.control}`);
    const open = (): Talk => new Talk(createConnection(agent.control));
    await works(open);
    // Paused before it is connected, a socket takes nothing out of the kernel.
    const socket = new Socket();
    socket.pause();
    const slow = new Talk(socket);
    await gone();
    // Once another one has its answer, the agent has dealt with all that came before.
    const turned = (): Promise<unknown> => open().say(ping(0n)).hear('fault');
    socket.connect(agent.control);
    slow.say(greeting(), ...Array.from({ length: QUESTIONS }, () => statusRequest(1n)));
    await turned();
    signal(LOST);
    // Who says nothing for too long is closed, and Python takes its time to start.
    slow.say(ping(0n));
    await turned();
    await forward(FORWARDED);
    await turned();
    socket.resume();
    await until(
      'all answers',
      () => slow.messages.filter(({ kind }) => kind === 'status').length === QUESTIONS,
    );
    assert.equal(
      slow.messages.some(({ kind }) => kind === 'packet-in'),
      false,
    );
    const before = slow.messages.findLast((message) => message.kind === 'status')!;
    slow.say(ping(0n));
    signal(1);
    assert.equal((await slow.hear('packet-in')).lost, BigInt(LOST));
    const now = await status(slow);
    assert.equal(now.counters['tunnelled'], before.status.counters['tunnelled']! + FORWARDED);
    await slow.close();
  });

  test('control that asks for ever and never reads is closed', async () => {
    const resident = Number.parseInt(agent.status('VmRSS'), 10);
    const socket = new Socket();
    socket.pause();
    const greedy = new Talk(socket);
    await gone();
    socket.connect(agent.control);
    greedy.say(greeting(), ...Array.from({ length: 4 * QUESTIONS }, () => statusRequest(1n)));
    await until('its end', () => agent.log.includes('leaves its answers unread'));
    const grown = Number.parseInt(agent.status('VmRSS'), 10) - resident;
    assert.ok(grown < GROWTH_MAX_KB, `${grown} kB more`);
    await greedy.close();
    await works(() => new Talk(createConnection(agent.control)));
  });
});
