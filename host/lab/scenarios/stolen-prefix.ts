import type { Lab, Scenario, ScenarioResult } from '../lab.ts';
import { Checks } from './common/checks.ts';
import { attach, checkLists, control, data, forwards, nodeAt } from './common/domain.ts';
import { isForged, udpPacket } from './common/forged.ts';
import { outcome, startSession } from './common/session.ts';

const PACKETS = 20;

export const stolenPrefix: Scenario = {
  name: 'stolen-prefix',
  summary: "a host sends with another host's address, on its link and on another",
  backends: ['sim'],
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const { aHoa1, bHoa1, traffic } = await startSession(lab);
  const send = async (): Promise<void> => {
    for (let packet = 0; packet < PACKETS; packet++) {
      await lab.inject('C', udpPacket(aHoa1, bHoa1));
      await lab.sleep(50);
    }
  };
  await attach(lab, 'C', 'a1');
  await send();
  checks.equal(
    'a1: packets whose source is another station',
    await data(lab, 'a1', 'drop-source-mac'),
    PACKETS,
  );

  await attach(lab, 'C', 'a2');
  await send();
  await lab.sleep(5_000);
  checks.equal('a2: claims of a home that its anchor denies', await control(lab, 'a2', 'claim-denied'), 1);
  checks.equal('a2: destination entry for the stolen address', await forwards(lab, 'a2', aHoa1), false);
  const { counters } = (await lab.show('a2')).dataplane;
  const dropped = ['drop-hold-expired', 'drop-hold-overflow', 'hold-discarded', 'drop-source-unknown'];
  const gone = dropped.reduce((sum, name) => sum + (counters[name] ?? 0), 0);
  checks.equal('a2: packets that ended in the hold', gone, PACKETS);
  checks.equal('C has homes of others', (await nodeAt(lab, 'a2', 'C'))?.external.length, 0);

  const forged = (await lab.captured()).filter(
    ({ link, data: packet }) => link.startsWith('core-') && isForged(packet),
  );
  checks.equal('forged packets in the core', forged.length, 0);
  await checkLists(lab, checks, 'a1', 'A', { internal: { [bHoa1]: 'b1' }, external: {} });
  const result = await traffic.finish(checks);
  result.checkUdp(checks, 'A', 'B', { lost: 0 });
  result.checkUdp(checks, 'B', 'A', { lost: 0 });
  return outcome(checks, result);
}
