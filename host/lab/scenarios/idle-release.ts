import type { Lab, MaarName, Scenario, ScenarioResult, StreamReport, StreamSpec } from '../lab.ts';
import { Checks } from './common/checks.ts';
import { awaitAddress, bindingLists, control, forwards, settle } from './common/domain.ts';
import { handover } from './common/handover.ts';
import { outcome, startSession } from './common/session.ts';

const IDLE_MILLIS = 3_000;

export const idleRelease: Scenario = {
  name: 'idle-release',
  summary: 'a session that carries nothing is released, and its next packet brings it back without loss',
  backends: ['sim'],
  options: { timers: { idle: IDLE_MILLIS } },
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const { aHoa1, bHoa1, traffic } = await startSession(lab, 50_000);
  await handover(lab, 'A', 'a1', 'a2');
  await awaitAddress(lab, 'A', 'a2');
  await settle(lab);
  const streams: StreamReport[] = [...(await traffic.finish(checks)).streams];

  const forth = { name: 'udp A>B again', from: 'A', to: 'B', fromAddress: aHoa1, toAddress: bHoa1 } as const;
  const back = { name: 'udp B>A again', from: 'B', to: 'A', fromAddress: bHoa1, toAddress: aHoa1 } as const;
  for (const spec of [forth, back]) {
    await checkReleased(lab, checks, aHoa1, bHoa1);
    const again = await resume(lab, { ...spec, kind: 'udp' });
    checks.equal(`${spec.name}: packets lost`, again.lost, 0);
    streams.push(again);
    const lists = await bindingLists(lab, 'a2', 'A');
    checks.equal(`${spec.name}: internal list of A`, lists?.internal, [`${bHoa1}/128 -> b1`]);
  }
  return outcome(checks, streams);
}

/** Idle time is looked at every half of it. */
async function checkReleased(lab: Lab, checks: Checks, aHoa1: string, bHoa1: string): Promise<void> {
  await lab.sleep(2 * IDLE_MILLIS);
  checks.equal('A at a2: internal list', (await bindingLists(lab, 'a2', 'A'))?.internal, []);
  checks.equal('B at b1: internal list', (await bindingLists(lab, 'b1', 'B'))?.internal, []);
  for (const [maar, address] of [
    ['a2', bHoa1],
    ['b1', aHoa1],
  ] as const satisfies readonly (readonly [MaarName, string])[]) {
    checks.equal(`${maar}: tunnel entry`, await forwards(lab, maar, address), false);
    checks.atLeast(`${maar}: sessions released as idle`, await control(lab, maar, 'session-idle'), 1);
  }
}

async function resume(lab: Lab, spec: StreamSpec): Promise<StreamReport> {
  const stream = await lab.stream({ ...spec, intervalMs: 10 });
  await lab.sleep(1_000);
  return stream.finish();
}
