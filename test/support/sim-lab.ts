import { readFileSync } from 'node:fs';
import type { Lab, LabOptions } from '../../host/lab/lab.ts';
import { createSimLab } from '../../host/lab/sim-lab.ts';

/** The compiled data plane. */
export const wasm = new Uint8Array(readFileSync(new URL('../../build/maar.wasm', import.meta.url)));

/** A simulated domain, up, on the compiled data plane. */
export function openSim(options: LabOptions): Promise<Lab> {
  return createSimLab(options, wasm);
}
