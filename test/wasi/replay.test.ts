import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { loadReplayFile } from '../../host/daemon/commands/replay.ts';
import { leavingByInterface, leavingCapture } from '../../host/daemon/replay/output.ts';
import { replay } from '../../host/daemon/replay/replay.ts';
import { parseCapture } from '../../host/wire/capture.ts';
import { writePcap } from '../../host/wire/pcap.ts';
import { writePcapng } from '../../host/wire/pcapng.ts';
import { wasm } from '../dataplane/engines.ts';
import { CASES, golden } from './replay-cases.ts';
import { hasIwasm, hasWasmtime, underIwasm, underNode, underWasmtime, workFolder } from './runtimes.ts';
import type { Command, Runtime } from './runtimes.ts';

const MUTATIONS = 60;
const launcher = new URL('../../bin/maar.js', import.meta.url).pathname;

/** What Node writes for a capture; undefined where it refuses the capture. */
function onNode(entries: string, capture: Uint8Array, format: 'pcap' | 'pcapng'): Uint8Array | undefined {
  const file = loadReplayFile(entries);
  assert.ok(file.ok);
  const parsed = parseCapture(capture);
  if (!parsed.ok) return undefined;
  const result = replay(file.value, parsed.capture, wasm('maar', file.value.options));
  try {
    return format === 'pcap' ? writePcap(leavingCapture(result)) : writePcapng(leavingByInterface(result));
  } catch (error) {
    // A time that the format cannot express.
    assert.ok(error instanceof RangeError);
    return undefined;
  }
}

function sameAsOnNode(run: Runtime, command: Command, name: string, folder: string, entries?: string): void {
  writeFileSync(join(folder, 'entries.json'), entries ?? readFileSync(golden(name, 'entries.json')));
  copyFileSync(golden(name, 'in.pcapng'), join(folder, 'in.pcapng'));
  for (const format of ['pcap', 'pcapng'] as const) {
    const args = ['replay', '--entries', 'entries.json', 'in.pcapng', `out.${format}`];
    const { code, stdout, stderr } = run(command, folder, args);
    assert.equal(stderr, '', name);
    assert.equal(code, 0, name);
    const expected = onNode(join(folder, 'entries.json'), readFileSync(golden(name, 'in.pcapng')), format);
    assert.deepEqual(
      readFileSync(join(folder, `out.${format}`)),
      Buffer.from(expected!),
      `${name} ${format}`,
    );
    if (format === 'pcap' || run !== underNode || entries !== undefined) continue;
    const node = spawnSync(process.execPath, [launcher, ...args, '--engine', 'wasm'], { cwd: folder });
    assert.equal(stdout.toString(), node.stdout.toString(), `${name}: the report`);
  }
}

test('every golden capture gives the same octets as on Node', (t) => {
  const folder = workFolder(t);
  for (const name of CASES) sameAsOnNode(underNode, 'maar-wasi', name, folder);
});

test('the scalar build gives the same octets', (t) => {
  const folder = workFolder(t);
  const run: Runtime = (...args) => underNode(...args);
  for (const name of CASES) sameAsOnNode(run, 'maar-wasi-scalar', name, folder);
});

test('wasmtime: every golden capture gives the same octets as on Node', (t) => {
  if (!hasWasmtime(t)) return;
  const folder = workFolder(t);
  for (const name of CASES) sameAsOnNode(underWasmtime(), 'maar-wasi', name, folder);
});

test('iwasm: every golden capture gives the same octets as on Node', (t) => {
  if (!hasIwasm(t)) return;
  const folder = workFolder(t);
  for (const name of CASES) sameAsOnNode(underIwasm, 'maar-wasi-scalar', name, folder);
});

test('encapsulation limits of every kind of entry act as on Node', (t) => {
  const folder = workFolder(t);
  let limited = 0;
  for (const name of CASES) {
    const file: unknown = JSON.parse(
      readFileSync(golden(name, 'entries.json'), 'utf8'),
      (_, value: unknown) => {
        const entry = value as { readonly kind?: string; readonly limit?: number } | null;
        if ((entry?.kind !== 'tunnel' && entry?.kind !== 'source') || entry.limit !== undefined) return value;
        return { ...entry, limit: limited++ % 3 };
      },
    );
    sameAsOnNode(underNode, 'maar-wasi', name, folder, JSON.stringify(file));
  }
  assert.ok(limited > 10, `${limited} entries`);
});

test('a damaged capture gives what Node gives, or exit code 1 where Node refuses it', (t) => {
  const folder = workFolder(t);
  let state = 1;
  const random = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return (state >>> 8) % below;
  };
  const sources = ['drops', 'fragment', 'hold-release'] as const;
  let refused = 0;
  for (let round = 0; round < MUTATIONS; round++) {
    const name = sources[round % sources.length]!;
    const entries = join(folder, 'entries.json');
    copyFileSync(golden(name, 'entries.json'), entries);
    const capture = readFileSync(golden(name, 'in.pcapng'));
    // Every second round damages only the head, where interfaces and block lengths stand.
    const room = round % 2 === 0 ? capture.length : 200;
    for (let change = 0; change < 1 + (round % 3); change++) capture[random(room)] = random(256);
    const cut = round % 5 === 0 ? capture.subarray(0, random(capture.length)) : capture;
    writeFileSync(join(folder, 'in.pcapng'), cut);
    rmSync(join(folder, 'out.pcapng'), { force: true });
    const args = ['replay', '--entries', 'entries.json', 'in.pcapng', 'out.pcapng'];
    const { code, stderr } = underNode('maar-wasi', folder, args);
    const expected = onNode(entries, cut, 'pcapng');
    const what = `round ${round} of ${name}: ${stderr}`;
    assert.equal(code, expected === undefined ? 1 : 0, what);
    if (expected === undefined) refused++;
    else assert.deepEqual(readFileSync(join(folder, 'out.pcapng')), Buffer.from(expected), what);
  }
  assert.ok(refused > 0 && refused < MUTATIONS, `${refused} refused`);
});

const OPTIONS = '"options": {"locator": "2001:db8::1"}';
const PORTS = '"ports": [{"port": "core"}]';
const file = (entries: string, more = ''): string => `{${OPTIONS}, ${PORTS}, "entries": [${entries}]${more}}`;

const FAULTY: readonly [text: string, message: string][] = [
  ['{', 'line 1, column 2: expected a name in quotes'],
  ['{"options":\n nil}', 'line 2, column 2: expected a value'],
  ['[[[[[[[[[[1]]]]]]]]]]', 'nested too deeply'],
  ['{"options": {"locator": "x"}}', 'options.locator: must be an IPv6 address in quotes'],
  ['{"a": 1, "a": 2}', 'this name stands twice'],
  [`{${OPTIONS}, ${PORTS}}`, 'the file: has no "entries"'],
  [`{${OPTIONS}, "ports": [], "entries": []}`, 'ports: must have one rule at least'],
  [file('{"kind": "peer", "address": "::1", "more": 1}'), 'entries[0].more: unknown key'],
  [file('{"kind": "pear"}'), 'entries[0].kind: must be deliver, tunnel'],
  [
    file('{"kind": "tunnel", "prefix": "2001:db8::1/64", "locator": "::1"}'),
    'entries[0].prefix: must be an IPv6 prefix',
  ],
  [
    file(
      '{"kind": "deliver", "prefix": "2001:db8::/64", "link": 255, "nextHop": "fe80::1", "mac": "02-00-00-00-00-01"}',
    ),
    'entries[0].link: must be a whole number from 0 to 254',
  ],
  [
    file('{"kind": "tunnel", "prefix": "2001:db8::/64", "locator": "2001:db8::2", "limit": 255}'),
    'entries[0].limit: must be a whole number from 0 to 254',
  ],
  [
    file('{"kind": "rewrite", "prefix": "2001:db8:a::/64", "locator": "2001:db8:b::/64", "restore": false}'),
    'entries[0].restore: must be true or absent',
  ],
  [file('{"kind": "peer", "address": "2001:db8::1"}'), 'entries[0]: the data plane answers "invalid"'],
  [
    file('', ', "commands": [{"before": 0, "command": {}}]'),
    'commands[0].before: must be a whole number from 1',
  ],
  [
    `{"options": {"locator": "ff02::1"}, ${PORTS}, "entries": []}`,
    'options: the data plane answers "invalid"',
  ],
];

test('a faulty entries file is refused with exit code 2, and the key is named', (t) => {
  const folder = workFolder(t);
  copyFileSync(golden('encapsulate', 'in.pcapng'), join(folder, 'in.pcapng'));
  for (const [text, message] of FAULTY) {
    writeFileSync(join(folder, 'entries.json'), text);
    const args = ['replay', '--entries', 'entries.json', 'in.pcapng', 'out.pcap'];
    const { code, stderr } = underNode('maar-wasi', folder, args);
    assert.equal(code, 2, text);
    assert.ok(stderr.startsWith('entries.json: '), stderr);
    assert.ok(stderr.includes(message), `${stderr} does not say: ${message}`);
  }
});

test('escapes, dotted quads and hyphens in the entries file mean what they mean on Node', (t) => {
  const folder = workFolder(t);
  const text = readFileSync(golden('encapsulate', 'entries.json'), 'utf8')
    .replaceAll('access0', '\\u0061ccess0')
    .replaceAll('02:00:00:00:00:0a', '02-00-00-00-00-0A')
    .replace('"entries"', '"ent\\u0072ies"')
    .replace('2001:db8:ffff::2', '2001:db8:ffff::0.0.0.2');
  writeFileSync(join(folder, 'entries.json'), text);
  copyFileSync(golden('encapsulate', 'in.pcapng'), join(folder, 'in.pcapng'));
  const args = ['replay', '--entries', 'entries.json', 'in.pcapng', 'out.pcapng'];
  const { code, stderr } = underNode('maar-wasi', folder, args);
  assert.equal(code, 0, stderr);
  assert.deepEqual(
    readFileSync(join(folder, 'out.pcapng')),
    readFileSync(golden('encapsulate', 'out.pcapng')),
  );
});

test('files that are absent or outside of the folder are named', (t) => {
  const folder = workFolder(t);
  const absent = underNode('maar-wasi', folder, ['replay', '--entries', 'none.json', 'a', 'b']);
  assert.deepEqual([absent.code, absent.stderr], [2, 'maar-wasi: none.json: no such file\n']);
  const outside = underNode('maar-wasi', folder, ['replay', '--entries', '/etc/passwd', 'a', 'b']);
  assert.equal(outside.code, 2);
  assert.match(outside.stderr, /not in a folder that this program was given/);
});
