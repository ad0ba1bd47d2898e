/**
 * The page for those who load the module into a host of their own: every block of it is run, section by section.
 * A block with a file name is that file, one of `sh` is run beside the files, one of `text` is what that prints.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { cacheDirectory } from '../../host/lab/cache.ts';
import { folderOf } from '../../scripts/capi.ts';
import { IWASM } from '../../scripts/iwasm.ts';
import { WASMTIME } from '../../scripts/wasmtime.ts';
import { hasTool, missing } from '../support/tools.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const CAPTURE = 'test/golden/flow';

interface Section {
  readonly title: string;
  readonly blocks: readonly { readonly info: string; readonly body: string }[];
}

function sections(page: string): Section[] {
  return page
    .split(/^## /m)
    .slice(1)
    .map((text) => ({
      title: text.slice(0, text.indexOf('\n')),
      blocks: [...text.matchAll(/^```(.+)\n([^]*?)^```$/gm)].map(([, info, body]) => ({
        info: info!,
        body: body!,
      })),
    }))
    .filter(({ blocks }) => blocks.length > 0);
}

/** Whether there is what a section runs on; else its test is skipped or failed. */
const NEEDS: Readonly<Record<string, (t: TestContext) => boolean>> = {
  Node: () => true,
  'The wasmtime program': (t) => built(t, WASMTIME, 'wasmtime.ts'),
  Rust: (t) => hasTool(t, 'cargo'),
  'C, and whatever else has a C API': (t) =>
    hasTool(t, 'cc') && built(t, folderOf('wasmtime'), 'capi.ts wasmtime'),
  iwasm: (t) => built(t, IWASM, 'iwasm.ts'),
};

function built(t: TestContext, path: string, script: string): boolean {
  const present = existsSync(path);
  if (!present) missing(t, `what node bin/node.js scripts/${script} builds`);
  return present;
}

/** A folder with the checkout in it. Always the same one, since cargo keeps what it builds by its path. */
function readersFolder(name: string): string {
  const folder = join(ROOT, 'build', 'load-it', name);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const part of ['bin', 'bindings', 'build', 'host', 'node_modules', 'package.json', 'scripts'])
    symlinkSync(join(ROOT, part), join(folder, part));
  // A copy: a WASI command reaches nothing through links that lead out of its folder.
  cpSync(join(ROOT, CAPTURE), join(folder, CAPTURE), { recursive: true });
  // With it cargo takes the versions that it has compiled already.
  copyFileSync(join(ROOT, 'bindings/wasmtime/Cargo.lock'), join(folder, 'Cargo.lock'));
  return folder;
}

const page = sections(readFileSync(join(ROOT, 'docs/load-it.md'), 'utf8'));
const printed = ({ blocks }: Section): string | undefined => blocks.find(({ info }) => info === 'text')?.body;

test('every section with blocks is one that is run, and the first one says what it prints', () => {
  assert.deepEqual(
    page.map(({ title }) => title),
    Object.keys(NEEDS),
  );
  assert.match(printed(page[0]!)!, /^core 6[0-9a-f]+\n$/);
});

for (const [index, section] of page.entries()) {
  test(`docs/load-it.md: ${section.title}`, (t) => {
    if (NEEDS[section.title]?.(t) !== true) return;
    const folder = readersFolder(String(index));
    t.after(() => rmSync(folder, { recursive: true }));
    for (const { info, body } of section.blocks) {
      const path = info.split(' ')[1];
      if (path === undefined) continue;
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), body);
    }
    const script = section.blocks
      .filter(({ info }) => info === 'sh')
      .map(({ body }) => body)
      .join('');
    assert.notEqual(script, '');
    const run = spawnSync('sh', ['-eu'], {
      cwd: folder,
      input: script,
      encoding: 'utf8',
      env: {
        ...process.env,
        PATH: [
          ...[process.execPath, WASMTIME, IWASM].map((program) => dirname(program)),
          process.env['PATH'],
        ].join(':'),
        CARGO_TARGET_DIR: cacheDirectory('cargo-target'),
        CARGO_NET_OFFLINE: 'true',
      },
    });
    assert.equal(run.status, 0, run.stderr);
    assert.equal(run.stdout, printed(section) ?? printed(page[0]!));
  });
}
