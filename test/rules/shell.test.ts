import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { hasTool } from '../support/tools.ts';

const scripts = [
  '.ci/run',
  ...globSync(['scripts/**/*', 'openwrt/**/*', 'test/**/*.sh', 'test/openwrt/router/**/*']),
].filter((file) => {
  const extension = file.slice(file.lastIndexOf('/') + 1).includes('.') ? file.split('.').at(-1) : '';
  if (extension !== '' && extension !== 'sh' && file !== '.ci/run') return false;
  try {
    return /^#!.*\bsh\b/.test(readFileSync(file, 'utf8'));
  } catch {
    return false;
  }
});

test('shellcheck finds nothing in the shell scripts', (t) => {
  assert.ok(scripts.includes('.ci/run'));
  if (!hasTool(t, 'shellcheck')) return;
  const { status, stdout } = spawnSync('shellcheck', scripts, { encoding: 'utf8' });
  assert.equal(status, 0, stdout);
});
