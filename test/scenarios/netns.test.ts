import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createNetnsLab } from '../../host/lab/netns/netns-lab.ts';
import { netnsObstacle } from '../../host/lab/netns/sandbox.ts';
import { scenarios } from '../../host/lab/scenarios/index.ts';
import { schemeFor } from '../../host/lab/scheme-for.ts';
import { hasTool, missing } from '../support/tools.ts';
import { failures } from './report.ts';

const obstacle = netnsObstacle();
/** Of the scenarios of location management one runs here; `maar lab NAME --backend netns` runs the others. */
const LOCATION = 'query';
/** Runs in test/daemon/commands/lab.test.ts, with every check of its own, where tshark reads what was captured too. */
const MAIN_JOB = 'figure1';

for (const scenario of scenarios.filter(
  ({ name, backends, apart, needs }) =>
    backends.includes('netns') &&
    apart !== true &&
    name !== MAIN_JOB &&
    (needs === undefined || name === LOCATION),
)) {
  const scheme = schemeFor(scenario);
  assert.ok(scheme !== undefined, `no scheme carries ${scenario.name}`);
  test(`${scenario.name} on network namespaces`, async (t) => {
    if (obstacle !== undefined) {
      missing(t, `what the lab needs (${obstacle})`);
      return;
    }
    if (scenario.options?.lm === 'etcd' && !hasTool(t, 'etcd')) return;
    const lab = await createNetnsLab({ scheme, seed: 1, ...scenario.options });
    try {
      assert.equal(failures(await scenario.run(lab)), '');
    } finally {
      await lab.close();
    }
  });
}
