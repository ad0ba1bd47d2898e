import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

export interface Planted {
  /** The patch that takes one safeguard away; from the root of the repository, as the others. */
  readonly patch: string;
  /** What the run needs besides `host` and `test/support`; what it only reads. */
  readonly parts: readonly string[];
  readonly links?: readonly string[];
  readonly run: string;
  /** Variables with which the run is to find the bug. */
  readonly seeds: Readonly<Record<string, string>>;
  /** Variables that would have it try something else. */
  readonly unset: readonly string[];
}

/**
 * Has a run find a bug in a copy of the sources; returns what it printed.
 * @throws {assert.AssertionError} where the patch no longer applies, or nothing was found.
 */
export function findPlanted({ patch, parts, links = [], run, seeds, unset }: Planted): string {
  const copy = mkdtempSync(join(tmpdir(), 'maar-planted-'));
  try {
    for (const part of ['host', 'test/support', 'package.json', ...parts]) {
      cpSync(join(ROOT, part), join(copy, part), { recursive: true });
    }
    for (const link of ['node_modules', ...links]) {
      mkdirSync(dirname(join(copy, link)), { recursive: true });
      symlinkSync(join(ROOT, link), join(copy, link));
    }
    // Outside a repository, whatever is around the directory for temporary files.
    const env = { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() };
    const applied = spawnSync('git', ['apply', join(ROOT, patch)], { cwd: copy, env, encoding: 'utf8' });
    assert.equal(applied.status, 0, `${patch} no longer applies: ${applied.stderr}`);
    const dropped = ['NODE_TEST_CONTEXT', ...unset];
    const kept = Object.entries(process.env).filter(([name]) => !dropped.includes(name));
    const clean = { ...Object.fromEntries(kept), ...seeds };
    const found = spawnSync(process.execPath, ['--test', run], { cwd: copy, env: clean, encoding: 'utf8' });
    assert.notEqual(found.status, 0, `no domain noticed the bug of ${patch}`);
    return found.stdout;
  } finally {
    rmSync(copy, { recursive: true, force: true });
  }
}
