import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scenarios } from '../../../host/lab/scenarios/index.ts';
import { failures } from '../../scenarios/report.ts';
import { openSim } from '../../support/sim-lab.ts';

/** Scenarios of any scheme, with this one. */
const CARRIED = [
  'figure1',
  'both-move',
  'ping-pong',
  'return-home',
  'new-session',
  'fixed-cn',
  'idle-release',
  'maar-restart',
  'peer-down',
  'stolen-mac',
  'lost-messages',
];

for (const name of CARRIED) {
  test(name, async () => {
    const scenario = scenarios.find((each) => each.name === name);
    assert.ok(scenario !== undefined);
    const lab = await openSim({ scheme: 'luo', seed: 7, ...scenario.options });
    try {
      assert.equal(failures(await scenario.run(lab)), '');
    } finally {
      await lab.close();
    }
  });
}
