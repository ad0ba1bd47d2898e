import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  copyFileSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hasTool } from '../support/tools.ts';
import { FILES } from './support/router.ts';

const STAND_IN = fileURLToPath(new URL('support/include.mk', import.meta.url));
const FEED = fileURLToPath(new URL('../../openwrt', import.meta.url));
const topdir = mkdtempSync(join(tmpdir(), 'maar-feed-'));
after(() => rmSync(topdir, { recursive: true }));
const rust = 'feeds/packages/lang/rust';
for (const name of ['rules.mk', 'package.mk', 'host-build.mk']) copyFileSync(STAND_IN, join(topdir, name));
mkdirSync(join(topdir, rust), { recursive: true });
for (const name of ['rust-package.mk', 'rust-host-build.mk'])
  copyFileSync(STAND_IN, join(topdir, rust, name));

/** Standard output of the goals of a package; settings as `ARCH=mipsel`. */
function make(name: string, goals: readonly string[], settings: Record<string, string> = {}): string {
  const all: Record<string, string> = {
    TOPDIR: topdir,
    INCLUDE_DIR: topdir,
    ARCH: 'aarch64',
    RUSTC_TARGET_ARCH: 'aarch64-unknown-linux-musl',
    BUILD_VARIANT: 'tls',
    PKG_BUILD_DIR: join(topdir, 'build', name),
    HOST_BUILD_DIR: join(topdir, 'host', name),
    PKG_INSTALL_DIR: join(topdir, 'installed'),
    STAGING_DIR_HOSTPKG: join(topdir, 'hostpkg'),
    ROOT: join(topdir, 'root', name),
    ...settings,
  };
  const words = Object.entries(all).map(([key, value]) => `${key}=${value}`);
  const { status, stdout, stderr } = spawnSync(
    'make',
    ['--no-print-directory', '-C', join(FEED, name), ...words, ...goals],
    { encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

/** A program that takes a name's place, and prints how it was called. */
function program(path: string, text = '#!/bin/sh\necho "$0 $*"\n'): void {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, text);
  chmodSync(path, 0o755);
}

test('the package maar-dp puts every file where it belongs', (t) => {
  if (!hasTool(t, 'make')) return;
  program(join(topdir, 'installed/bin/maar-dp'));
  for (const name of ['maar-dp', 'maar-dp-plain']) {
    const root = join(topdir, 'root', name);
    make('maar-dp', [`install-${name}`], { ROOT: root });
    const shipped = globSync('**/*', { cwd: FILES }).filter((file) => statSync(join(FILES, file)).isFile());
    assert.ok(shipped.length >= 4);
    for (const file of shipped) {
      assert.deepEqual(readFileSync(join(root, file)), readFileSync(join(FILES, file)), file);
    }
    const executable = globSync('**/*', { cwd: root }).filter((file) => {
      const found = statSync(join(root, file));
      return found.isFile() && (found.mode & 0o111) !== 0;
    });
    const programs = [
      'etc/init.d/maar',
      'etc/uci-defaults/90-maar',
      'usr/libexec/maar-stations',
      'usr/sbin/maar-dp',
    ];
    assert.deepEqual(executable.sort(), programs);
    assert.equal(statSync(join(root, 'etc/maar')).mode & 0o777, 0o700);
    assert.match(make('maar-dp', [`fields-${name}`]), /conffiles \/etc\/config\/maar\s+\/etc\/maar\/\n/);
  }
});

test('each variant has its features, and targets without a backend the interpreter', (t) => {
  if (!hasTool(t, 'make')) return;
  const features = (ARCH: string, BUILD_VARIANT: string): string => {
    const line = make('maar-dp', ['compile'], { ARCH, BUILD_VARIANT }).trim().split('\n').at(-1)!;
    assert.match(line, /--profile small .*--path wasmtime\/dp --no-default-features/);
    return /--features (.*) --path/.exec(line)![1]!.trim();
  };
  assert.equal(features('aarch64', 'tls'), 'tls');
  assert.equal(features('mipsel', 'tls'), 'tls pulley');
  assert.equal(features('arm', 'plain'), 'pulley');
  assert.equal(features('x86_64', 'plain'), '');
});

test('the features that the packages name are those of the crates', (t) => {
  if (!hasTool(t, 'cargo')) return;
  const cwd = fileURLToPath(new URL('../../bindings/wasmtime', import.meta.url));
  const args = ['metadata', '--no-deps', '--format-version', '1', '--offline'];
  const { stdout } = spawnSync('cargo', args, { cwd, encoding: 'utf8' });
  const { packages } = JSON.parse(stdout) as {
    packages: readonly { name: string; features: Record<string, unknown> }[];
  };
  const has = (crate: string, feature: string): boolean =>
    packages.some(({ name, features }) => name === crate && feature in features);
  assert.ok(has('maar-module', 'cross'));
  assert.ok(has('maar-dp', 'pulley') && has('maar-dp', 'tls'));
});

test('sources are copied with what they include', (t) => {
  if (!hasTool(t, 'make')) return;
  for (const [name, goal, folder] of [
    ['maar-dp', 'prepare', 'build'],
    ['maar-module', 'host-prepare', 'host'],
  ] as const) {
    make(name, [goal]);
    const root = join(topdir, folder, name);
    const manifest = spawnSync('cargo', ['metadata', '--no-deps', '--format-version', '1', '--offline'], {
      cwd: join(root, 'wasmtime'),
      encoding: 'utf8',
    });
    assert.equal(manifest.status, 0, manifest.stderr);
    for (const source of globSync('wasmtime/*/src/*.rs', { cwd: root })) {
      const text = readFileSync(join(root, source), 'utf8');
      for (const [, path] of text.matchAll(/#\[path = "(.*)"\]/g)) {
        const included = join(root, source, '..', path!);
        assert.ok(existsSync(included), `${relative(root, included)} of ${source}`);
      }
    }
  }
});

test('the module is compiled for the target, or for the interpreter', (t) => {
  if (!hasTool(t, 'make')) return;
  program(join(topdir, 'hostpkg/bin/maar-compile'));
  const compiled = (ARCH: string, RUSTC_TARGET_ARCH: string): string[] =>
    make('maar-module', ['compile'], { ARCH, RUSTC_TARGET_ARCH })
      .trim()
      .split('\n')
      .at(-1)!
      .split(' ')
      .slice(1);
  const cwasm = join(topdir, 'build/maar-module/maar.cwasm');
  const build = join(FEED, '../build');
  for (const [arch, triple, wasm, target] of [
    ['aarch64', 'aarch64-unknown-linux-musl', 'maar.wasm', 'aarch64-unknown-linux-musl'],
    ['riscv64', 'riscv64gc-unknown-linux-musl', 'maar-scalar.wasm', 'pulley64'],
    ['mipsel', 'mipsel-unknown-linux-musl', 'maar-scalar.wasm', 'pulley32'],
  ] as const) {
    assert.deepEqual(compiled(arch, triple), [join(build, wasm), cwasm, target]);
  }
});

test('the module is installed where the init script looks for it, for root alone to write', (t) => {
  if (!hasTool(t, 'make')) return;
  const path = /^MODULE=(.*)$/m.exec(readFileSync(join(FILES, 'etc/init.d/maar'), 'utf8'))![1]!;
  mkdirSync(join(topdir, 'build/maar-module'), { recursive: true });
  writeFileSync(join(topdir, 'build/maar-module/maar.cwasm'), '', { mode: 0o666 });
  make('maar-module', ['install-maar-module']);
  assert.equal(statSync(join(topdir, 'root/maar-module', path)).mode & 0o777, 0o644);
});
