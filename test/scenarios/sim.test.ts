import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ScenarioResult } from '../../host/lab/lab.ts';
import { scenarios } from '../../host/lab/scenarios/index.ts';
import { defaultScheme } from '../../host/schemes/registry.ts';
import { openSim } from '../support/sim-lab.ts';
import { failures } from './report.ts';

const SEEDS = [1, 7];

for (const scenario of scenarios.filter(({ backends }) => backends.includes('sim'))) {
  for (const seed of SEEDS) {
    test(`${scenario.name}, seed ${seed}`, async () => {
      const lab = await openSim({ scheme: defaultScheme, seed, ...scenario.options });
      try {
        assert.equal(failures(await scenario.run(lab)), '');
      } finally {
        await lab.close();
      }
    });
  }
}

test('the same seed gives the same run', async () => {
  const run = async (): Promise<ScenarioResult> => {
    const lab = await openSim({ scheme: defaultScheme, seed: 3 });
    const result = await scenarios[0]!.run(lab);
    await lab.close();
    return result;
  };
  assert.deepEqual(await run(), await run());
});
