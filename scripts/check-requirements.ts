/** Finds rows of docs/requirements.md that are empty in part, or point to code or tests that are not there. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { scenarios } from '../host/lab/scenarios/index.ts';

const TABLE = 'docs/requirements.md';
const LEAST_ROWS = 80;
const COLUMNS = ['#', 'section', 'requirement', 'code', 'test'];
const known = new Set(scenarios.map(({ name }) => name));

/** Why a place, "file" or "file#text in it", is none; undefined if it is there. */
function placeFault(place: string): string | undefined {
  const hash = place.indexOf('#');
  const file = hash < 0 ? place : place.slice(0, hash);
  if (!existsSync(file) || !statSync(file).isFile()) return `${file} does not exist`;
  if (hash < 0) return undefined;
  const text = place.slice(hash + 1);
  // In sources a name with an apostrophe may stand escaped.
  const source = readFileSync(file, 'utf8').replaceAll("\\'", "'");
  return text !== '' && source.includes(text) ? undefined : `"${text}" does not stand in ${file}`;
}

function rowFaults(cells: readonly string[]): string[] {
  if (cells.length !== COLUMNS.length) return [`${cells.length} cells, not ${COLUMNS.length}`];
  const faults = cells.flatMap((cell, index) => (cell === '' ? [`${COLUMNS[index] ?? ''} is empty`] : []));
  const [code = '', test = ''] = cells.slice(3);
  for (const cell of [code, test]) {
    for (const [, place = ''] of cell.matchAll(/`([^`]+)`/g)) {
      const fault = placeFault(place);
      if (fault !== undefined) faults.push(fault);
    }
  }
  if (!code.includes('`')) faults.push('names no code');
  const named = [...test.matchAll(/scenario ([a-z0-9-]+)/g)].map(([, name = '']) => name);
  for (const name of named) if (!known.has(name)) faults.push(`no scenario "${name}"`);
  const tests = [...test.matchAll(/`([^`]+)`/g)].map(([, place = '']) => place);
  if (tests.length + named.length === 0) faults.push('names no test');
  for (const place of tests) if (!/^test\/.*\.test\.ts#/.test(place)) faults.push(`${place} is no test`);
  return faults;
}

const rows = readFileSync(TABLE, 'utf8')
  .split('\n')
  .map((line, index) => ({ line, number: index + 1 }))
  .filter(({ line }) => /^\| *\d/.test(line));

const faults = rows.flatMap(({ line, number }) => {
  const cells = line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());
  return rowFaults(cells).map((fault) => `${TABLE}:${number}: row ${cells[0] ?? ''}: ${fault}`);
});
if (rows.length < LEAST_ROWS) faults.push(`${TABLE}: ${rows.length} rows, fewer than ${LEAST_ROWS}`);

for (const fault of faults) process.stderr.write(`${fault}\n`);
if (faults.length === 0) process.stdout.write(`${rows.length} requirements, none dangling\n`);
process.exitCode = faults.length === 0 ? 0 : 1;
