/** A JavaScript Map, which is what one would take without the module. Its keys are strings of 16 characters. */
import type { Engine, Round } from './engine.ts';
import { CALL } from './engine.ts';
import type { Keys, Queries } from './workload.ts';
import { ADDRESS, KEY_RECORD, VALUES } from './workload.ts';

export class MapEngine implements Engine {
  readonly name = 'JavaScript Map';
  readonly paths = [];
  #map = new Map<string, number>();

  takes(keys: Keys): boolean {
    return keys.kind === 'hosts';
  }

  async load(keys: Keys): Promise<void> {
    this.#map = new Map();
    for (let index = 0; index < keys.count; index++) {
      const at = index * KEY_RECORD;
      this.#map.set(keys.octets.toString('latin1', at, at + ADDRESS), index % VALUES);
    }
  }

  /** A Map compacts itself under churn; nothing is measured of it. */
  async churn(): Promise<void> {}

  /** The strings are made before the time runs, but not their hashes. */
  async round(queries: Queries): Promise<Round> {
    let [milliseconds, hits, sum, operations] = [0, 0, 0, 0];
    const keys = new Array<string>(CALL);
    for (let from = 0; from + CALL <= queries.count; from += CALL) {
      for (let index = 0; index < CALL; index++) {
        const at = (from + index) * ADDRESS;
        keys[index] = queries.octets.toString('latin1', at, at + ADDRESS);
      }
      const start = performance.now();
      for (const key of keys) {
        const value = this.#map.get(key);
        if (value === undefined) continue;
        hits++;
        sum += value;
      }
      milliseconds += performance.now() - start;
      operations += CALL;
    }
    return { nanoseconds: milliseconds * 1e6, operations, hits, sum };
  }

  close(): void {
    this.#map = new Map();
  }
}
