import assert from 'node:assert/strict';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { DhcpServer, readRequest } from '../../host/functions/haa/dhcp-server.ts';
import { InterfaceIds } from '../../host/functions/haa/interface-ids.ts';
import { Association } from '../../host/functions/lm/association.ts';
import { describeLocation } from '../../host/functions/lm/messages/describe.ts';
import { toMobility } from '../../host/functions/lm/messages/emit.ts';
import { parseLocation } from '../../host/functions/lm/messages/parse.ts';
import { readAddress } from '../../host/wire/address.ts';
import { LINKTYPE_ETHERNET, LINKTYPE_RAW } from '../../host/wire/capture.ts';
import { fillChecksum } from '../../host/wire/checksum.ts';
import { emitDhcp, parseDhcp } from '../../host/wire/dhcpv6/message.ts';
import { dissect } from '../../host/wire/dissect.ts';
import { parseEthernet } from '../../host/wire/ethernet.ts';
import { receiveIcmpv6 } from '../../host/wire/icmpv6/check.ts';
import { emitIcmpv6 } from '../../host/wire/icmpv6/message.ts';
import { emitIpv6, parseIpv6, parseIpv6Header, walkExtensions } from '../../host/wire/ipv6.ts';
import { emitMobility, parseMobility } from '../../host/wire/mobility/message.ts';
import { expectSound, generator, mutate, wholeUnits } from './mutate.ts';

/**
 * Byte mutation of everything that the wire parsers read. One file of the corpus is one input, its name says which
 * parser it is for. MAAR_FUZZ_RUNS sets the mutations per file, MAAR_FUZZ_SEED the seed.
 */
const CORPUS = new URL('corpus/wire/', import.meta.url);
const RUNS = Number(process.env['MAAR_FUZZ_RUNS'] ?? 300);
const SEED = Number(process.env['MAAR_FUZZ_SEED'] ?? 1);
const SRC = 'fe80::211:22ff:fe33:4455';
const DST = 'ff02::2';
const SERVER = '0003000102005e100000';

/** Reads an input as its parser would, and holds what came out to what a parser promises. */
const TARGETS: Record<string, (mutated: Uint8Array, run: number) => void> = {
  mobility(mutated, run) {
    const data = run % 2 === 0 ? mutated : wholeUnits(mutated);
    if (data.length >= 8) fillChecksum(data, 4, SRC, DST, 135);
    const result = expectSound(parseMobility(data, SRC, DST), data.length);
    if (result === undefined) return;
    // Equal after another round: nothing that parse accepts can confuse emit.
    const again = parseMobility(emitMobility(result, SRC, DST), SRC, DST);
    assert.deepEqual(again, { ok: true, value: result });
  },
  location(mutated, run) {
    const data = run % 4 === 0 ? mutated : wholeUnits(mutated);
    if (data.length >= 8) fillChecksum(data, 4, SRC, DST, 135);
    const association = new Association({ self: DST, peer: SRC, key: undefined, window: Infinity, since: 0 });
    const opened = association.open(data, 0);
    const mobility = parseMobility(data, SRC, DST);
    const result = mobility.ok ? parseLocation(mobility.value) : 'other';
    const message = result === 'other' ? undefined : expectSound(result, data.length);
    assert.deepEqual(opened.message, message);
    if (mobility.ok && message === undefined) assert.equal(describeLocation(mobility.value), undefined);
    if (message === undefined) return;
    // What may be read may be written, and read as the same.
    const again = parseMobility(emitMobility(toMobility(message), SRC, DST), SRC, DST);
    assert.ok(again.ok);
    assert.deepEqual(parseLocation(again.value), { ok: true, value: message });
  },
  icmpv6(data) {
    if (data.length >= 4) fillChecksum(data, 2, SRC, DST, 58);
    const result = expectSound(
      receiveIcmpv6(data, { src: SRC, dst: DST, hopLimit: data[0]! > 142 ? 1 : 255 }),
      data.length,
    );
    if (result !== undefined) emitIcmpv6(result, SRC, DST);
  },
  ipv6(data) {
    expectSound(parseIpv6Header(data), data.length);
    dissect(data, LINKTYPE_RAW);
    const packet = expectSound(parseIpv6(data), data.length);
    if (packet === undefined) return;
    assert.deepEqual(emitIpv6(packet, packet.payload), data.slice(0, 40 + packet.payload.length));
    const upper = expectSound(walkExtensions(packet), data.length);
    if (upper !== undefined) assert.ok(upper.offset + upper.payload.length <= data.length);
  },
  dhcpv6(data) {
    const result = expectSound(parseDhcp(data), data.length);
    if (result === undefined) return;
    assert.deepEqual(parseDhcp(emitDhcp(result)), { ok: true, value: result });
    const request = readRequest(result, SERVER);
    if (typeof request === 'string') return;
    const home = { prefix: '2001:db8:11:1::/64', gives: true, preferredSeconds: 10, validSeconds: 20 };
    const client = { mnId: 'a@x', stateful: true, settled: true, homes: [home] };
    const answer = new DhcpServer(SERVER, new InterfaceIds()).answer(request, client);
    if (answer !== undefined) assert.ok(parseDhcp(emitDhcp(answer)).ok);
  },
  ethernet(data) {
    expectSound(parseEthernet(data), data.length);
    dissect(data, LINKTYPE_ETHERNET);
  },
};

for (const [name, target] of Object.entries(TARGETS)) {
  test(`${name}: mutations of the corpus are parsed or refused, never worse`, () => {
    const files = readdirSync(CORPUS).filter((file) => file.startsWith(`${name}-`));
    assert.ok(files.length > 0, `no corpus for ${name}`);
    const random = generator(SEED);
    for (const file of files) {
      const input = Uint8Array.from(Buffer.from(readFileSync(new URL(file, CORPUS), 'utf8').trim(), 'hex'));
      for (let run = 0; run <= RUNS; run++) {
        // The file itself first; its checksum is filled in as for all others.
        const data = run === 0 ? Uint8Array.from(input) : mutate(input, random);
        const before = Uint8Array.from(data);
        try {
          target(data, run);
        } catch (error) {
          throw new Error(`${file}, run ${run}: ${keep(name, before)}`, { cause: error });
        }
      }
    }
  });
}

/** Saves an input that broke a parser, so that it is tried on every later run. */
function keep(name: string, data: Uint8Array): string {
  const hex = Buffer.from(data).toString('hex');
  const file = `${name}-found-${hex.slice(0, 8)}-${data.length}.hex`;
  mkdirSync(CORPUS, { recursive: true });
  writeFileSync(new URL(file, CORPUS), `${hex}\n`);
  return `saved as ${file}`;
}

test('any 16 octets are an address', () => {
  const random = generator(SEED);
  for (let run = 0; run < RUNS; run++) {
    const octets = Uint8Array.from({ length: 16 }, () => (random(2) === 0 ? 0 : random(256)));
    assert.match(readAddress(octets), /^[0-9a-f:]+$/);
  }
});
