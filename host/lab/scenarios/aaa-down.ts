import type { Lab, Scenario, ScenarioResult } from '../lab.ts';
import { Checks } from './common/checks.ts';
import { awaitAddress, checkLists, nodeAt, settle } from './common/domain.ts';
import { handover, report, silence } from './common/handover.ts';
import { outcome, startSession } from './common/session.ts';

const DOWN_MILLIS = 4_000;
/** Reconnection is tried again after 0.5, 1, 2, 4 s: the last wait that a failure of DOWN_MILLIS can leave. */
const RECONNECT_MILLIS = 4_000;

export const aaaDown: Scenario = {
  name: 'aaa-down',
  summary: 'the AAA server goes away, a host moves, and the server comes back',
  backends: ['sim'],
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const { aHoa1, bHoa1, traffic } = await startSession(lab, 2_000_000);
  await lab.kill('aaa');
  const killed = lab.now();
  await lab.sleep(1_000);
  const move = await handover(lab, 'A', 'a1', 'a2');
  await lab.sleep(DOWN_MILLIS - (lab.now() - killed));
  checks.equal('A at a2 while nobody can authorise it', (await nodeAt(lab, 'a2', 'A'))?.state, 'authorising');
  const early = lab
    .trace()
    .filter(
      ({ at, node, message, what }) => at >= move.at && node === 'a2' && what === 'send' && message === 'RA',
    );
  checks.equal('RAs sent to A before it is authorised', early.length, 0);

  await lab.start('aaa');
  const back = lab.now();
  await lab.until('A is registered at a2', RECONNECT_MILLIS + 1_000, async () => {
    return (await nodeAt(lab, 'a2', 'A'))?.state === 'attached';
  });
  checks.within(lab, 'registration after the server is back', lab.now() - back, 12, RECONNECT_MILLIS);
  const aHoa2 = await awaitAddress(lab, 'A', 'a2');
  await settle(lab);
  await checkLists(lab, checks, 'a2', 'A', { internal: { [bHoa1]: 'b1' }, external: { [aHoa1]: aHoa2 } });
  const result = await traffic.finish(checks);
  const streams = { down: result.udp('B', 'A'), up: result.udp('A', 'B') };
  const before = silence(streams.down, { ...move, at: killed }, move.at);
  checks.equal('sessions interrupted by the loss of the server alone', before === undefined ? 0 : 1, 0);
  return outcome(checks, result, [report(lab, move, streams)]);
}
