import { endMac, mnId } from '../plan.ts';
import type { Lab, Scenario, ScenarioResult } from '../lab.ts';
import { Checks } from './common/checks.ts';
import { attach, checkLists, control, nodeAt, settle } from './common/domain.ts';
import { udpPacket } from './common/forged.ts';
import { order, sentence, type Sent } from './common/handover.ts';
import { outcome, startSession } from './common/session.ts';

function probed({ handover: { ask, context } }: Lab): Sent[] {
  return [
    { node: 'a2', message: ask, to: 'a1' },
    { node: 'a1', message: 'NS', to: mnId('A') },
    { node: 'a1', message: context, to: 'a2' },
    { node: 'a1', message: 'AAR' },
  ];
}

export const stolenMac: Scenario = {
  name: 'stolen-mac',
  summary: "a host uses another's MAC elsewhere: the old MAAR probes before it releases",
  backends: ['sim'],
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const { aHoa1, bHoa1, traffic } = await startSession(lab);
  await attach(lab, 'C', 'a2');
  const at = lab.now();
  await lab.inject('C', udpPacket(aHoa1, bHoa1), endMac('A'));
  await settle(lab);
  await lab.sleep(2_000);

  checks.equal(
    'the old MAAR probes, and claims A back',
    order(lab, at, probed(lab)),
    probed(lab).map(sentence),
  );
  checks.equal('a1: claims of others that a probe refuted', await control(lab, 'a1', 'claimed-elsewhere'), 1);
  checks.equal('a2: attachments refused', await control(lab, 'a2', 'attach-refused'), 1);
  checks.equal('A at a1', (await nodeAt(lab, 'a1', 'A'))?.state, 'attached');
  checks.that('A at a2', (await nodeAt(lab, 'a2', 'A'))?.state !== 'attached', 'not attached', 'attached');
  await checkLists(lab, checks, 'a1', 'A', { internal: { [bHoa1]: 'b1' }, external: {} });
  await checkLists(lab, checks, 'b1', 'B', { internal: { [aHoa1]: 'a1' }, external: {} });
  const result = await traffic.finish(checks);
  result.checkUdp(checks, 'A', 'B', { lost: 0 });
  result.checkUdp(checks, 'B', 'A', { lost: 0 });
  return outcome(checks, result);
}
