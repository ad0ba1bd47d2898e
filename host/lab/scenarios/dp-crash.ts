import type { Lab, Scenario, ScenarioResult } from '../lab.ts';
import { Checks, slack } from './common/checks.ts';
import { awaitAddress, bindingLists, entriesOnRouter, settle } from './common/domain.ts';
import { handover, silence } from './common/handover.ts';
import { pathsOf, sightings } from './common/packets.ts';
import { outcome, startSession } from './common/session.ts';

/** From the kill until the session runs again. */
const BACK_MILLIS = 1_000;

export const dpCrash: Scenario = {
  name: 'dp-crash',
  summary: 'the data plane is killed, apart from its control, and gets its entries back',
  backends: ['netns'],
  apart: true,
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const { aHoa1, bHoa1, traffic } = await startSession(lab);
  await handover(lab, 'A', 'a1', 'a2');
  await awaitAddress(lab, 'A', 'a2');
  await settle(lab);
  const before = await entriesOnRouter(lab, 'a2');
  const at = lab.now();
  await lab.kill('agent-a2');
  await lab.start('agent-a2');
  await lab.sleep(3_000);
  checks.equal('entries of a2', await entriesOnRouter(lab, 'a2'), before);
  const now = lab.now();
  await lab.sleep(1_000);
  checks.equal('paths', pathsOf(await sightings(lab, [aHoa1, bHoa1], now)), ['a2>b1', 'b1>a2']);
  checks.equal('A at a2', (await bindingLists(lab, 'a2', 'A'))?.internal, [`${bHoa1}/128 -> b1`]);
  checks.equal('B at b1', (await bindingLists(lab, 'b1', 'B'))?.internal, [`${aHoa1}/128 -> a2`]);
  const result = await traffic.finish(checks);
  const crash = { host: 'A', from: undefined, to: 'a2', kind: 'carrier', at } as const;
  for (const [from, to] of [
    ['A', 'B'],
    ['B', 'A'],
  ] as const) {
    const report = result.udp(from, to);
    const end = silence(report, crash)?.end ?? 0;
    checks.atMost(`${report.spec.name}: back, ms after the kill`, Math.round(end), BACK_MILLIS + slack(lab));
    checks.equal(`${report.spec.name}: packets duplicated`, report.duplicated, 0);
  }
  return outcome(checks, result);
}
