/** The generated C header: what a compiler makes of it is what the other languages have. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import binaryen from 'binaryen';
import * as abi from '../../../bindings/generated/abi.ts';
import type { Abi } from '../../../scripts/abi/emit.ts';
import { cHeader } from '../../../scripts/abi/c.ts';
import { hasTool, output } from '../../support/tools.ts';
import { BUILDS, wasm } from '../node/support.ts';
import { complaints, workFolder } from './compile.ts';

const description = JSON.parse(
  readFileSync(new URL('../../../bindings/abi/v1.json', import.meta.url), 'utf8'),
) as Abi;

const INCLUDE = '#include "maar_abi.h"\n';
const STANDARDS = { c: ['c99', 'c11', 'c17'], 'c++': ['c++98', 'c++11', 'c++20'] };

for (const [language, standards] of Object.entries(STANDARDS)) {
  test(`${language} takes the header without a warning`, (t) => {
    if (!hasTool(t, language === 'c' ? 'cc' : 'c++')) return;
    for (const standard of standards) {
      const args = ['-x', language, `-std=${standard}`, '-fsyntax-only'];
      assert.equal(complaints(args, `${INCLUDE}int main(void) { return 0; }\n`), '');
    }
  });
}

test('its numbers are those of the other languages', (t) => {
  if (!hasTool(t, 'cc')) return;
  const numbers = Object.entries(abi).flatMap(([name, value]) =>
    typeof value === 'number' && name !== 'DROP_COUNTER_BASE' ? [`MAAR_${name} == ${value}u`] : [],
  );
  assert.ok(numbers.length > 200);
  const checks = numbers.map((test, index) => `MAAR_CHECK(number_${index}, ${test});\n`).join('');
  assert.equal(complaints(['-xc', '-std=c99', '-fsyntax-only'], INCLUDE + checks), '');
});

test('a record that is placed otherwise than the ABI says does not compile', (t) => {
  if (!hasTool(t, 'cc')) return;
  const swapped = cHeader(description).replace(
    /( +uint16_t offset;\n)([^]*?)( +uint16_t length;\n)/,
    (_, offset: string, doc: string, length: string) => length + doc + offset,
  );
  assert.match(complaints(['-xc', '-std=c99', '-fsyntax-only'], swapped), /maar_check_descriptor_offset/);
});

test('names, and numbers from memory, are those of the ABI', (t) => {
  if (!hasTool(t, 'cc')) return;
  const program = `${INCLUDE}#include <inttypes.h>
    #include <stdio.h>
    #include <string.h>
    int main(void) {
      uint16_t a; uint32_t b; uint64_t c;
      memcpy(&a, "\\x01\\x02", 2);
      memcpy(&b, "\\x01\\x02\\x03\\x84", 4);
      memcpy(&c, "\\x01\\x02\\x03\\x04\\x05\\x06\\x07\\x88", 8);
      printf("%x %" PRIx32 " %" PRIx64 "\\n", (unsigned)maar_le16(a), maar_le32(b), maar_le64(c));
      for (uint32_t code = 0; code < MAAR_COUNTER_SLOTS; code++)
        if (maar_counter_name(code) != NULL) printf("%s\\n", maar_counter_name(code));
      printf("%s %s %s\\n", maar_status_name(1), maar_verdict_name(2), maar_reason_name(3));
      return 0;
    }`;
  const path = join(workFolder(t), 'names');
  assert.equal(complaints(['-xc', '-std=c99', '-o', path], program), '');
  // The other languages keep a place for drops without a reason, which do not exist.
  const counters = Object.values(abi.COUNTER_NAMES).filter((name) => name !== 'drop-none');
  assert.deepEqual(output(path, []).trimEnd().split('\n'), [
    '201 84030201 8807060504030201',
    ...counters,
    'full deliver truncated',
  ]);
});

const TYPES: Readonly<Record<string, number>> = { u32: binaryen.i32, u64: binaryen.i64 };

for (const build of BUILDS) {
  test(`${build}: the exports have the types that the description says`, () => {
    const module = binaryen.readBinary(wasm(build));
    const found = new Map<string, unknown>();
    for (let index = 0; index < module.getNumExports(); index++) {
      const { kind, name, value } = binaryen.getExportInfo(module.getExportByIndex(index));
      if (kind !== binaryen.ExternalFunction) continue;
      const { params, results } = binaryen.getFunctionInfo(module.getFunction(value));
      found.set(name, { parameters: binaryen.expandType(params), result: results });
    }
    module.dispose();
    const described = description.calls.map(({ name, parameters, result }): [string, unknown] => [
      name,
      { parameters: parameters.map(({ type }) => TYPES[type]), result: TYPES[result] },
    ]);
    assert.deepEqual(new Map([...found].sort()), new Map(described.sort()));
  });
}

for (const build of BUILDS) {
  test(`${build}: areas begin where C may have structures`, () => {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(wasm(build)), {});
    const { init, base } = exports as Record<string, (...parameters: (number | bigint)[]) => number>;
    assert.equal(init!(3, 5, 7, 1, 9, 3, 2, 1n, 0x20010db8n << 32n, 1n, 1500, 0), abi.STATUS_OK);
    for (let area = abi.AREA_FRAMES; area <= abi.AREA_FLOW_ENTRIES; area++) {
      assert.equal((base!(area) >>> 0) % 64, 0, `area ${area}`);
    }
  });
}
