import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { until } from '../../io/support/namespace.ts';
import { hasTool, missing, output } from '../../support/tools.ts';

/**
 * freeDiameter as a relay between a MAAR's AAA client and `maar aaa`, each in a network namespace of its own.
 * It decodes and forwards by its own dictionary, so that what passes it is Diameter to somebody else too.
 */
const EXTENSIONS = '/usr/lib/freeDiameter';
const MN = '020000000001@maar.example.org';
const STRANGER = 'aa0000000001@maar.example.org';
const here = (name: string): string => fileURLToPath(new URL(name, import.meta.url));

/** freeDiameter routes by realm: relay, MAAR and server are in different ones. dict_mip6i needs the two before it. */
const relayConfig = (folder: string): string => `
Identity = "relay.relay.example.org";
Realm = "relay.example.org";
Port = 3868;
SecPort = 0;
No_SCTP;
TwTimer = 6;
ListenOn = "fd00:a::2";
TLS_Cred = "${folder}/cert.pem", "${folder}/key.pem";
TLS_CA = "${folder}/cert.pem";
LoadExtension = "${EXTENSIONS}/dict_rfc5777.fdx";
LoadExtension = "${EXTENSIONS}/dict_nasreq.fdx";
LoadExtension = "${EXTENSIONS}/dict_mip6i.fdx";
LoadExtension = "${EXTENSIONS}/acl_wl.fdx" : "${folder}/acl.conf";
ConnectPeer = "aaa.example.org" { No_TLS; ConnectTo = "fd00:b::3"; Port = 3868; };
`;

const serverConfig = (folder: string): string => `
originHost = "aaa.example.org"
originRealm = "example.org"
database = "${folder}/registrations.db"
[[listen]]
address = "fd00:b::3"
[[peer]]
host = "relay.relay.example.org"
role = "relay"
[[peer]]
host = "maar1.maar.example.org"
role = "maar"
address = "fd00:a::1"
[[subscriber]]
mnId = "02:00:00:*@maar.example.org"
`;

class Bench {
  readonly folder = mkdtempSync(join(tmpdir(), 'maar-relay-'));
  readonly prefix = `maar${process.pid}`;
  readonly #children: ChildProcess[] = [];

  /** maar -- relay -- aaa, two links. False where namespaces are not permitted. */
  build(): boolean {
    const ns = (name: string): string => `${this.prefix}${name}`;
    const commands = [
      ...['m', 'r', 'a'].flatMap((name) => [`netns add ${ns(name)}`, `-n ${ns(name)} link set lo up`]),
      ...[
        ['m', 'fd00:a::1', 'fd00:a::2'],
        ['a', 'fd00:b::3', 'fd00:b::2'],
      ].flatMap(([name, end, relay]) => [
        `-n ${ns(name!)} link add up0 type veth peer name to-${name!} netns ${ns('r')}`,
        `-n ${ns(name!)} address add ${end!}/64 dev up0 nodad`,
        `-n ${ns('r')} address add ${relay!}/64 dev to-${name!} nodad`,
        `-n ${ns(name!)} link set up0 up`,
        `-n ${ns('r')} link set to-${name!} up`,
      ]),
    ];
    return commands.every((command) => spawnSync('ip', command.split(' ')).status === 0);
  }

  start(name: 'm' | 'r' | 'a', program: string, ...args: string[]): ChildProcess {
    const child = spawn('ip', ['netns', 'exec', `${this.prefix}${name}`, program, ...args]);
    this.#children.push(child);
    return child;
  }

  async remove(): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode === null && child.signalCode === null) child.kill('SIGTERM');
    }
    await Promise.all(this.#children.map((child) => exited(child, 10_000)));
    for (const name of ['m', 'r', 'a']) spawnSync('ip', ['netns', 'del', `${this.prefix}${name}`]);
    rmSync(this.folder, { recursive: true });
  }
}

/** Exit code of a process; after the patience it is killed. */
async function exited(child: ChildProcess, patience: number): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const timer = setTimeout(() => child.kill('SIGKILL'), patience);
  const code = await new Promise<number | null>((resolve) => child.once('exit', resolve));
  clearTimeout(timer);
  return code;
}

/** Resolves once the output of a stream satisfies `done`; rejects with all of it after the patience. */
function heard(
  stream: NodeJS.ReadableStream,
  done: (text: string) => boolean,
  patience: number,
): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const timer = setTimeout(
      () => reject(new Error(`not heard within ${patience} ms in:\n${text}`)),
      patience,
    );
    timer.unref();
    stream.on('data', (data: Buffer) => {
      text += data.toString();
      if (!done(text)) return;
      clearTimeout(timer);
      resolve(text);
    });
  });
}

function toolsPresent(t: TestContext): boolean {
  if (!existsSync(`${EXTENSIONS}/dict_mip6i.fdx`)) {
    missing(t, 'freediameter-extensions');
    return false;
  }
  return (
    hasTool(t, 'freeDiameterd') &&
    hasTool(t, 'openssl', 'version') &&
    hasTool(t, 'tshark') &&
    hasTool(t, 'ip', '-V')
  );
}

test('freeDiameter relays CER, DWR, AAR, STR and DPR between a MAAR and maar aaa', async (t) => {
  if (!toolsPresent(t)) return;
  const bench = new Bench();
  try {
    if (!bench.build()) {
      missing(t, 'permission to create network namespaces');
      return;
    }
    const { folder } = bench;
    const capture = join(folder, 'capture.pcap');
    const subject = ['-subj', '/CN=relay.relay.example.org', '-days', '2'];
    const keys = ['-keyout', `${folder}/key.pem`, '-out', `${folder}/cert.pem`];
    output('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', ...keys, ...subject]);
    writeFileSync(`${folder}/relay.conf`, relayConfig(folder));
    writeFileSync(`${folder}/acl.conf`, 'ALLOW_IPSEC *.maar.example.org\n');
    writeFileSync(`${folder}/aaa.toml`, serverConfig(folder));

    const live = ['-l', '-P', '-d', 'tcp.port==3868,diameter', '-T', 'fields', '-e', 'diameter.cmd.code'];
    const sniffer = bench.start('r', 'tshark', ...live, '-i', 'any', '-f', 'tcp port 3868', '-w', capture);
    // The kernel hands packets to the sniffer in blocks, up to a second late: both DPR and DPA must have come.
    const captured = heard(sniffer.stdout!, (text) => (text.match(/282/g) ?? []).length >= 4, 60_000);
    sniffer.stderr!.resume();
    // What tshark says of it comes before it starts the program that captures.
    await until('the capture begins', () => existsSync(capture));
    const server = bench.start('a', process.execPath, here('aaa.ts'), '--config', `${folder}/aaa.toml`);
    const serverLog = heard(server.stderr!, (text) => text.includes('"what":"stop"'), 30_000);
    await heard(server.stderr!, (text) => text.includes('"what":"listen"'), 10_000);
    const relay = bench.start('r', 'freeDiameterd', '-c', `${folder}/relay.conf`);
    relay.stdout!.resume();
    // Until the relay's connection to the server stands, it has no route for the realm.
    await heard(server.stderr!, (text) => text.includes('"to":"open"'), 15_000);

    const maar = bench.start(
      'm',
      process.execPath,
      here('maar.ts'),
      'maar1.maar.example.org',
      'fd00:a::1',
      'fd00:a::2',
      MN,
      STRANGER,
    );
    const probed = heard(maar.stderr!, (text) => text.includes('"message":"DWA"'), 15_000);
    const lines = await heard(maar.stdout!, (text) => text.split('\n').length > 2, 15_000);
    const answers = lines
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    const known = answers.find(({ id }) => id === MN);
    assert.deepEqual([known?.['result'], known?.['counter'], known?.['previous']], ['ok', 1, undefined]);
    assert.deepEqual(answers.find(({ id }) => id === STRANGER)?.['result'], 'unknown');
    await probed;

    const detached = heard(maar.stdout!, (text) => text.includes('"detached"'), 10_000);
    maar.stdin!.write('detach\n');
    await detached;
    const left = heard(maar.stderr!, (text) => text.includes('"message":"DPA"'), 10_000);
    maar.stdin!.write('stop\n');
    await left;
    maar.stdin!.end();
    assert.equal(await exited(maar, 5_000), 0);

    server.kill('SIGTERM');
    assert.match(await serverLog, /"message":"DPA"/);
    assert.equal(await exited(server, 10_000), 0);
    await captured;
    sniffer.kill('SIGINT');
    await exited(sniffer, 10_000);
    checkCapture(capture);
  } finally {
    await bench.remove();
  }
});

/** Both legs carry every exchange, and tshark finds nothing wrong with any message. */
function checkCapture(capture: string): void {
  const read = ['-r', capture, '-d', 'tcp.port==3868,diameter'];
  const faults = ['_ws.malformed', '_ws.expert.severity == error'].join(' or ');
  assert.equal(output('tshark', [...read, '-Y', `diameter and (${faults})`]), '');
  const fields = [
    '-T',
    'fields',
    '-e',
    'ipv6.src',
    '-e',
    'diameter.cmd.code',
    '-e',
    'diameter.flags.request',
  ];
  const seen = new Set<string>();
  for (const line of output('tshark', [...read, '-Y', 'diameter', ...fields])
    .trim()
    .split('\n')) {
    const [source = '', codes = '', requests = ''] = line.split('\t');
    const flags = requests.split(',');
    codes.split(',').forEach((code, index) => {
      const request = ['1', 'True'].includes(flags[index] ?? '');
      seen.add(`${source} ${code} ${request ? 'request' : 'answer'}`);
    });
  }
  const expected = [
    // The MAAR's leg: it speaks first.
    ...['257', '280', '265', '275', '282'].flatMap((code) => [
      `fd00:a::1 ${code} request`,
      `fd00:a::2 ${code} answer`,
    ]),
    // The server's leg: the relay opens it and brings AAR and STR; the server leaves.
    ...['257', '265', '275'].flatMap((code) => [`fd00:b::2 ${code} request`, `fd00:b::3 ${code} answer`]),
    'fd00:b::3 282 request',
    'fd00:b::2 282 answer',
  ];
  assert.deepEqual(
    expected.filter((each) => !seen.has(each)),
    [],
    `seen: ${[...seen].join(', ')}`,
  );
}
