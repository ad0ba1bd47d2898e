import type { Lab, Scenario, ScenarioResult } from '../lab.ts';
import { LADDER_PATHS, since } from './common/bounds.ts';
import { Checks } from './common/checks.ts';
import { awaitAddress, checkLists, settle } from './common/domain.ts';
import { handover, report } from './common/handover.ts';
import { outcome, startSession, TIMERS } from './common/session.ts';
import { INTERVAL_MS } from './common/traffic.ts';

const CUT_MILLIS = 5_000;

export const peerDown: Scenario = {
  name: 'peer-down',
  summary: 'the previous MAAR cannot be reached when the host moves',
  backends: ['sim'],
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const { aHoa1, bHoa1, traffic } = await startSession(lab, 2_000_000);
  await lab.fault.partition('a1', true);
  const cut = lab.now();
  const move = await handover(lab, 'A', 'a1', 'a2');
  const aHoa2 = await awaitAddress(lab, 'A', 'a2');
  // The new address needs the AAA server alone; sessions of the old one need the MAAR that is away.
  const fresh = await lab.stream({
    name: 'new udp A>B',
    from: 'A',
    to: 'B',
    kind: 'udp',
    intervalMs: INTERVAL_MS,
    toAddress: bHoa1,
  });
  checks.equal('source of a new session', fresh.addresses().from, aHoa2);
  await lab.sleep(Math.max(0, CUT_MILLIS - (lab.now() - cut)));
  const young = await fresh.finish();
  checks.equal('new session: packets lost', young.lost, 0);

  await lab.fault.partition('a1', false);
  const healed = lab.now();
  // sDBUs leave 1, 3 and 7 s after the first: the next one after the cut heals.
  const wait = 7 * TIMERS.retransmit - CUT_MILLIS + 100;
  await lab.sleep(wait + 3_000);
  await settle(lab);
  await checkLists(lab, checks, 'a2', 'A', { internal: { [bHoa1]: 'b1' }, external: { [aHoa1]: aHoa2 } });
  await checkLists(lab, checks, 'b1', 'B', { internal: { [aHoa1]: 'a2', [aHoa2]: 'a2' }, external: {} });
  const result = await traffic.finish(checks);
  const parts = report(lab, move, { down: result.udp('B', 'A'), up: result.udp('A', 'B') });
  const silent = healed - move.at;
  checks.within(
    lab,
    'first RA after detection',
    since(parts.firstRa, parts.detected),
    LADDER_PATHS.aaaAnswer,
    0,
  );
  checks.within(lab, 'downlink after the cut healed', since(parts.downlink, silent), 6, wait + INTERVAL_MS);
  return outcome(checks, [...result.streams, young], [parts]);
}
