import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RecordReader, encodeRecord, encodeSync } from '../../../host/lab/netns/capture-records.ts';
import type { CaptureRecord } from '../../../host/lab/netns/capture-records.ts';

const record = fc.record(
  {
    time: fc.double({ noNaN: true }),
    tap: fc.integer({ min: 0, max: 40 }),
    outgoing: fc.boolean(),
    data: fc.uint8Array({ maxLength: 80 }),
    length: fc.integer({ min: 0, max: 65_535 }),
  },
  { noNullPrototype: true },
);

test('records come out as they went in, however the pipe cuts them', () => {
  fc.assert(
    fc.property(fc.array(record), fc.infiniteStream(fc.integer({ min: 1, max: 60 })), (records, cuts) => {
      const stream = Buffer.concat([...records.map(encodeRecord), encodeSync(7)]);
      const seen: CaptureRecord[] = [];
      const lost: number[] = [];
      const reader = new RecordReader(
        (found) => seen.push({ ...found, data: Uint8Array.from(found.data) }),
        (count) => lost.push(count),
      );
      for (let at = 0; at < stream.length;) {
        const end = at + cuts.next().value;
        reader.push(stream.subarray(at, end));
        at = end;
      }
      assert.deepEqual(seen, records);
      assert.deepEqual(lost, [7]);
    }),
  );
});
