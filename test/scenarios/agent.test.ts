import assert from 'node:assert/strict';
import { test } from 'node:test';
import { agentEngine } from '../../host/lab/agent-programs.ts';
import { createNetnsLab } from '../../host/lab/netns/netns-lab.ts';
import { scenarios } from '../../host/lab/scenarios/index.ts';
import { defaultScheme } from '../../host/schemes/registry.ts';
import { hasNetns } from '../lab/netns/support.ts';
import { missing } from '../support/tools.ts';
import { failures } from './report.ts';

const programs = await agentEngine();

/** Every other scenario of real kernels runs so too (`maar lab --dataplane wasmtime`); these show what differs. */
const NAMES = ['figure1', 'zero-loss', 'headless', 'dp-crash'];

for (const scenario of scenarios.filter(({ name }) => NAMES.includes(name))) {
  test(`${scenario.name} with control apart from native agents`, async (t) => {
    if (!hasNetns(t)) return;
    if ('obstacle' in programs) {
      missing(t, programs.obstacle);
      return;
    }
    const lab = await createNetnsLab({
      scheme: defaultScheme,
      seed: 1,
      dataPlane: programs,
      ...scenario.options,
    });
    try {
      assert.equal(failures(await scenario.run(lab)), '');
    } finally {
      await lab.close();
    }
  });
}
