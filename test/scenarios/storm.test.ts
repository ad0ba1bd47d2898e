import assert from 'node:assert/strict';
import { test } from 'node:test';
import { messageOf } from '../../host/core/error-message.ts';
import { findScheme } from '../../host/schemes/registry.ts';
import { FaultCount } from '../support/fault-count.ts';
import { Storm, type Arrangement } from './storm/domain.ts';
import { FAULTS } from './storm/weather.ts';

/**
 * MAAR_STORM_SEEDS sets how many domains are tried with each scheme and design; MAAR_STORM_SEED and MAAR_STORM_SCHEME choose one
 * alone, as a broken invariant names it.
 */
const ONE = Number(process.env['MAAR_STORM_SEED'] ?? 0);
const ONLY = process.env['MAAR_STORM_SCHEME'];
const SEEDS =
  ONE > 0 ? [ONE] : Array.from({ length: Number(process.env['MAAR_STORM_SEEDS'] ?? 2) }, (_, i) => i + 1);
const STEPS = 30;

/** Domains beyond the default ones in which something broke once. */
const KEPT: Readonly<Record<string, readonly [scheme: string, seed: number]>> = {
  'a home is promised no longer than it is leased': ['luo gateway-query', 41],
  'an anchor asks again where a home is if nobody answered': ['luo gateway-query', 60],
  'an anchor that restarts unheard finds the homes that it leases': ['luo gateway-query', 57],
};

const luo = findScheme('luo')?.designs ?? [];
const ARRANGEMENTS: Readonly<Record<string, Arrangement>> = {
  romip: { scheme: 'romip' },
  ...Object.fromEntries(
    luo.map(({ name, options, anycast }): [string, Arrangement] => [
      `luo ${name}`,
      { scheme: 'luo', schemeOptions: options, ...(anycast === true ? { anycast: 'b2' } : {}) },
    ]),
  ),
};

async function run(name: string, seed: number): Promise<Storm> {
  const storm = new Storm(ARRANGEMENTS[name]!, seed);
  let step = 0;
  try {
    await storm.begin();
    for (; step < STEPS; step++) await storm.step();
    await storm.settle();
  } catch (error) {
    const when = step < STEPS ? `in step ${step}` : 'after all steps';
    const again = `MAAR_STORM_SEED=${seed} MAAR_STORM_SCHEME='${name}' node bin/node.js --test test/scenarios/storm.test.ts`;
    throw new Error(`seed ${seed}, ${name}, ${when}: ${messageOf(error)}\n  again: ${again}`, {
      cause: error,
    });
  } finally {
    await storm.lab.close();
  }
  return storm;
}

const all = new FaultCount(FAULTS);
for (const name of Object.keys(ARRANGEMENTS).filter((each) => ONLY === undefined || each === ONLY)) {
  test(`${SEEDS.length} storms over a domain with ${name}`, async (t) => {
    const count = new FaultCount(FAULTS);
    let circles = 0;
    for (const seed of SEEDS) {
      const storm = await run(name, seed);
      count.take(storm.count);
      circles += storm.circles;
    }
    t.diagnostic(
      `${SEEDS.length} domains, faults injected: ${count.toString()}; packets in a circle: ${circles}`,
    );
    all.take(count);
  });
}

test('every kind of fault was injected', { skip: ONE > 0 || ONLY !== undefined }, () => {
  for (const fault of FAULTS) assert.ok(all.of(fault) > 0, `no ${fault} in any domain`);
});

for (const [what, [name, seed]] of Object.entries(KEPT)) {
  test(what, { skip: ONE > 0 || ONLY !== undefined }, async () => {
    await run(name, seed);
  });
}
