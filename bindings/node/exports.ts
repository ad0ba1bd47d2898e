/** What a host calls of the data plane, wherever it runs: in this process, or at the other end of a pipe. */

/** The exports of the module (bindings/abi/v1/README.md); u32 results may arrive signed. */
export interface ModuleExports {
  /** The linear memory, or a copy of the parts of it that are named by `base`; its `buffer` stays after `init`. */
  readonly memory: { readonly buffer: ArrayBuffer };
  abi_version(): number;
  /** Capacities in the order of the ABI, then seed, locator (high, low), MTU of the core and flags. */
  init(...parameters: (number | bigint)[]): number;
  base(area: number): number;
  extent(area: number): number;
  apply(count: number): number;
  process(count: number, now: bigint): number;
  events(): number;
  deadline(): bigint;
  lookup(count: number, now: bigint): number;
  entries(table: number, from: number): number;
  /** Where `memory` is a copy: brings the area of the counters up to date. */
  counters?(): void;
}

/** An instance of the compiled module in this process. */
export function instantiate(bytes: Uint8Array<ArrayBuffer>): ModuleExports {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {});
  return exports as unknown as ModuleExports;
}
