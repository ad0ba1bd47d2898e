import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { createProfile, PROFILE_NAMES } from '../../../../host/schemes/romip/messages/profile.ts';
import { fillChecksum } from '../../../../host/wire/checksum.ts';
import { parseMobility } from '../../../../host/wire/mobility/message.ts';
import { expectSound, generator, mutate, wholeUnits } from '../../../fuzz/mutate.ts';

const CORPUS = new URL('../../../fuzz/corpus/wire/', import.meta.url);
const RUNS = Number(process.env['MAAR_FUZZ_RUNS'] ?? 300);
const SEED = Number(process.env['MAAR_FUZZ_SEED'] ?? 1);
const SRC = 'fe80::211:22ff:fe33:4455';
const DST = 'ff02::2';

for (const name of PROFILE_NAMES) {
  test(`${name}: a mutated message is parsed, refused, or no distributed message`, () => {
    const profile = createProfile(name);
    const random = generator(SEED);
    const seen = { parsed: 0, refused: 0 };
    const files = readdirSync(CORPUS).filter((file) => /^mobility-.*D/.test(file));
    // Their order decides which of them meets which mutations.
    for (const file of files.sort()) {
      const input = Uint8Array.from(Buffer.from(readFileSync(new URL(file, CORPUS), 'utf8').trim(), 'hex'));
      for (let run = 0; run < RUNS; run++) {
        const data = wholeUnits(mutate(input, random));
        fillChecksum(data, 4, SRC, DST, 135);
        const mobility = parseMobility(data, SRC, DST);
        if (!mobility.ok) continue;
        const message = profile.parse(mobility.value);
        if (message === 'not-distributed') continue;
        const value = expectSound(message, mobility.value.options.length);
        seen[value === undefined ? 'refused' : 'parsed']++;
        const refusal = profile.refuse(mobility.value);
        assert.equal(refusal !== undefined, mobility.value.kind === 'BU');
        if (refusal !== undefined) profile.emit(refusal, SRC, DST);
      }
    }
    assert.ok(seen.parsed > RUNS / 4 && seen.refused > RUNS / 4, JSON.stringify(seen));
  });
}
