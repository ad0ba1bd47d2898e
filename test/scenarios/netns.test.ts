import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNetnsLab } from '../../host/lab/netns/netns-lab.ts';
import { netnsObstacle } from '../../host/lab/netns/sandbox.ts';
import { scenarios } from '../../host/lab/scenarios/index.ts';
import { defaultScheme } from '../../host/schemes/registry.ts';
import { missing } from '../support/tools.ts';
import { failures } from './report.ts';

const obstacle = netnsObstacle();

for (const scenario of scenarios.filter(
  ({ backends, apart }) => backends.includes('netns') && apart !== true,
)) {
  test(`${scenario.name} on network namespaces`, async (t) => {
    if (obstacle !== undefined) {
      missing(t, `what the lab needs (${obstacle})`);
      return;
    }
    const lab = await createNetnsLab({ scheme: defaultScheme, seed: 1, ...scenario.options });
    try {
      assert.equal(failures(await scenario.run(lab)), '');
    } finally {
      await lab.close();
    }
  });
}
