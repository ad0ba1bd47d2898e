import type { Lab, Scenario, ScenarioResult } from '../lab.ts';
import { maarConfig } from '../plan.ts';
import { Checks } from './common/checks.ts';
import { awaitAddress, data } from './common/domain.ts';
import { udpPacket } from './common/forged.ts';
import { outcome, startSession } from './common/session.ts';

const { hold } = maarConfig('a2', { scheme: '', seed: 0 });
/** Each alone is more than the hold that all newcomers share has room for. */
const BURST_PACKETS = hold.packets + 100;
const BURST_INTERVAL_MILLIS = 20;
/** From before A's arrival until after its bindings are known. */
const BURSTS = 25;
const NOWHERE = '2001:db8:dead::1';

export const unknownFlood: Scenario = {
  name: 'unknown-flood',
  summary: 'a host that nobody knows floods the link that another arrives at: the arriving one loses nothing',
  backends: ['sim'],
  options: { unknownHosts: ['C'] },
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const { bHoa1, traffic } = await startSession(lab);
  await lab.move('C', 'a2');
  const flood = async (): Promise<void> => {
    for (let burst = 0; burst < BURSTS; burst++) {
      for (let packet = 0; packet < BURST_PACKETS; packet++) await lab.inject('C', udpPacket(NOWHERE, bHoa1));
      await lab.sleep(BURST_INTERVAL_MILLIS);
    }
  };
  const flooded = flood();
  await lab.sleep(2 * BURST_INTERVAL_MILLIS);
  await lab.move('A', 'a2');
  await flooded;
  await awaitAddress(lab, 'A', 'a2');
  const result = await traffic.finish(checks);
  result.checkUdp(checks, 'A', 'B', { lost: 0 });
  checks.atLeast(
    'a2: packets held for A until its bindings were known',
    await data(lab, 'a2', 'released'),
    5,
  );
  const overflow = await data(lab, 'a2', 'drop-hold-overflow');
  checks.atLeast('a2: packets of the flood that overflowed a hold', overflow, BURSTS * hold.packets);
  return outcome(checks, result);
}
