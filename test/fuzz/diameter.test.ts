import assert from 'node:assert/strict';
import { readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { Dictionary } from '../../host/wire/diameter/dictionary.ts';
import { Framer } from '../../host/wire/diameter/framer.ts';
import { RESULT } from '../../host/wire/diameter/generated.ts';
import { checkMessage, decodeMessage, encodeMessage, faultAnswer } from '../../host/wire/diameter/message.ts';
import { generator, mutate } from './mutate.ts';

/** One file is one stream of messages in hexadecimal. MAAR_FUZZ_RUNS sets the mutations per file, MAAR_FUZZ_SEED the seed. */
const CORPUS = new URL('corpus/diameter/', import.meta.url);
const RUNS = Number(process.env['MAAR_FUZZ_RUNS'] ?? 300);
const SEED = Number(process.env['MAAR_FUZZ_SEED'] ?? 1);
const CODES = new Set<number>(Object.values(RESULT));
const US = { originHost: 'aaa.example.org', originRealm: 'example.org' };

const dictionary = new Dictionary();

/** Whatever a peer sends is decoded, or refused with an answer that is well-formed itself. */
function examine(stream: Uint8Array): void {
  for (const data of new Framer().push(stream).messages) {
    const decoded = decodeMessage(data, dictionary);
    if (decoded.ok) {
      const again = decodeMessage(encodeMessage(decoded.message, dictionary), dictionary);
      assert.deepEqual(again, decoded, 'what decodes can be encoded, to the same meaning');
    }
    const fault = decoded.ok ? checkMessage(decoded.message, dictionary) : decoded.fault;
    if (fault === undefined || decoded.message === undefined) continue;
    assert.ok(CODES.has(fault.code) && fault.text !== '');
    const request = { ...decoded.message, request: true };
    const answer = decodeMessage(encodeMessage(faultAnswer(request, US, fault), dictionary), dictionary);
    assert.ok(answer.ok, 'a fault answer is well-formed');
  }
}

test('Diameter: mutations of the corpus are decoded or refused, never worse', () => {
  const files = readdirSync(CORPUS);
  assert.ok(files.length > 0);
  const random = generator(SEED);
  for (const file of files) {
    const input = Uint8Array.from(Buffer.from(readFileSync(new URL(file, CORPUS), 'utf8').trim(), 'hex'));
    examine(input);
    for (let run = 0; run < RUNS; run++) {
      const mutated = mutate(input, random);
      // Most mutations break the length of the first message: half of them are mended to reach its AVPs.
      if (run % 2 === 0 && mutated.length >= 20) {
        const length = mutated.length & ~3;
        mutated.set([1, length >> 16, (length >> 8) & 0xff, length & 0xff]);
      }
      try {
        examine(mutated);
      } catch (error) {
        // Kept, so that it is tried on every later run.
        const hex = Buffer.from(mutated).toString('hex');
        const found = `found-${SEED}-${run}-${file}`;
        writeFileSync(new URL(found, CORPUS), `${hex}\n`);
        throw new Error(`${file}, run ${run}: saved as ${found}`, { cause: error });
      }
    }
  }
});
