/** Compiles the data plane, SIMD and scalar, where its sources have changed since the last build. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

interface Target {
  readonly config: string;
  readonly target: 'simd' | 'scalar';
  readonly path: string;
}

/** The data plane alone, and as a command for WASI (docs/wasi.md). */
const TARGETS: readonly Target[] = [
  { config: 'asconfig.json', target: 'simd', path: 'build/maar.wasm' },
  { config: 'asconfig.json', target: 'scalar', path: 'build/maar-scalar.wasm' },
  { config: 'wasi.asconfig.json', target: 'simd', path: 'build/maar-wasi.wasm' },
  { config: 'wasi.asconfig.json', target: 'scalar', path: 'build/maar-wasi-scalar.wasm' },
];
const COMPILER = 'node_modules/assemblyscript/bin/asc.js';
const OPTIMISER = 'node_modules/binaryen/bin/wasm-opt';
/**
 * First every function by itself, for size: only accessors are taken into their callers, so that what `COLD` names can
 * still be told apart.
 */
const SETTLE = [
  '-Oz',
  '--always-inline-max-function-size=3',
  '--flexible-inline-max-function-size=3',
  '--one-caller-inline-max-function-size=1',
];
/** Then the way of a packet for speed: calls cost a seventh of its time under V8, which does not inline them. */
const INLINE = [
  '-O3',
  '--inline-functions-with-loops',
  '--always-inline-max-function-size=120',
  '--flexible-inline-max-function-size=300',
  '--one-caller-inline-max-function-size=2000',
];
/**
 * Functions that no packet in transit enters, or few: left as calls, they cost neither room in every caller nor registers
 * on the way of all others. Whatever a command, an error or an event alone needs belongs here.
 */
const COLD = [
  'mem/areas/measure',
  'mem/areas/place',
  'mem/areas/records',
  'mem/areas/recordSize',
  // Not cold, but taken in three times it gained nothing measurable for 1,200 octets.
  'path/access/toDestination',
  'path/access/unknownSource',
  'path/clamp/*',
  'path/commands/*',
  'path/core/behindHeaders',
  'path/core/toUs',
  'path/core/unknownDestination',
  'path/encapsulate/sendFragments',
  'path/errors/*',
  'path/hold/*',
  'path/limit/*',
  'path/lookup/destinationAgain',
  'path/lookup/flowOf',
  'path/lookup/lookupFlows',
  'path/reassemble/*',
  'path/rewrite/toOtherAddress',
  'stats/events/*',
  'table/adjacency/adjacencyAcquire',
  'table/adjacency/adjacencyRelease',
  'table/adjacency/headOf',
  'table/adjacency/learnMtu',
  'table/ageing/stamp',
  'table/ageing/turnEpoch',
  'table/bucket/bucketsFor',
  'table/bucket/clear',
  'table/bucket/findAway',
  'table/bucket/move',
  'table/bucket/place',
  'table/bucket/settle',
  'table/bucket/strayOf',
  'table/flow/insert',
  'table/list/*',
  'table/match/findRest',
  'table/prefix/prefixFind',
  'table/prefix/prefixInsert',
  'table/prefix/prefixLength',
  'table/prefix/prefixMasks',
  'table/prefix/prefixRemove',
  'table/prefix/prefixReset',
  'table/tables/*',
  'table/tuple/*',
];
/** What the WASI command has beside the data plane: none of it is on the way of a packet. */
const PROGRAM = 'wasi/*';
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
    'scripts/build.ts',
    'asconfig.json',
    'wasi.asconfig.json',
    'bindings/generated/abi.as.ts',
    'bindings/generated/names.as.ts',
    'bindings/generated/pump.as.ts',
    'node_modules/assemblyscript/package.json',
  ];
  for (const path of [...others, ...sources])
    hash.update(`${path}\0`).update(readFileSync(path)).update('\0');
  return hash.digest('hex');
}

/** Compiles one target; throws what the compiler said where it fails. */
async function compile({ config, target, path }: Target): Promise<void> {
  const options = ['--config', config, '--target', target];
  const { stderr } = await promisify(execFile)(process.execPath, [COMPILER, ...options]);
  process.stderr.write(stderr);
  const named = readFileSync(path, 'latin1');
  const isCommand = config !== TARGETS[0]!.config;
  // The command leaves out what it does not call.
  const gone = (isCommand ? [PROGRAM] : COLD).find(
    (name) => !named.includes(`assembly/${name.replace('*', '')}`),
  );
  if (gone !== undefined) throw new Error(`scripts/build.ts: no function of the module is named ${gone}`);
  // Nothing lies below 1,024 (`memoryBase`), so constants added to an address may go into the offset of its access.
  const features = [
    '--all-features',
    '--low-memory-unused',
    ...(target === 'simd' ? [] : ['--disable-simd']),
  ];
  const cold = [...COLD, PROGRAM].map((name) => `--no-inline=assembly/${name}`);
  for (const passes of [
    ['-g', ...SETTLE],
    [...cold, ...INLINE, '--strip-producers'],
  ]) {
    await promisify(execFile)(process.execPath, [OPTIMISER, path, '-o', path, ...features, ...passes]);
  }
}

const wanted = inputs();
const built = existsSync(STAMP) && TARGETS.every(({ path }) => existsSync(path));
if (!built || readFileSync(STAMP, 'utf8') !== wanted) {
  mkdirSync('build', { recursive: true });
  try {
    await Promise.all(TARGETS.map(compile));
  } catch (error) {
    console.error((error as { stderr?: string }).stderr ?? error);
    process.exit(1);
  }
  writeFileSync(STAMP, wanted);
  console.error(`built ${TARGETS.map(({ path }) => path).join(', ')}`);
}
