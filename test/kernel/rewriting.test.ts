/**
 * Kernels as hosts and as the core between two data planes that rewrite for each other: what one host sends with
 * checksums of its own, the other must take, though the core has no route but to locators.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { DataPlane, Port } from '../../bindings/dataplane.ts';
import { LINKTYPE_IPV6 } from '../../host/wire/capture.ts';
import { neutralLocator } from '../../host/wire/neutral.ts';
import { writePcapng } from '../../host/wire/pcapng.ts';
import { close, read, write } from '../../host/io/ffi.ts';
import { openTun } from '../../host/io/tun.ts';
import { OPTIONS, apply, put } from '../bindings/node/support.ts';
import { paired } from '../dataplane/engines.ts';
import { namespaced, sh, until } from '../io/support/namespace.ts';
import { hasTool, output } from '../support/tools.ts';

const CORE: Port = { side: 'core' };
const ACCESS: Port = { side: 'access', link: 0 };
const OCTETS = 1 << 20;

/** A host behind a MAAR; `block` is routed to the MAAR. */
interface Side {
  readonly host: string;
  readonly prefix: string;
  readonly address: string;
  readonly locator: string;
  readonly maar: string;
}

function side(host: string, prefix: string, block: string, maar: string): Side {
  return {
    host,
    prefix,
    address: prefix.replace('/64', '10'),
    locator: neutralLocator(block, prefix)!,
    maar,
  };
}

const LEFT = side('left', '2001:db8:1:1::/64', '2001:db8:fa::/48', '2001:db8:ff::1');
const RIGHT = side('right', '2001:db8:2:2::/64', '2001:db8:fb::/48', '2001:db8:ff::2');

function dataPlane(here: Side, there: Side): DataPlane {
  const plane = paired('maar', { ...OPTIONS, locator: here.maar });
  const statuses = apply(plane, [
    put({ kind: 'source', prefix: here.prefix, link: 0 }),
    put({ kind: 'deliver', prefix: here.prefix, link: 0, nextHop: here.address, mac: '02:00:00:00:00:10' }),
    put({ kind: 'rewrite', prefix: there.prefix, locator: there.locator }),
    put({ kind: 'rewrite', prefix: here.locator, locator: here.prefix, restore: true }),
  ]);
  assert.deepEqual(new Set(statuses), new Set(['ok']));
  return plane;
}

/** A TUN device of this process in a namespace of its own name or that of the core. */
function device(name: string, namespace: string, setup: string): number {
  const fd = openTun(name);
  sh(`ip link set ${name} netns ${namespace}`);
  const inside = `ip -n ${namespace}`;
  sh(`ip netns exec ${namespace} sysctl -qw net.ipv6.conf.${name}.accept_dad=0
    ${inside} link set lo up; ${inside} link set ${name} up; ${setup.replaceAll('ip ', `${inside} `)}`);
  return fd;
}

/** One MAAR: packets between its host's device and its device in the core. */
class Router {
  readonly plane: DataPlane;
  /** What it sent to the core. */
  readonly sent: Uint8Array[] = [];
  readonly #access: number;
  readonly #core: number;
  readonly #frame = new Uint8Array(65_536);

  constructor(here: Side, there: Side) {
    this.plane = dataPlane(here, there);
    sh(`ip netns add ${here.host}`);
    const routes = `ip address add ${here.address}/128 dev ${here.host}0 nodad; ip route add ${there.prefix} dev ${here.host}0`;
    this.#access = device(`${here.host}0`, here.host, routes);
    this.#core = device(`${here.host}1`, 'core', `ip route add ${here.locator} dev ${here.host}1`);
  }

  /** Takes what is there, and says whether that was anything. */
  step(): boolean {
    const some = this.#take(this.#access, ACCESS);
    return this.#take(this.#core, CORE) || some;
  }

  #take(fd: number, port: Port): boolean {
    const length = read(fd, this.#frame, 'read');
    if (length === undefined) return false;
    const data = this.#frame.slice(0, length);
    for (const out of this.plane.process([{ data, port }], Math.trunc(performance.now()))) {
      if (out.verdict.action === 'deliver') write(this.#access, out.data, 'write');
      if (out.verdict.action !== 'core') continue;
      this.sent.push(out.data);
      write(this.#core, out.data, 'write');
    }
    return true;
  }

  close(): void {
    close(this.#access);
    close(this.#core);
  }
}

const RECEIVE = `
import hashlib, socket, sys
kind = socket.SOCK_STREAM if sys.argv[1] == "tcp" else socket.SOCK_DGRAM
server = socket.socket(socket.AF_INET6, kind)
server.bind((sys.argv[2], 7))
digest = hashlib.sha256()
if kind == socket.SOCK_STREAM:
    server.listen()
    print("ready", flush=True)
    connection, _ = server.accept()
    while part := connection.recv(65536):
        digest.update(part)
else:
    server.settimeout(20)
    print("ready", flush=True)
    for length in (1, 8, 1452, 3000):
        part, sender = server.recvfrom(65536)
        server.sendto(part, sender)
        digest.update(part)
print(digest.hexdigest())
`;

const SEND = `
import hashlib, random, socket, sys
data = random.Random(1).randbytes(${OCTETS})
digest = hashlib.sha256()
if sys.argv[1] == "tcp":
    client = socket.create_connection((sys.argv[2], 7), timeout=20)
    client.sendall(data)
    client.close()
    digest.update(data)
else:
    client = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    client.settimeout(20)
    client.connect((sys.argv[2], 7))
    for length in (1, 8, 1452, 3000):
        client.send(data[:length])
        assert client.recv(65536) == data[:length]
        digest.update(data[:length])
print(digest.hexdigest())
`;

namespaced(import.meta.url, () => {
  let routers: Router[] = [];
  let running = true;

  before(() => {
    sh('ip netns add core; ip netns exec core sysctl -qw net.ipv6.conf.all.forwarding=1');
    routers = [new Router(LEFT, RIGHT), new Router(RIGHT, LEFT)];
    const pump = (): void => {
      if (!running) return;
      let some = false;
      for (const router of routers) some = router.step() || some;
      setTimeout(pump, some ? 0 : 1);
    };
    pump();
  });
  after(() => {
    running = false;
    for (const router of routers) router.close();
  });

  /** Runs a script in a host's namespace; resolves to what it printed, or rejects with what it complained of. */
  function run(host: string, script: string, args: readonly string[], ready?: () => void): Promise<string> {
    const child = spawn('ip', ['netns', 'exec', host, 'python3', '-c', script, ...args]);
    let printed = '';
    let complaint = '';
    child.stdout.on('data', (data: Buffer) => {
      printed += data.toString();
      if (printed === 'ready\n') ready?.();
    });
    child.stderr.on('data', (data: Buffer) => (complaint += data.toString()));
    return new Promise((resolve, reject) => {
      child.on('close', (code) => (code === 0 ? resolve(printed.trim()) : reject(new Error(complaint))));
    });
  }

  for (const protocol of ['udp', 'tcp']) {
    test(`${protocol} from kernel to kernel: every octet arrives`, async () => {
      let sent: Promise<string> = Promise.resolve('');
      const received = await run(RIGHT.host, RECEIVE, [protocol, RIGHT.address], () => {
        sent = run(LEFT.host, SEND, [protocol, RIGHT.address]);
      });
      assert.equal(received, `ready\n${await sent}`);
      for (const { host } of [LEFT, RIGHT]) {
        const counts = sh(`ip netns exec ${host} sh -c 'cat /proc/net/snmp6; grep ^Tcp: /proc/net/snmp'`);
        assert.match(counts, /^Udp6InCsumErrors\s+0$/m);
        const [names, values] = counts
          .split('\n')
          .filter((line) => line.startsWith('Tcp:'))
          .map((line) => line.split(' '));
        assert.equal(values![names!.indexOf('InCsumErrors')], '0');
      }
    });
  }

  test('every packet went through the core under a locator, at full size', async () => {
    // The kernels still close their connection when its ends have gone.
    await until('all that was sent is restored', () =>
      routers.every(({ plane }, index) => plane.counters().restored === routers[1 - index]!.sent.length),
    );
    for (const [index, { plane, sent }] of routers.entries()) {
      const { rewritten, restored, delivered, tunnelled } = plane.counters();
      assert.ok(rewritten! > 0 && rewritten === sent.length && delivered === restored && tunnelled === 0);
      assert.equal(restored, routers[1 - index]!.sent.length);
    }
    const longest = Math.max(...routers[0]!.sent.map(({ length }) => length));
    assert.equal(longest, OPTIONS.coreMtu);
  });

  test('tshark finds the checksums of what is in flight right', (t) => {
    if (!hasTool(t, 'tshark')) return;
    const folder = mkdtempSync(join(tmpdir(), 'maar-rewriting-'));
    try {
      const path = join(folder, 'core.pcapng');
      const packets = routers.flatMap(({ sent }) =>
        sent.map((data) => ({ interface: 0, time: 0n, data, length: data.length })),
      );
      const interfaces = [{ linkType: LINKTYPE_IPV6, snapLength: 0, name: 'core' }];
      writeFileSync(path, writePcapng({ interfaces, packets }));
      const checks = ['-o', 'udp.check_checksum:TRUE', '-o', 'tcp.check_checksum:TRUE'];
      const count = (filter: string): number =>
        output('tshark', ['-r', path, ...checks, '-Y', filter]).split('\n').length - 1;
      assert.equal(count('udp.checksum.status == 0 || tcp.checksum.status == 0'), 0);
      assert.ok(count('tcp.checksum.status == 1') > OCTETS / OPTIONS.coreMtu);
      assert.ok(count('udp.checksum.status == 1') >= 8);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
