import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { toMobility } from '../../../host/functions/lm/messages/emit.ts';
import { LINKTYPE_RAW } from '../../../host/wire/capture.ts';
import { createProfile } from '../../../host/schemes/romip/messages/profile.ts';
import { emitIpv6 } from '../../../host/wire/ipv6.ts';
import { emitMobility } from '../../../host/wire/mobility/message.ts';
import { writePcap } from '../../../host/wire/pcap.ts';

const SRC = '2001:db8:ffff::3';
const DST = '2001:db8:ffff::2';
const COMMAND = new URL('../../../host/daemon/commands/decode.ts', import.meta.url).href;
const SDBU = {
  kind: 'sDBU',
  sequence: 7,
  lifetimeSeconds: 600,
  mnId: 'alice@example.net',
  counter: 3,
  timestamp: 1_767_225_600_500,
  homes: ['2001:db8:a1::a/128'],
  correspondents: [],
} as const;

let folder = '';
let capture = '';

function decode(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  const script = `import { decodeCommand } from '${COMMAND}';
    process.exitCode = await decodeCommand(process.argv.slice(1));`;
  return spawnSync(process.execPath, ['--input-type=module', '-e', script, '--', ...args], {
    encoding: 'utf8',
  });
}

before(() => {
  folder = mkdtempSync(join(tmpdir(), 'maar-decode-'));
  capture = join(folder, 'messages.pcap');
  const [update] = createProfile('romip-iana').emit(SDBU, SRC, DST);
  const mobility = emitIpv6({ src: SRC, dst: DST, nextHeader: 135, hopLimit: 64 }, update!);
  const udp = Uint8Array.of(0x75, 0x30, 0x32, 0xc8, 0, 8, 0, 0);
  const inner = emitIpv6({ src: '2001:db8:a1::a', dst: '2001:db8:b1::b', nextHeader: 17, hopLimit: 63 }, udp);
  const tunnelled = emitIpv6({ src: SRC, dst: DST, nextHeader: 41, hopLimit: 64 }, inner);
  const packets = [mobility, tunnelled].map((data, index) => ({
    interface: 0,
    time: 1_700_000_000_000_000_000n + BigInt(index) * 1_500_000n,
    data,
    length: data.length,
  }));
  writeFileSync(
    capture,
    writePcap({ interfaces: [{ linkType: LINKTYPE_RAW, snapLength: 65_535 }], packets }),
  );
});

after(() => rmSync(folder, { recursive: true }));

test('one line per packet: names of messages, tunnels as outer > inner', () => {
  const { status, stdout, stderr } = decode(capture);
  assert.deepEqual([status, stderr], [0, '']);
  assert.deepEqual(stdout.trimEnd().split('\n'), [
    `1\t0.000000000\t${SRC} -> ${DST}: Mobility sDBU sequence=7 lifetimeSeconds=600 mnId=alice@example.net ` +
      'counter=3 timestamp=1767225600500 homes=[2001:db8:a1::a/128]',
    `2\t0.001500000\t${SRC} -> ${DST} > 2001:db8:a1::a -> 2001:db8:b1::b: UDP srcPort=30000 dstPort=13000 octets=0`,
  ]);
});

test('messages of location management are named', () => {
  const query = toMobility({
    ...{ kind: 'PBQ', sequence: 7, timestamp: 1_767_225_600_500, register: false, lifetimeSeconds: 300 },
    where: '2001:db8:b1::b/128',
  });
  const data = emitIpv6({ src: SRC, dst: DST, nextHeader: 135, hopLimit: 64 }, emitMobility(query, SRC, DST));
  const file = join(folder, 'query.pcap');
  const packets = [{ interface: 0, time: 0n, data, length: data.length }];
  writeFileSync(file, writePcap({ interfaces: [{ linkType: LINKTYPE_RAW, snapLength: 65_535 }], packets }));
  assert.match(decode(file).stdout, /: Mobility PBQ .*lifetimeSeconds=300 where=2001:db8:b1::b\/128$/m);
});

test('--json is one document', () => {
  const { status, stdout } = decode(capture, '--json');
  assert.equal(status, 0);
  const document = JSON.parse(stdout);
  assert.equal(document.packets.length, 2);
  assert.equal(document.packets[1].time, '1700000000.001500000');
  const { kind, ...fields } = SDBU;
  assert.deepEqual(document.packets[0].layers[1], { protocol: 'Mobility', name: kind, fields });
});

test('a damaged file is shown up to the damage, and fails', () => {
  const damaged = join(folder, 'damaged.pcap');
  writeFileSync(damaged, 'not a capture at all, but long enough');
  const { status, stdout, stderr } = decode(damaged);
  assert.deepEqual([status, stdout], [1, '']);
  assert.match(stderr, /damaged\.pcap: neither pcap nor pcapng/);
});

test('a reader that has seen enough ends it without a word', () => {
  const many = join(folder, 'many.pcap');
  const data = emitIpv6({ src: SRC, dst: DST, nextHeader: 17, hopLimit: 64 }, new Uint8Array(8));
  // More than a pipe holds.
  const packets = Array.from({ length: 4_000 }, () => ({
    interface: 0,
    time: 0n,
    data,
    length: data.length,
  }));
  writeFileSync(many, writePcap({ interfaces: [{ linkType: LINKTYPE_RAW, snapLength: 65_535 }], packets }));
  const script = `import { decodeCommand } from '${COMMAND}'; process.exitCode = await decodeCommand([process.argv[1]]);`;
  const command = '"$0" --input-type=module -e "$1" -- "$2" | head -n 1; exit ${PIPESTATUS[0]}';
  const result = spawnSync('bash', ['-c', command, process.execPath, script, many], { encoding: 'utf8' });
  assert.deepEqual([result.status, result.stderr], [0, '']);
  assert.match(result.stdout, /^1\t/);
});

test('usage errors', () => {
  for (const args of [[], ['a', 'b'], ['--wrong', 'a'], [join(folder, 'absent.pcap')]]) {
    const { status, stderr } = decode(...args);
    assert.equal(status, 2);
    assert.match(stderr, /maar decode/);
  }
});
