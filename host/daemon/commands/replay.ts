import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import type { DataPlane, DataPlaneOptions } from '../../../bindings/dataplane.ts';
import { wasmDataPlane } from '../../../bindings/node/dataplane.ts';
import { ReferenceDataPlane } from '../../../bindings/reference/dataplane.ts';
import { PairedDataPlane } from '../../../bindings/reference/paired.ts';
import { messageOf } from '../../core/error-message.ts';
import { parseCapture } from '../../wire/capture.ts';
import type { Capture } from '../../wire/capture.ts';
import { writePcap } from '../../wire/pcap.ts';
import { writePcapng } from '../../wire/pcapng.ts';
import { checkConfig, formatFaults } from '../config/load.ts';
import type { LoadedConfig } from '../config/load.ts';
import { leavingByInterface, leavingCapture, verdictCounts } from '../replay/output.ts';
import { CommandRefused, ReplayDiffers, replay } from '../replay/replay.ts';
import type { Replay } from '../replay/replay.ts';
import { replaySchema } from '../replay/schema.ts';
import type { ReplayFile } from '../replay/schema.ts';
import { UsageError } from '../usage.ts';

const compiled = import.meta.url.endsWith('.js');

type MakePlane = (options: DataPlaneOptions) => DataPlane;

const ENGINES: Readonly<Record<string, MakePlane>> = {
  wasm: (options) => module('maar', options),
  'wasm-scalar': (options) => module('maar-scalar', options),
  twin: (options) => new ReferenceDataPlane(options),
  both: (options) =>
    new PairedDataPlane(
      { name: 'wasm', plane: module('maar', options) },
      { name: 'twin', plane: new ReferenceDataPlane(options) },
    ),
};

function module(build: string, options: DataPlaneOptions): DataPlane {
  const file = new URL(`${compiled ? '../' : ''}../../../build/${build}.wasm`, import.meta.url);
  return wasmDataPlane(readFileSync(file), options);
}

/**
 * `maar replay`: the packets of a capture through the data plane, what leaves into another capture.
 * Resolves to the exit code: 0, 1 where the engines differ or the capture is damaged, 2 for a faulty entries file.
 * Throws a UsageError.
 */
export async function replayCommand(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      entries: { type: 'string' },
      engine: { type: 'string', default: 'both' },
      json: { type: 'boolean', default: false },
    },
  });
  const [input, output, ...rest] = positionals;
  if (values.entries === undefined) throw new UsageError('replay needs --entries FILE');
  if (input === undefined || output === undefined || rest.length > 0) {
    throw new UsageError('replay needs two files: IN.pcap and OUT.pcap');
  }
  const makePlane = Object.hasOwn(ENGINES, values.engine) ? ENGINES[values.engine] : undefined;
  if (makePlane === undefined) {
    throw new UsageError(`--engine ${values.engine}: must be ${Object.keys(ENGINES).join(', ')}`);
  }
  const file = loadReplayFile(values.entries);
  if (!file.ok) {
    process.stderr.write(formatFaults(file.faults));
    return 2;
  }
  const captured = parseCapture(readInput(input));
  if (!captured.ok) {
    process.stderr.write(`maar replay: ${input}: ${captured.fault}, at octet ${captured.offset}\n`);
    return 1;
  }
  return run(file.value, captured.capture, makePlane, {
    entries: values.entries,
    engine: values.engine,
    output,
    json: values.json,
  });
}

interface Settings {
  readonly entries: string;
  readonly engine: string;
  readonly output: string;
  readonly json: boolean;
}

function run(file: ReplayFile, capture: Capture, makePlane: MakePlane, settings: Settings): number {
  let plane: DataPlane;
  try {
    plane = makePlane(file.options);
  } catch (error) {
    process.stderr.write(`${settings.entries}: options: ${messageOf(error)}\n`);
    return 2;
  }
  let result: Replay;
  try {
    result = replay(file, capture, plane);
  } catch (error) {
    if (error instanceof ReplayDiffers) {
      process.stderr.write(`maar replay: engines differ at packet ${error.packet}: ${error.message}\n`);
      return 1;
    }
    if (error instanceof CommandRefused) {
      process.stderr.write(`${settings.entries}: ${error.key}: ${error.message}; see docs/replay.md\n`);
      return 2;
    }
    throw error;
  }
  const pcapng = settings.output.endsWith('.pcapng');
  writeFileSync(
    settings.output,
    pcapng ? writePcapng(leavingByInterface(result)) : writePcap(leavingCapture(result)),
  );
  process.stdout.write(
    settings.json ? jsonReport(result, capture, settings.engine) : textReport(result, capture),
  );
  return 0;
}

/** Reads and checks an entries file. */
export function loadReplayFile(path: string): LoadedConfig<ReplayFile> {
  let raw: unknown;
  try {
    raw = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    const remedy = `must be a readable JSON file: ${messageOf(error)}`;
    return { ok: false, faults: [{ file: path, key: '', value: undefined, remedy }] };
  }
  return checkConfig(path, raw, replaySchema);
}

function readInput(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError(messageOf(error));
  }
}

function jsonReport(result: Replay, capture: Capture, engine: string): string {
  const { skipped, counters, events } = result;
  const document = {
    engine,
    packets: capture.packets.length,
    skipped,
    verdicts: verdictCounts(result),
    counters,
    events,
  };
  return `${JSON.stringify(document)}\n`;
}

function textReport(result: Replay, capture: Capture): string {
  const rows = (table: Readonly<Record<string, number>>): string =>
    Object.entries(table)
      .filter(([, value]) => value !== 0)
      .map(([name, value]) => `  ${name.padEnd(26)} ${value}\n`)
      .join('');
  const skipped = result.skipped === 0 ? '' : `, ${result.skipped} skipped (no IPv6, or no port rule)`;
  return (
    `packets ${capture.packets.length}${skipped}\n` +
    `verdicts\n${rows(verdictCounts(result))}counters\n${rows(result.counters)}events ${result.events.length}\n`
  );
}
