import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { schemeNames } from '../../host/schemes/registry.ts';

/** Where a scheme may be named, besides its own folder. Tests show what schemes do, and may name them. */
const REGISTRY = 'host/schemes/registry.ts';
const CODE = ['assembly/**/*.ts', 'bindings/**/*.ts', 'host/**/*.ts', 'scripts/**/*.ts', 'bin/*.js'];
/** A name that is also a word: only as a string of its own does it name the scheme, and then beside "scheme". */
const WORDS = ['none'];

function namesScheme(line: string, name: string): boolean {
  if (WORDS.includes(name)) return new RegExp(`scheme\\w*\\W+(===?\\s*)?['"]${name}['"]`, 'i').test(line);
  return new RegExp(`\\b${name}\\b`, 'i').test(line);
}

for (const name of schemeNames()) {
  test(`nothing but the registry and its own folder names the scheme ${name}`, () => {
    const offenders = globSync(CODE)
      .filter((file) => file !== REGISTRY && !file.startsWith('host/schemes/'))
      .flatMap((file) =>
        readFileSync(file, 'utf8')
          .split('\n')
          .flatMap((line, index) =>
            namesScheme(line, name) ? [`${file}:${index + 1}: ${line.trim()}`] : [],
          ),
      );
    assert.deepEqual(offenders, []);
  });

  test(`no other scheme's folder names the scheme ${name}`, () => {
    const offenders = globSync('host/schemes/*/**/*.ts')
      .filter((file) => !file.startsWith(`host/schemes/${name}/`))
      .filter((file) =>
        readFileSync(file, 'utf8')
          .split('\n')
          .some((line) => namesScheme(line, name)),
      );
    assert.deepEqual(offenders, []);
  });
}
