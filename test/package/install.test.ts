import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { after, before, test } from 'node:test';

/** An AAA server's: a MAAR's would also be held against the interfaces of this machine. */
const GOOD = `name = "aaa"
originHost = "aaa.example.org"
originRealm = "example.org"
database = "registrations.db"
[[listen]]
address = "::1"
port = 3868
[[peer]]
host = "maar1.example.org"
role = "maar"
[[subscriber]]
mnId = "*@mn.example.org"
allowed = true
`;
const folder = mkdtempSync(join(tmpdir(), 'maar-package-'));

/**
 * The environment of somebody who installs: not that of `npm test`, whose settings and whose node_modules/.bin
 * (where a dependency of as-pect puts an npm of 2020) would be inherited.
 */
const environment = Object.fromEntries(
  Object.entries(process.env)
    .filter(([name]) => !/^npm_|^NODE_TEST/.test(name))
    .map(([name, value]) => [name, name === 'PATH' ? withoutModules(value ?? '') : value]),
);

function withoutModules(path: string): string {
  return path
    .split(':')
    .filter((folder) => !folder.includes('node_modules'))
    .join(':');
}

function run(
  program: string,
  args: readonly string[],
  cwd: string,
): { status: number | null; output: string } {
  const { status, stdout, stderr, error } = spawnSync(program, args, {
    cwd,
    env: environment,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
    timeout: 240_000,
  });
  return { status, output: `${stdout}${stderr}${error?.message ?? ''}` };
}

function mustRun(program: string, args: readonly string[], cwd: string): string {
  const { status, output } = run(program, args, cwd);
  assert.equal(status, 0, `${program} ${args.join(' ')}: ${output}`);
  return output;
}

before(() => {
  mustRun('npm', ['pack', '--silent', '--pack-destination', folder], process.cwd());
  const tarball = readdirSync(folder).find((name) => name.endsWith('.tgz'));
  assert.ok(tarball !== undefined, 'npm pack wrote no tarball');
  writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
  // Versions are pinned: the registry has nothing to say of those that npm has kept.
  const options = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'];
  mustRun('npm', ['install', ...options, `./${tarball}`], folder);
});

after(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('the package carries no TypeScript sources, and its licence', () => {
  const files = readdirSync(join(folder, 'node_modules/maar'), { recursive: true, encoding: 'utf8' });
  assert.deepEqual(
    files.filter((file) => file.endsWith('.ts') && !file.startsWith('node_modules/')),
    [],
  );
  for (const file of ['LICENSE', 'README.md', 'build/maar.wasm', 'dist/host/daemon/main.js']) {
    assert.ok(files.includes(file), `${file} is missing from the package`);
  }
});

test('npx maar check accepts a good configuration and lists the faults of a bad one', () => {
  writeFileSync(join(folder, 'good.toml'), GOOD);
  mustRun('npx', ['maar', 'check', '--config', 'good.toml'], folder);
  writeFileSync(join(folder, 'bad.toml'), 'address = "not an address"\n');
  const bad = run('npx', ['maar', 'check', '--config', 'bad.toml'], folder);
  assert.equal(bad.status, 2, bad.output);
  assert.match(bad.output, /bad\.toml/);
  assert.match(bad.output, /address/);
});

test('npx maar lab figure1 --backend sim passes', () => {
  const output = mustRun('npx', ['maar', 'lab', 'figure1', '--backend', 'sim', '--json'], folder);
  const report = JSON.parse(output.slice(output.indexOf('{'), output.lastIndexOf('}') + 1)) as {
    passed: boolean;
  };
  assert.equal(report.passed, true);
});
