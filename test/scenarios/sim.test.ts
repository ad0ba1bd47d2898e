import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Scenario, ScenarioResult } from '../../host/lab/lab.ts';
import { scenarios } from '../../host/lab/scenarios/index.ts';
import { schemeFor } from '../../host/lab/scheme-for.ts';
import { defaultScheme, schemeNames } from '../../host/schemes/registry.ts';
import { assertScapyAgrees, assertTsharkAgrees, Frames } from '../support/frames.ts';
import { openSim } from '../support/sim-lab.ts';
import { pythonWithScapy } from '../support/tools.ts';
import { hasPlugins } from '../support/wireshark.ts';
import { failures } from './report.ts';

const SEEDS = [1, 7];
/** Of all runs with the first seed, for those who judge captures. */
const frames = new Frames();

/**
 * What every scheme that carries sessions on has to pass: nothing in these scenarios is about one draft's messages. With
 * a scheme that is not its own each runs once.
 */
const COMMON = [
  'ping-pong',
  'zero-loss-silence',
  'buffer-overflow',
  'buffer-orphan',
  'silent-receiver',
  'maar-restart',
  'aaa-down',
  'peer-down',
  'path-mtu',
  'spoofed-tunnel',
  'idle-release',
];
/** The scheme that carries none on. */
const NATIVE = 'none';

async function passes(scenario: Scenario, scheme: string, seed: number): Promise<void> {
  const lab = await openSim({ scheme, seed, ...scenario.options });
  try {
    const result = await scenario.run(lab);
    if (seed === SEEDS[0]) frames.add(await lab.captured());
    assert.equal(failures(result), '');
  } finally {
    await lab.close();
  }
}

for (const scenario of scenarios.filter(({ backends }) => backends.includes('sim'))) {
  const own = schemeFor(scenario);
  assert.ok(own !== undefined, `no scheme carries ${scenario.name}`);
  for (const seed of SEEDS) test(`${scenario.name}, seed ${seed}`, () => passes(scenario, own, seed));
  if (!COMMON.includes(scenario.name)) continue;
  for (const scheme of schemeNames().filter((name) => name !== own && name !== NATIVE)) {
    test(`${scenario.name} with ${scheme}`, () => passes(scenario, scheme, SEEDS[0]!));
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

/** What goes over the links of other schemes and in another wire profile is judged too; how sessions fare is not. */
const others = [
  ...schemeNames()
    .filter((scheme) => scheme !== defaultScheme)
    .map((scheme) => ({ scheme })),
  { scheme: 'romip', schemeOptions: { profile: 'romip-iana' } },
];
for (const options of others) {
  test(`captures of ${JSON.stringify(options)}`, async () => {
    const lab = await openSim({ ...options, seed: SEEDS[0]! });
    try {
      await scenarios[0]!.run(lab);
      frames.add(await lab.captured());
    } finally {
      await lab.close();
    }
  });
}

test('scapy sees in every frame of every capture what our parsers see', (t) => {
  const python = pythonWithScapy(t);
  if (python !== undefined) assertScapyAgrees(python, frames.packets);
});

test('tshark names every message of every capture and reads what maar decode reads', (t) => {
  if (!hasPlugins(t)) return;
  const names = assertTsharkAgrees(frames.packets);
  for (const name of ['BRR', 'AAR', 'STA'])
    assert.ok(names.has(name), `no ${name} among ${[...names.keys()].join()}`);
});
