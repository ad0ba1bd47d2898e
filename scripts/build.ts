/** Compiles the data plane, SIMD and scalar, where its sources have changed since the last build. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const TARGETS: readonly [target: string, path: string][] = [
  ['simd', 'build/maar.wasm'],
  ['scalar', 'build/maar-scalar.wasm'],
];
const STAMP = 'build/stamp';

process.chdir(fileURLToPath(new URL('../', import.meta.url)));

/** Digest of everything that decides what comes out. */
function inputs(): string {
  const sources = readdirSync('assembly', { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts'))
    .map((path) => `assembly/${path}`)
    .sort();
  const hash = createHash('sha256');
  const others = [
    'asconfig.json',
    'bindings/generated/abi.as.ts',
    'node_modules/assemblyscript/package.json',
  ];
  for (const path of [...others, ...sources])
    hash.update(`${path}\0`).update(readFileSync(path)).update('\0');
  return hash.digest('hex');
}

const wanted = inputs();
const built = existsSync(STAMP) && TARGETS.every(([, path]) => existsSync(path));
if (!built || readFileSync(STAMP, 'utf8') !== wanted) {
  mkdirSync('build', { recursive: true });
  for (const [target, path] of TARGETS) {
    const { error, stderr } = await asc.main(['--target', target]);
    process.stderr.write(stderr.toString());
    if (error !== null) {
      console.error(`build: ${path}: ${error.message}`);
      process.exit(1);
    }
  }
  writeFileSync(STAMP, wanted);
  console.error(`built ${TARGETS.map(([, path]) => path).join(' and ')}`);
}
