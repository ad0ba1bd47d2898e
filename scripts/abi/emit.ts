/** The ABI description (`bindings/abi/v1.json`) and what is written from it. Pure: text in, text out. */

interface Named {
  readonly name: string;
  readonly doc: string;
}

interface Valued extends Named {
  readonly value: number;
}

interface Coded extends Named {
  readonly code: number;
}

interface Field extends Named {
  readonly type: string;
  readonly at: number;
}

export interface Abi {
  readonly version: number;
  readonly limits: readonly Valued[];
  readonly constants: readonly Valued[];
  readonly enums: readonly { readonly name: string; readonly values: readonly Coded[] }[];
  readonly counters: readonly Coded[];
  readonly 'drop-counter-base': number;
  readonly 'counter-slots': number;
  readonly records: readonly {
    readonly name: string;
    readonly size: number;
    readonly fields: readonly Field[];
  }[];
}

const NOTICE = '// Written by scripts/generate.ts from bindings/abi/v1.json; edit that file.\n';

const upper = (...words: string[]): string => words.join('_').replaceAll('-', '_').toUpperCase();

/** Octets of a field type such as `u16` or `u8[6]`. */
function octets(type: string): number {
  const match = /^u(8|16|32|64)(?:\[(\d+)\])?$/.exec(type);
  if (match === null) throw new Error(`bindings/abi/v1.json: unknown field type ${type}`);
  return (Number(match[1]) / 8) * Number(match[2] ?? 1);
}

/** Throws where a record has gaps, overlaps or a wrong size, or where a code stands twice. */
export function validate(abi: Abi): void {
  for (const record of abi.records) {
    let end = 0;
    for (const field of record.fields) {
      if (field.at !== end)
        throw new Error(`record ${record.name}: ${field.name} at ${field.at}, not ${end}`);
      end += octets(field.type);
    }
    if (end !== record.size) throw new Error(`record ${record.name}: ${end} octets, not ${record.size}`);
  }
  const tables = [...abi.enums, { name: 'counter', values: abi.counters }];
  for (const { name, values } of tables) {
    if (new Set(values.map((value) => value.code)).size !== values.length) {
      throw new Error(`${name}: a code stands twice`);
    }
  }
}

/** Plain counters and, from `drop-counter-base` on, one for each drop reason. */
function counters(abi: Abi): Coded[] {
  const reasons = abi.enums.find((table) => table.name === 'reason')?.values ?? [];
  const drops = reasons
    .filter((reason) => reason.code !== 0)
    .map(({ name, code, doc }) => ({ name: `drop-${name}`, code: abi['drop-counter-base'] + code, doc }));
  return [...abi.counters, ...drops];
}

function flat(abi: Abi): [name: string, value: number][] {
  return [
    ['ABI_VERSION', abi.version],
    ...abi.limits.map((limit): [string, number] => [upper('limit', limit.name), limit.value]),
    ...abi.constants.map((constant): [string, number] => [upper(constant.name), constant.value]),
    ...abi.enums.flatMap((table) =>
      table.values.map((value): [string, number] => [upper(table.name, value.name), value.code]),
    ),
    ...abi.counters.map((counter): [string, number] => [upper('counter', counter.name), counter.code]),
    ['DROP_COUNTER_BASE', abi['drop-counter-base']],
    ['COUNTER_SLOTS', abi['counter-slots']],
    ...abi.records.flatMap((record): [string, number][] => [
      [upper(record.name, 'size'), record.size],
      ...record.fields
        .filter((field) => !field.name.startsWith('reserved'))
        .map((field): [string, number] => [upper(record.name, field.name, 'at'), field.at]),
    ]),
  ];
}

/** The constants and name tables for TypeScript. */
export function typescript(abi: Abi): string {
  const constants = flat(abi).map(([name, value]) => `export const ${name} = ${value};\n`);
  const names = (values: readonly Coded[]): string =>
    values.map(({ name, code }) => `  ${code}: '${name}',\n`).join('');
  const tables = [...abi.enums, { name: 'counter', values: counters(abi) }].map(
    (table) =>
      `\nexport const ${upper(table.name, 'names')}: Readonly<Record<number, string>> = {\n${names(table.values)}};\n`,
  );
  return NOTICE + '\n' + constants.join('') + tables.join('');
}

/** Whether a constant places or measures a record in memory. */
function isOffset(name: string): boolean {
  return /^(?!LIMIT_).*_(AT|SIZE)$/.test(name);
}

/** The constants for AssemblyScript; offsets and sizes are added to pointers, so they are `usize`. */
export function assemblyscript(abi: Abi): string {
  const constants = flat(abi).map(
    ([name, value]) => `export const ${name}: ${isOffset(name) ? 'usize' : 'u32'} = ${value};\n`,
  );
  return NOTICE + '\n' + constants.join('');
}

/** The constants for Rust; offsets and sizes index memory, so they are `usize`. */
export function rust(abi: Abi): string {
  const constants = flat(abi).map(
    ([name, value]) => `pub const ${name}: ${isOffset(name) ? 'usize' : 'u32'} = ${value};\n`,
  );
  return NOTICE + '\n' + constants.join('');
}

function table(heads: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |\n`;
  return line(heads) + line(heads.map(() => '---')) + rows.map(line).join('');
}

/** The tables of the ABI page, by the name in their markers. */
function tables(abi: Abi): Map<string, string> {
  const code = (name: string): string => `\`${name}\``;
  const result = new Map<string, string>();
  const valued = (values: readonly Valued[]): string =>
    table(
      ['name', 'value', 'meaning'],
      values.map(({ name, value, doc }) => [code(name), value, doc]),
    );
  const coded = (values: readonly Coded[]): string =>
    table(
      ['code', 'name', 'meaning'],
      values.map((value) => [value.code, code(value.name), value.doc]),
    );
  result.set('limits', valued(abi.limits));
  result.set('constants', valued(abi.constants));
  result.set('counters', coded(abi.counters));
  for (const { name, values } of abi.enums) result.set(name, coded(values));
  for (const record of abi.records) {
    const rows = record.fields.map((field) => [field.at, field.type, code(field.name), field.doc]);
    result.set(`record ${record.name}`, table(['offset', 'type', 'field', 'meaning'], rows));
  }
  return result;
}

/** The ABI page with every `<!-- table NAME -->` block filled anew; throws on a name that the ABI lacks. */
export function page(abi: Abi, text: string): string {
  const known = tables(abi);
  const block = /<!-- table ([^>]+) -->\n[^]*?<!-- end -->/g;
  return text.replace(block, (_, name: string) => {
    const body = known.get(name);
    if (body === undefined) throw new Error(`bindings/abi/v1/README.md: no table ${name} in v1.json`);
    return `<!-- table ${name} -->\n\n${body}\n<!-- end -->`;
  });
}
