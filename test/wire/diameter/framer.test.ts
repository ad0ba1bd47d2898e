import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { avp } from '../../../host/wire/diameter/avp.ts';
import { Framer } from '../../../host/wire/diameter/framer.ts';
import { MAX_MESSAGE, encodeMessage } from '../../../host/wire/diameter/message.ts';
import { bytes, dictionary, request } from './samples.ts';

test('messages come out whole whatever the segmentation (property)', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(100), { minLength: 1, maxLength: 6 }),
      fc.array(fc.integer({ min: 1, max: 90 }), { minLength: 1 }),
      (sizes, cuts) => {
        const messages = sizes.map((size) =>
          encodeMessage(request([avp('Class', new Uint8Array(size))]), dictionary),
        );
        const stream = Buffer.concat(messages);
        const framer = new Framer();
        const out: Uint8Array[] = [];
        for (let offset = 0, index = 0; offset < stream.length; index++) {
          const size = cuts[index % cuts.length]!;
          const framed = framer.push(stream.subarray(offset, offset + size));
          assert.equal(framed.broken, undefined);
          out.push(...framed.messages);
          offset += size;
        }
        assert.deepEqual(out, messages);
      },
    ),
  );
});

test('what cannot be a message ends the stream by name, after the messages before it', () => {
  const sound = encodeMessage(request(), dictionary);
  const cases: [string, RegExp][] = [
    ['02000014', /^version 2 /],
    ['01000000', /length 0 is shorter/],
    ['01000013', /length 19 is shorter/],
    ['01000016', /length 22 is no multiple/],
    ['01ffffff', /16777215/],
    ['01010004', new RegExp(`exceeds ${MAX_MESSAGE}`)],
  ];
  for (const [word, reason] of cases) {
    const framer = new Framer();
    const framed = framer.push(Buffer.concat([sound, bytes(word), sound]));
    assert.deepEqual(framed.messages, [sound]);
    assert.match(framed.broken ?? '', reason);
    assert.deepEqual(framer.push(sound).messages, [], 'nothing more is taken');
  }
});
