import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fillChecksum } from '../../host/wire/checksum.ts';
import { generator, mutate, wholeUnits } from '../fuzz/mutate.ts';
import { examplesOf } from '../support/examples.ts';
import { assertAgreement, captureOf, dissect, hasPlugins } from '../support/wireshark.ts';

/** Mutations of each example that the plugin has to survive. */
const MUTATIONS = 60;
const SEED = 1;
/** Messages that `maar decode` shows with their options, not with fields of their own. */
const BY_NAME = ['UPA', 'LRA'];
const folder = mkdtempSync(join(tmpdir(), 'maar-wireshark-'));
after(() => rmSync(folder, { recursive: true }));

const examples = ['messages.md', 'lm-messages.md'].flatMap(examplesOf);

function written(name: string, headers: Parameters<typeof captureOf>[0]): string {
  const file = join(folder, name);
  writeFileSync(file, captureOf(headers));
  return file;
}

test('with the plugin, tshark names every message of the pages and reads what maar decode reads', (t) => {
  if (!hasPlugins(t)) return;
  const names = assertAgreement(written('examples.pcapng', examples));
  for (const { kind } of examples) assert.equal(names.get(kind), !BY_NAME.includes(kind), kind);
});

test('the fields of the plugin can be filtered by', (t) => {
  if (!hasPlugins(t)) return;
  const file = written('filters.pcapng', examples);
  const count = (filter: string): number => dissect(file, ['frame.number'], filter).length;
  assert.equal(count('maar.counter == 41 && maar.message == "PQA" && maar.remaining > 500'), 1);
  assert.equal(count('maar.message == "dDBA" && mip6.ba.status == 153 && maar.address'), 2);
});

test('no octets make the plugin fail', (t) => {
  if (!hasPlugins(t)) return;
  const random = generator(SEED);
  const mutated = examples.flatMap(({ src, dst, data }) =>
    Array.from({ length: MUTATIONS }, (_, run) => {
      const octets = run % 2 === 0 ? wholeUnits(mutate(data, random)) : mutate(data, random);
      if (octets.length >= 8) fillChecksum(octets, 4, src, dst, 135);
      return { src, dst, data: octets };
    }),
  );
  const packets = dissect(written('mutated.pcapng', mutated), ['maar.message', '_ws.lua.error']);
  assert.equal(packets.length, mutated.length);
  assert.deepEqual(
    packets.flatMap((packet, index) =>
      packet['_ws.lua.error'].map(() => Buffer.from(mutated[index]!.data).toString('hex')),
    ),
    [],
  );
  const named = packets.filter((packet) => packet['maar.message'].length > 0);
  assert.ok(named.length > mutated.length / 4, `${named.length} of ${mutated.length} were read`);
});
