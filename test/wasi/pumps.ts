/** Pumps under wasmtime, and requests written by hand. */
import type { TestContext } from 'node:test';
import type { DataPlane, DataPlaneOptions, PacketIn, PacketOut } from '../../bindings/dataplane.ts';
import type { Command, CommandStatus, DataPlaneEvent } from '../../bindings/entries.ts';
import { HEADER_SIZE } from '../../bindings/generated/pump.ts';
import { wasmDataPlane } from '../../bindings/node/dataplane.ts';
import { PumpExports } from '../../bindings/node/pump.ts';
import { PumpProcess } from '../../host/io/pump-process.ts';
import { PumpPipes } from '../../host/io/worker/pump-pipes.ts';
import { WASMTIME } from '../../scripts/wasmtime.ts';
import { built } from './runtimes.ts';
import type { Command as Build } from './runtimes.ts';

/** A data plane under `wasmtime run`, which ends with the test. */
export function pumped(t: TestContext, options: DataPlaneOptions, build: Build = 'maar-wasi'): DataPlane {
  const process = new PumpProcess(WASMTIME, built(build), (error) => {
    throw error;
  });
  t.after(() => process.end());
  return wasmDataPlane(new PumpExports(new PumpPipes(process.ends).exchange), options);
}

/** A data plane in this process, of which no more is seen than a pump shows: dropped packets do not come back. */
export class Shown implements DataPlane {
  readonly #plane: DataPlane;

  constructor(plane: DataPlane) {
    this.#plane = plane;
  }

  apply(commands: readonly Command[], now: number): CommandStatus[] {
    return this.#plane.apply(commands, now);
  }

  process(batch: readonly PacketIn[], now: number): PacketOut[] {
    return this.#plane
      .process(batch, now)
      .map((output) => (output.verdict.action === 'drop' ? { ...output, data: new Uint8Array() } : output));
  }

  events(): DataPlaneEvent[] {
    return this.#plane.events();
  }

  counters(): Readonly<Record<string, number>> {
    return this.#plane.counters();
  }

  dump(): ReturnType<DataPlane['dump']> {
    return this.#plane.dump();
  }

  deadline(): number | undefined {
    return this.#plane.deadline();
  }
}

export function request(kind: number, body: Uint8Array = new Uint8Array(), now = 0n): Uint8Array {
  const octets = new Uint8Array(HEADER_SIZE + body.length);
  const view = new DataView(octets.buffer);
  view.setUint32(0, body.length, true);
  view.setUint8(4, kind);
  view.setBigUint64(8, now, true);
  octets.set(body, HEADER_SIZE);
  return octets;
}
