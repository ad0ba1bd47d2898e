/**
 * Writes the constants of all languages and the tables of the ABI page from `bindings/abi/v1.json`.
 * With `--check` it writes nothing and exits 1 where a file is out of date.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { format } from 'prettier';
import { type Abi, assemblyscript, page, rust, typescript, validate } from './abi/emit.ts';

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
const abi = JSON.parse(read('bindings/abi/v1.json')) as Abi;
validate(abi);

const files: [path: string, text: string][] = [
  ['bindings/generated/abi.ts', typescript(abi)],
  ['bindings/generated/abi.as.ts', assemblyscript(abi)],
  ['bindings/generated/abi.rs', rust(abi)],
  [PAGE, await format(page(abi, read(PAGE)), { parser: 'markdown', printWidth: 110, singleQuote: true })],
];

const stale = files.filter(([path, text]) => read(path) !== text);
if (process.argv.includes('--check')) {
  for (const [path] of stale)
    console.error(`${path} is out of date: run node bin/node.js scripts/generate.ts`);
  if (stale.length > 0) process.exitCode = 1;
} else {
  for (const [path, text] of stale) writeFileSync(new URL(path, root), text);
}
