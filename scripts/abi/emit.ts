/** The ABI description (`bindings/abi/v1.json`) and what is written from it. Pure: text in, text out. */

interface Named {
  readonly name: string;
  readonly doc: string;
}

interface Valued extends Named {
  readonly value: number;
}

export interface Coded extends Named {
  readonly code: number;
}

interface Field extends Named {
  readonly type: string;
  readonly at: number;
}

export interface Record {
  readonly name: string;
  readonly size: number;
  readonly fields: readonly Field[];
}

/** An exported function; types are `u32` and `u64`. */
export interface Call extends Named {
  readonly parameters: readonly { readonly name: string; readonly type: string }[];
  readonly result: string;
}

/** Numbers of a protocol: those of the control channel and of the pump are all of this kind. */
export interface Protocol {
  readonly version: number;
  readonly constants: readonly Valued[];
  readonly enums: readonly { readonly name: string; readonly values: readonly Coded[] }[];
  readonly records: readonly Record[];
}

export interface Abi extends Protocol {
  readonly calls: readonly Call[];
  readonly limits: readonly Valued[];
  readonly counters: readonly Coded[];
  readonly 'drop-counter-base': number;
  readonly 'counter-slots': number;
}

const notice = (source: string): string =>
  `// Written by scripts/generate.ts from ${source}; edit that file.\n\n`;
export const ABI = 'bindings/abi/v1.json';

export const upper = (...words: string[]): string => words.join('_').replaceAll('-', '_').toUpperCase();

/** Octets of a field type such as `u16` or `u8[6]`. */
export function octets(type: string): number {
  const match = /^u(8|16|32|64)(?:\[(\d+)\])?$/.exec(type);
  if (match === null) throw new Error(`unknown field type ${type}`);
  return (Number(match[1]) / 8) * Number(match[2] ?? 1);
}

/** Throws where a record has gaps, overlaps or a wrong size, or where a code stands twice. */
export function validate(protocol: Protocol): void {
  for (const record of protocol.records) {
    let end = 0;
    for (const field of record.fields) {
      if (field.at !== end)
        throw new Error(`record ${record.name}: ${field.name} at ${field.at}, not ${end}`);
      end += octets(field.type);
    }
    if (end !== record.size) throw new Error(`record ${record.name}: ${end} octets, not ${record.size}`);
  }
  const counters = 'counters' in protocol ? [{ name: 'counter', values: (protocol as Abi).counters }] : [];
  for (const { name, values } of [...protocol.enums, ...counters]) {
    if (new Set(values.map((value) => value.code)).size !== values.length) {
      throw new Error(`${name}: a code stands twice`);
    }
  }
}

/** Plain counters and, from `drop-counter-base` on, one for each drop reason. */
export function counters(abi: Abi): Coded[] {
  const reasons = abi.enums.find((table) => table.name === 'reason')?.values ?? [];
  const drops = reasons
    .filter((reason) => reason.code !== 0)
    .map(({ name, code, doc }) => ({ name: `drop-${name}`, code: abi['drop-counter-base'] + code, doc }));
  return [...abi.counters, ...drops];
}

type Constant = readonly [name: string, value: number];

function codes({ constants, enums }: Protocol): Constant[] {
  return [
    ...constants.map(({ name, value }): Constant => [upper(name), value]),
    ...enums.flatMap((table) =>
      table.values.map((value): Constant => [upper(table.name, value.name), value.code]),
    ),
  ];
}

function places({ records }: Protocol): Constant[] {
  return records.flatMap((record): Constant[] => [
    [upper(record.name, 'size'), record.size],
    ...record.fields
      .filter((field) => !field.name.startsWith('reserved'))
      .map((field): Constant => [upper(record.name, field.name, 'at'), field.at]),
  ]);
}

function flat(abi: Abi): Constant[] {
  return [
    ['ABI_VERSION', abi.version],
    ...abi.limits.map((limit): Constant => [upper('limit', limit.name), limit.value]),
    ...codes(abi),
    ...abi.counters.map((counter): Constant => [upper('counter', counter.name), counter.code]),
    ['DROP_COUNTER_BASE', abi['drop-counter-base']],
    ['COUNTER_SLOTS', abi['counter-slots']],
    ...places(abi),
  ];
}

function typescriptOf(source: string, constants: readonly Constant[], enums: Protocol['enums']): string {
  const names = (values: readonly Coded[]): string =>
    values.map(({ name, code }) => `  ${code}: '${name}',\n`).join('');
  const tables = enums.map(
    (table) =>
      `\nexport const ${upper(table.name, 'names')}: Readonly<Record<number, string>> = {\n${names(table.values)}};\n`,
  );
  return (
    notice(source) +
    constants.map(([name, value]) => `export const ${name} = ${value};\n`).join('') +
    tables.join('')
  );
}

function rustOf(source: string, constants: readonly Constant[]): string {
  const line = ([name, value]: Constant): string =>
    `pub const ${name}: ${isOffset(name) ? 'usize' : 'u32'} = ${value};\n`;
  return notice(source) + constants.map(line).join('');
}

function assemblyscriptOf(source: string, constants: readonly Constant[]): string {
  const line = ([name, value]: Constant): string =>
    `export const ${name}: ${isOffset(name) ? 'usize' : 'u32'} = ${value};\n`;
  return notice(source) + constants.map(line).join('');
}

/** The constants and name tables for TypeScript. */
export function typescript(abi: Abi): string {
  return typescriptOf(ABI, flat(abi), [...abi.enums, { name: 'counter', values: counters(abi) }]);
}

/** The constants of a protocol beside the ABI; `name` is that of its folder in `bindings/`. */
function numbers(name: string, protocol: Protocol): Constant[] {
  return [[upper(name, 'version'), protocol.version], ...codes(protocol), ...places(protocol)];
}

const sourceOf = (name: string): string => `bindings/${name}/v1.json`;

/** A protocol's constants, for the two sides of it. */
export function protocolTypescript(name: string, protocol: Protocol): string {
  return typescriptOf(sourceOf(name), numbers(name, protocol), protocol.enums);
}

export function protocolRust(name: string, protocol: Protocol): string {
  return rustOf(sourceOf(name), numbers(name, protocol));
}

export function protocolAssemblyscript(name: string, protocol: Protocol): string {
  return assemblyscriptOf(sourceOf(name), numbers(name, protocol));
}

/** Whether a constant places or measures a record in memory. */
function isOffset(name: string): boolean {
  return /^(?!LIMIT_).*_(AT|SIZE)$/.test(name);
}

/** The constants for AssemblyScript; offsets and sizes are added to pointers, so they are `usize`. */
export function assemblyscript(abi: Abi): string {
  return assemblyscriptOf(ABI, flat(abi));
}

/** The constants for Rust; offsets and sizes index memory, so they are `usize`. */
export function rust(abi: Abi): string {
  return rustOf(ABI, flat(abi));
}

/** Names by code for AssemblyScript programs that talk to people; the module itself has none. */
export function assemblyscriptNames(abi: Abi): string {
  const of = (name: string): readonly Coded[] => abi.enums.find((one) => one.name === name)?.values ?? [];
  const wanted: [string, readonly Coded[]][] = [
    ['statusName', of('status')],
    ['verdictName', of('verdict')],
    ['reasonName', of('reason')],
    ['counterName', counters(abi)],
  ];
  const functions = wanted.map(([name, values]) => {
    const cases = values.map(({ name, code }) => `    case ${code}:\n      return '${name}';\n`).join('');
    return `export function ${name}(code: u32): string {\n  switch (code) {\n${cases}  }\n  return 'unknown';\n}\n`;
  });
  return notice(ABI) + functions.join('\n');
}

function table(heads: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |\n`;
  return line(heads) + line(heads.map(() => '---')) + rows.map(line).join('');
}

function calls(values: readonly Call[]): string {
  return table(
    ['call', 'parameters', 'result'],
    values.map(({ name, parameters, result, doc }) => [
      `\`${name}\``,
      parameters.map((parameter) => `\`${parameter.name}\`: ${parameter.type}`).join(', '),
      `${result}: ${doc}`,
    ]),
  );
}

/** The tables of a page, by the name in their markers. */
function tables(protocol: Protocol): Map<string, string> {
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
  if ('calls' in protocol) result.set('calls', calls((protocol as Abi).calls));
  if ('limits' in protocol) result.set('limits', valued((protocol as Abi).limits));
  if ('counters' in protocol) result.set('counters', coded((protocol as Abi).counters));
  result.set('constants', valued(protocol.constants));
  for (const { name, values } of protocol.enums) result.set(name, coded(values));
  for (const record of protocol.records) {
    const rows = record.fields.map((field) => [field.at, field.type, code(field.name), field.doc]);
    result.set(`record ${record.name}`, table(['offset', 'type', 'field', 'meaning'], rows));
  }
  return result;
}

/** A page with every `<!-- table NAME -->` block filled anew; throws on a name that its numbers lack. */
export function page(protocol: Protocol, text: string): string {
  const known = tables(protocol);
  const block = /<!-- table ([^>]+) -->\n[^]*?<!-- end -->/g;
  return text.replace(block, (_, name: string) => {
    const body = known.get(name);
    if (body === undefined) throw new Error(`no table ${name} in v1.json`);
    return `<!-- table ${name} -->\n\n${body}\n<!-- end -->`;
  });
}
