import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { INVARIANTS } from './faults/invariants.ts';
import type { Invariant } from './faults/invariants.ts';

/** Each patch takes one safeguard away; the random domains must find out, by this invariant. */
const PLANTED: Readonly<Record<string, Invariant>> = {
  /** The server takes any counter. */
  'late-update': 'counter',
  /** The server acknowledges before the store has kept what it acknowledges. */
  'early-acknowledgement': 'acknowledged',
  /** The cache tells the lifetime that a binding had when it came. */
  'lifetime-anew': 'lifetime',
  /** A MAAR does not remember the counters of its own registrations. */
  'own-registration': 'loop',
  /** A request counts as often as it comes. */
  replay: 'once',
};
const ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const RUN = 'test/functions/lm/invariants.test.ts';
/** Some bugs show in one of thirty domains; a run ends with the first that shows one. */
const SEEDS = '100';

for (const [name, invariant] of Object.entries(PLANTED)) {
  test(`the bug of ${name}.patch is found: ${INVARIANTS[invariant]}`, () => {
    const copy = mkdtempSync(join(tmpdir(), 'maar-planted-'));
    try {
      for (const part of [
        'host',
        'bindings/entries.ts',
        'package.json',
        'test/functions/lm',
        'test/support/fault-count.ts',
      ]) {
        cpSync(join(ROOT, part), join(copy, part), { recursive: true });
      }
      symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'));
      const patch = join(ROOT, 'test/functions/lm/planted', `${name}.patch`);
      // Outside a repository, whatever is around the directory for temporary files.
      const env = { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() };
      const applied = spawnSync('git', ['apply', patch], { cwd: copy, env, encoding: 'utf8' });
      assert.equal(applied.status, 0, `${name}.patch no longer applies: ${applied.stderr}`);
      const { NODE_TEST_CONTEXT: _, MAAR_LM_SEED: __, ...clean } = process.env;
      const seeded = { ...clean, MAAR_LM_SEEDS: SEEDS };
      const run = spawnSync(process.execPath, ['--test', RUN], { cwd: copy, env: seeded, encoding: 'utf8' });
      assert.notEqual(run.status, 0, `no domain noticed the bug of ${name}.patch`);
      const broken = /seed (\d+), [a-z ]+, [a-z0-9 ]+: ([a-z ]+): /.exec(run.stdout);
      assert.equal(broken?.[2], INVARIANTS[invariant], run.stdout);
      assert.match(run.stdout, new RegExp(`MAAR_LM_SEED=${broken[1]} `), 'how to run it again');
    } finally {
      rmSync(copy, { recursive: true, force: true });
    }
  });
}
