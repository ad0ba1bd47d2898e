/** The C compiler of the system, with the warnings that the header and the example are free of. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const WARNINGS = ['-Wall', '-Wextra', '-Wpedantic', '-Werror'];
export const HEADERS = new URL('../../../bindings/generated/', import.meta.url).pathname;

/** What the compiler says; empty where it is content. */
export function complaints(args: readonly string[], source?: string): string {
  const input = source === undefined ? [] : ['-'];
  const { stderr, status } = spawnSync('cc', [...WARNINGS, '-I', HEADERS, ...args, ...input], {
    encoding: 'utf8',
    ...(source === undefined ? {} : { input: source }),
  });
  return status === 0 ? '' : stderr;
}

/** A folder that is removed when the tests of the file have run. */
export function workFolder(t: { after(work: () => void): void }): string {
  const folder = mkdtempSync(join(tmpdir(), 'maar-c-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}
