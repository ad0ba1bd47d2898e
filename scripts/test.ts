/**
 * `npm test`: every check of the repository, one after the other but for the lint, summed into one line.
 * Each check that is no test runner counts as one test.
 */
import { spawn } from 'node:child_process';
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { run } from 'node:test';
import { cargo, cargoBuild } from '../host/lab/cargo.ts';

const strict = process.env['CI'] === 'true';
if (strict) process.env['MAAR_REQUIRE_TOOLS'] = '1';
// Hundreds of processes load the same modules: compiled by the first, a daemon starts in half the processor time.
const compiled = mkdtempSync(join(tmpdir(), 'maar-compiled-'));
process.env['NODE_COMPILE_CACHE'] = compiled;
// A process that a test has left to end by itself may still add to it.
process.on('exit', () => rmSync(compiled, { recursive: true, force: true, maxRetries: 10 }));

interface Counts {
  passed: number;
  failed: number;
  skipped: number;
}

/** Tests that take a whole machine: namespaces, timing, installs. They run one at a time, after the others. */
const ALONE = ['test/io/', 'test/lab/', 'test/daemon/', 'test/package/', 'test/scenarios/'];

/** What stands in these folders and only computes runs with the others. The first take longest, and begin first. */
const COMPUTING = [
  'test/scenarios/{sim,leases}.test.ts',
  'test/lab/{compare,sim-lab}.test.ts',
  'test/lab/report/*.test.ts',
  'test/daemon/{config-maar,main}.test.ts',
  'test/daemon/config/*.test.ts',
  'test/daemon/commands/{decode,replay}.test.ts',
  'test/io/{clock,journal,sources}.test.ts',
];

/** Against hanging: the longest file takes a third of it where nothing else runs. */
const FILE_TIMEOUT = 900_000;

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

/** Runs a program under the pinned Node; its output is kept back unless it fails. */
function node(args: readonly string[]): Promise<{ code: number; output: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const keep = (chunk: Buffer): void => void (output += chunk.toString());
    child.stdout.on('data', keep);
    child.stderr.on('data', keep);
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

async function timed(name: string, work: () => Promise<{ counts: Counts; report: string }>): Promise<Counts> {
  const start = performance.now();
  const { counts, report } = await work();
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  const failed = counts.failed > 0 ? `, ${counts.failed} FAILED` : '';
  const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
  say(`${name}: ${counts.passed} passed${failed}${skipped} (${seconds} s)`);
  if (report !== '') say(report);
  return counts;
}

function check(name: string, args: readonly string[]): Promise<Counts> {
  return timed(name, async () => {
    const { code, output } = await node(args);
    const passed = code === 0;
    return {
      counts: { passed: Number(passed), failed: Number(!passed), skipped: 0 },
      report: passed ? '' : output.trimEnd(),
    };
  });
}

/** as-pect exits 0 when it finds no test at all, so the number it ran is compared with the one in count.json. */
function asPect(): Promise<Counts> {
  return timed('as-pect', async () => {
    const { code, output } = await node(['node_modules/@as-pect/cli/bin/asp.js', '--verbose']);
    const { tests: expected } = JSON.parse(readFileSync('test/assembly/count.json', 'utf8')) as {
      tests: number;
    };
    const plain = output.replace(/\x1b\[[0-9;]*m/g, '');
    const files = [...plain.matchAll(/(\d+) pass,\s+(\d+) fail,\s+(\d+) total/g)];
    const sum = (group: number): number => files.reduce((total, file) => total + Number(file[group]), 0);
    const passed = sum(1);
    const ran = sum(3);
    const faults: string[] = [];
    if (code !== 0 || sum(2) > 0) faults.push(plain.trimEnd());
    if (ran !== expected) {
      faults.push(
        `as-pect ran ${ran} tests and test/assembly/count.json says ${expected}: correct whichever is wrong`,
      );
    }
    return {
      counts: { passed, failed: Math.max(sum(2), Number(faults.length > 0)), skipped: 0 },
      report: faults.join('\n'),
    };
  });
}

/** Before the tests that start its programs: these have a time limit, and wasmtime takes minutes the first time. */
function rust(): Promise<Counts> {
  return timed('cargo test', async () => {
    const counts = (passed: number, failed: number, skipped: number): Counts => ({ passed, failed, skipped });
    const known = await cargo(['--version']);
    if (known.code !== 0) return { counts: counts(0, 0, 1), report: `skipped: cargo: ${known.output}` };
    const common = ['--release', '--locked', '--jobs', '2'];
    const built = await cargo(['build', ...common]);
    const tested =
      built.code === 0 ? await cargo(['test', '--workspace', '--exclude', 'maar-capi-*', ...common]) : built;
    const agent = await cargoBuild('maar-dp');
    const report = tested.code !== 0 ? tested.output : 'obstacle' in agent ? agent.obstacle : '';
    return { counts: counts(Number(report === ''), Number(report !== ''), 0), report };
  });
}

function nodeTests(name: string, files: readonly string[], concurrency: number): Promise<Counts> {
  return timed(name, async () => {
    const counts: Counts = { passed: 0, failed: 0, skipped: 0 };
    const report: string[] = [];
    const ended = { summed: false };
    const stream = run({ files: [...files], concurrency, timeout: FILE_TIMEOUT });
    stream.on('test:fail', (event) => {
      const { error } = event.details;
      const cause: unknown = error.cause;
      // A parent fails because of its children, which have already been told of.
      if (cause === 'test failed' || /\d+ subtests? failed/.test(String(cause))) return;
      const text = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
      report.push(`FAILED ${relative('.', event.file ?? '')}: ${event.name}\n${text}`);
    });
    stream.on('test:pass', (event) => {
      if (event.skip !== undefined && event.skip !== false) {
        const reason = typeof event.skip === 'string' ? ` (${event.skip})` : '';
        report.push(`skipped ${relative('.', event.file ?? '')}: ${event.name}${reason}`);
      }
    });
    stream.on('test:summary', (summary) => {
      if (summary.file !== undefined) return;
      ended.summed = true;
      counts.passed = summary.counts.passed;
      counts.skipped = summary.counts.skipped;
      counts.failed =
        summary.counts.tests - summary.counts.passed - summary.counts.skipped - summary.counts.todo;
    });
    for await (const _ of stream);
    if (!ended.summed) counts.failed += 1;
    return { counts, report: report.join('\n') };
  });
}

async function main(): Promise<void> {
  const total: Counts = { passed: 0, failed: 0, skipped: 0 };
  const add = (counts: Counts): void => {
    total.passed += counts.passed;
    total.failed += counts.failed;
    total.skipped += counts.skipped;
  };
  // Each of these keeps one processor busy, and the lint takes as long as the others together.
  const lint = check('lint', ['node_modules/eslint/bin/eslint.js', '.']);
  add(
    await check('format', ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.']),
  );
  add(await check('types', ['node_modules/typescript/bin/tsc', '--noEmit']));
  for (const script of globSync('scripts/generate*.ts').sort()) {
    add(await check(`${script} --check`, [script, '--check']));
  }
  add(await check('requirements', ['scripts/check-requirements.ts']));
  if (existsSync('as-pect.config.js')) add(await asPect());
  add(await lint);

  add(await rust());

  const files = globSync('test/**/*.test.ts').sort();
  const computing = COMPUTING.flatMap((pattern) => globSync(pattern).sort());
  const alone = files.filter(
    (file) => ALONE.some((folder) => file.startsWith(folder)) && !computing.includes(file),
  );
  const others = files.filter((file) => !alone.includes(file) && !computing.includes(file));
  add(await nodeTests('tests', [...computing, ...others], 2));
  for (const folder of ALONE) {
    const here = alone.filter((file) => file.startsWith(folder));
    if (here.length > 0) add(await nodeTests(folder.slice(0, -1), here, 1));
  }

  if (strict && total.skipped > 0) {
    say(`${total.skipped} skipped tests count as failed where CI=true`);
    total.failed += total.skipped;
    total.skipped = 0;
  }
  const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
  say(`${total.passed} passed, ${total.failed} failed${skipped}`);
  process.exitCode = total.failed === 0 ? 0 : 1;
}

await main();
