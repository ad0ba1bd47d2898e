import { readFileSync } from 'node:fs';
import type { DataPlane, DataPlaneOptions } from '../../bindings/dataplane.ts';
import { wasmDataPlane } from '../../bindings/node/dataplane.ts';
import { ReferenceDataPlane } from '../../bindings/reference/dataplane.ts';
import { PairedDataPlane } from '../../bindings/reference/paired.ts';

export const BUILDS = ['maar', 'maar-scalar'] as const;

export function wasm(build: (typeof BUILDS)[number], options: DataPlaneOptions): DataPlane {
  return wasmDataPlane(readFileSync(new URL(`../../build/${build}.wasm`, import.meta.url)), options);
}

/** A build of the module and the reference, judged against each other at every call. */
export function paired(build: (typeof BUILDS)[number], options: DataPlaneOptions): DataPlane {
  return new PairedDataPlane(
    { name: build, plane: wasm(build, options) },
    { name: 'reference', plane: new ReferenceDataPlane(options) },
  );
}
