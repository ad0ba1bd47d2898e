/**
 * Writes the constants of all languages and the tables of the pages from `bindings/abi/v1.json`,
 * `bindings/cpdp/v1.json` and `bindings/pump/v1.json`; and the tables of the Wireshark plugin from the registries of `host/`.
 * With `--check` it writes nothing and exits 1 where a file is out of date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { format } from 'prettier';
import type { Abi, Protocol } from './abi/emit.ts';
import { cHeader } from './abi/c.ts';
import {
  assemblyscript,
  assemblyscriptNames,
  page,
  protocolAssemblyscript,
  protocolRust,
  protocolTypescript,
  rust,
  typescript,
  validate,
} from './abi/emit.ts';
import { withTables } from './wireshark/tables.ts';

const root = new URL('../', import.meta.url);
const read = (path: string): string => {
  try {
    return readFileSync(new URL(path, root), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return '';
    throw error;
  }
};

const PAGE = 'bindings/abi/v1/README.md';
const CPDP_PAGE = 'bindings/cpdp/README.md';
const PUMP_PAGE = 'bindings/pump/README.md';
const PLUGIN = 'docs/wireshark/maar.lua';
const abi = JSON.parse(read('bindings/abi/v1.json')) as Abi;
const cpdp = JSON.parse(read('bindings/cpdp/v1.json')) as Protocol;
const pump = JSON.parse(read('bindings/pump/v1.json')) as Protocol;
validate(abi);
validate(cpdp);
validate(pump);

const written = async (path: string, numbers: Protocol): Promise<string> =>
  await format(page(numbers, read(path)), { parser: 'markdown', printWidth: 110, singleQuote: true });

const files: [path: string, text: string][] = [
  ['bindings/generated/abi.ts', typescript(abi)],
  ['bindings/generated/abi.as.ts', assemblyscript(abi)],
  ['bindings/generated/names.as.ts', assemblyscriptNames(abi)],
  ['bindings/generated/abi.rs', rust(abi)],
  ['bindings/generated/maar_abi.h', cHeader(abi)],
  ['bindings/generated/cpdp.ts', protocolTypescript('cpdp', cpdp)],
  ['bindings/generated/cpdp.rs', protocolRust('cpdp', cpdp)],
  ['bindings/generated/pump.ts', protocolTypescript('pump', pump)],
  ['bindings/generated/pump.as.ts', protocolAssemblyscript('pump', pump)],
  [PAGE, await written(PAGE, abi)],
  [CPDP_PAGE, await written(CPDP_PAGE, cpdp)],
  [PUMP_PAGE, await written(PUMP_PAGE, pump)],
  [PLUGIN, withTables(read(PLUGIN))],
];

const stale = files.filter(([path, text]) => read(path) !== text);
if (process.argv.includes('--check')) {
  for (const [path] of stale)
    console.error(`${path} is out of date: run node bin/node.js scripts/generate.ts`);
  if (stale.length > 0) process.exitCode = 1;
} else {
  for (const [path, text] of stale) writeFileSync(new URL(path, root), text);
}
