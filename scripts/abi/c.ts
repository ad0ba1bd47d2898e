/** The C header of the data plane ABI. Pure: the description in, text out. */
import type { Abi, Call, Coded, Record } from './emit.ts';
import { ABI, counters, octets, upper } from './emit.ts';

const GUARD = 'MAAR_ABI_H';
/** Keywords of C++ among the names of the ABI. */
const KEYWORDS = new Set(['private']);

const snake = (...words: string[]): string => words.join('_').replaceAll('-', '_');
const comment = (doc: string): string => `/** ${doc} */\n`;
const define = (doc: string, name: string, value: number): string =>
  `${comment(doc)}#define MAAR_${name} ${value}u\n`;

const HEAD = `/*
 * Data plane ABI: numbers, records and calls. The contract is bindings/abi/v1/README.md.
 * Written by scripts/generate.ts from ${ABI}; edit that file. C99 and C++.
 *
 * The structures are the records of linear memory. Their integers of more than one octet are little-endian there:
 * on a host of either byte order, read and write them through maar_le16, maar_le32 and maar_le64.
 */
#ifndef ${GUARD}
#define ${GUARD}

#include <stddef.h>
#include <stdint.h>

`;

/** The octets of `value` in memory are taken as little-endian, which is its own inverse on both byte orders. */
function swap(bits: number): string {
  const parts = Array.from({ length: bits / 8 }, (_, octet) => {
    const part = `((uint${bits}_t)octets[${octet}] << ${8 * octet})`;
    return octet === 0 ? `(uint${bits}_t)octets[0]` : part;
  });
  return (
    `static inline uint${bits}_t maar_le${bits}(uint${bits}_t value)\n{\n` +
    `    const uint8_t *octets = (const uint8_t *)&value;\n` +
    `    return (uint${bits}_t)(${parts.join(' |\n        ')});\n}\n`
  );
}

const SWAPS = `/** From little-endian to the host's byte order, or back. */\n${[16, 32, 64].map(swap).join('\n')}\n`;

const CHECK = `/** Fails to compile unless \`test\` holds; C99 has no static assertion. */
#define MAAR_CHECK(name, test) typedef char maar_check_##name[(test) ? 1 : -1]

`;

function structure({ name, size, fields }: Record): string {
  const type = `struct maar_${snake(name)}`;
  const member = (field: string): string => (KEYWORDS.has(field) ? `${field}_` : snake(field));
  const members = fields.map(({ name: field, type: kind, doc }) => {
    const [, bits, count] = /^u(\d+)(?:\[(\d+)\])?$/.exec(kind)!;
    const array = count === undefined ? '' : `[${count}]`;
    return `    ${comment(doc)}    uint${bits}_t ${member(field)}${array};\n`;
  });
  const shown = fields.filter((field) => !field.name.startsWith('reserved'));
  const places = shown.map(({ name: field, at }) => `#define MAAR_${upper(name, field, 'at')} ${at}u\n`);
  const checks = shown.map(
    ({ name: field }) =>
      `MAAR_CHECK(${snake(name, field)}, offsetof(${type}, ${member(field)}) == MAAR_${upper(name, field, 'at')});\n`,
  );
  return (
    `${type} {\n${members.join('')}};\n` +
    `#define MAAR_${upper(name, 'size')} ${size}u\n${places.join('')}` +
    `MAAR_CHECK(${snake(name, 'size')}, sizeof(${type}) == MAAR_${upper(name, 'size')});\n${checks.join('')}\n`
  );
}

/** A function that names codes; for those that people get to see. */
function names(name: string, values: readonly Coded[]): string {
  const cases = values.map(({ name: text, code }) => `    case ${code}: return "${text}";\n`);
  return (
    `/** The name of a ${name}, a null pointer for a code that has none. */\n` +
    `static inline const char *maar_${name}_name(uint32_t code)\n{\n    switch (code) {\n${cases.join('')}` +
    `    default: return NULL;\n    }\n}\n\n`
  );
}

function call({ name, parameters, result, doc }: Call): string {
  const type = (kind: string): string => `uint${kind.slice(1)}_t`;
  const list = parameters.map((parameter) => `${type(parameter.type)} ${parameter.name}`).join(', ');
  return `${comment(doc)}typedef ${type(result)} maar_${name}_fn(${list === '' ? 'void' : list});\n`;
}

/**
 * The header `maar_abi.h`: a macro for each number, a structure with its offsets for each record, names for codes
 * that are shown to people, and the type of each exported function. Throws where C would pad a record.
 */
export function cHeader(abi: Abi): string {
  for (const { name, fields } of abi.records) {
    const crooked = fields.find(({ type, at }) => at % octets(type.replace(/\[.*/, '')) !== 0);
    if (crooked !== undefined) throw new Error(`record ${name}: C would not place ${crooked.name} there`);
  }
  const section = (...lines: string[]): string => `${lines.join('')}\n`;
  const enums = abi.enums.map((table) =>
    section(...table.values.map(({ name, code, doc }) => define(doc, upper(table.name, name), code))),
  );
  const named = abi.enums.filter(({ name }) => ['status', 'verdict', 'reason', 'event'].includes(name));
  return [
    HEAD,
    section(define('what `abi_version` returns', 'ABI_VERSION', abi.version)),
    section(...abi.limits.map(({ name, value, doc }) => define(doc, upper('limit', name), value))),
    section(...abi.constants.map(({ name, value, doc }) => define(doc, upper(name), value))),
    ...enums,
    section(...counters(abi).map(({ name, code, doc }) => define(doc, upper('counter', name), code))),
    section(
      define('counters of the area `counters`, unused ones included', 'COUNTER_SLOTS', abi['counter-slots']),
    ),
    SWAPS,
    CHECK,
    ...abi.records.map(structure),
    ...named.map(({ name, values }) => names(name, values)),
    names('counter', counters(abi)),
    '/* The exported functions. In WebAssembly uint32_t is i32 and uint64_t is i64. */\n\n',
    ...abi.calls.map(call),
    `\n#endif\n`,
  ].join('');
}
