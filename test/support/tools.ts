import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import type { TestContext } from 'node:test';

const required = process.env['MAAR_REQUIRE_TOOLS'] === '1';

/** Skips the test for want of something outside the repository, or fails it under MAAR_REQUIRE_TOOLS=1. */
export function missing(t: TestContext, what: string): void {
  if (required) throw new Error(`${what} is missing and MAAR_REQUIRE_TOOLS=1`);
  t.skip(`${what} is missing`);
}

/** True if the program starts at all; else the test is skipped or failed. */
export function hasTool(t: TestContext, program: string, ...probe: string[]): boolean {
  const present = spawnSync(program, probe.length === 0 ? ['--version'] : probe).status === 0;
  if (!present) missing(t, [program, ...probe].join(' '));
  return present;
}

/** The Python that carries scapy as a Debian package, which another Python in PATH may hide. */
export function pythonWithScapy(t: TestContext): string | undefined {
  const found = ['/usr/bin/python3', 'python3'].find(
    (python) => spawnSync(python, ['-c', 'import scapy']).status === 0,
  );
  if (found === undefined) missing(t, 'python3 with scapy');
  return found;
}

/** A file or folder outside the repository. */
export function hasPath(t: TestContext, path: URL): boolean {
  const present = existsSync(path);
  if (!present) missing(t, path.pathname);
  return present;
}

/** Standard output of a program that must succeed. */
export function output(program: string, args: readonly string[], input?: string | Uint8Array): string {
  const result = spawnSync(program, args, {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    ...(input === undefined ? {} : { input }),
  });
  if (result.status !== 0) {
    throw new Error(`${program} ${args.join(' ')}: exit ${result.status}\n${result.stderr}`);
  }
  return result.stdout;
}
