import type { Lab, Scenario, ScenarioResult } from '../lab.ts';
import { maarAddress, OUTSIDER } from '../plan.ts';
import { Checks } from './common/checks.ts';
import { attach, control, data } from './common/domain.ts';
import { bindingUpdate, isForged, tunnelled, udpPacket } from './common/forged.ts';
import { outcome, startSession } from './common/session.ts';

const PACKETS = 10;

export const spoofedTunnel: Scenario = {
  name: 'spoofed-tunnel',
  summary: 'tunnel and mobility packets from an access port and from a machine that is no peer',
  backends: ['sim'],
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const { aHoa1, bHoa1, traffic } = await startSession(lab);
  const cHoa1 = await attach(lab, 'C', 'a1');
  const [a1, a2] = [maarAddress('a1'), maarAddress('a2')];
  const inner = udpPacket(bHoa1, aHoa1);
  for (let packet = 0; packet < PACKETS; packet++) {
    await lab.inject('C', tunnelled(cHoa1, a1, inner));
    await lab.inject('C', tunnelled(a2, a1, inner));
    await lab.inject('C', bindingUpdate(cHoa1, a1));
    await lab.injectCore(tunnelled(OUTSIDER.address, a1, inner));
    await lab.injectCore(bindingUpdate(OUTSIDER.address, a1));
    // With a peer's address it does not get through the core's reverse-path filter.
    await lab.injectCore(tunnelled(a2, a1, inner));
    await lab.injectCore(bindingUpdate(a2, a1));
    await lab.sleep(10);
  }
  await lab.sleep(1_000);
  checks.equal('a1: tunnels from an access port', await data(lab, 'a1', 'drop-access-tunnel'), 2 * PACKETS);
  checks.equal(
    'a1: mobility messages from an access port',
    await data(lab, 'a1', 'drop-access-mobility'),
    PACKETS,
  );
  checks.equal('a1: tunnels from no peer', await data(lab, 'a1', 'drop-peer-unknown'), PACKETS);
  checks.equal('a1: mobility messages from no peer', await control(lab, 'a1', 'mobility-not-peer'), PACKETS);
  checks.equal('a1: mobility messages that reached the scheme', await control(lab, 'a1', 'unclaimed-BU'), 0);
  const delivered = (await lab.captured()).filter(({ link, data: packet, sender }) => {
    return link === 'access-a1' && sender === 'a1' && isForged(packet);
  });
  checks.equal('forged packets delivered to A', delivered.length, 0);
  const result = await traffic.finish(checks);
  result.checkUdp(checks, 'A', 'B', { lost: 0 });
  result.checkUdp(checks, 'B', 'A', { lost: 0 });
  return outcome(checks, result);
}
