import type { Lab, Scenario, ScenarioResult } from '../lab.ts';
import { Checks } from './common/checks.ts';
import { awaitAddress, bindingLists, control, forwards, settle } from './common/domain.ts';
import { handover, silence } from './common/handover.ts';
import { outcome, SHORT_TRANSFER_OCTETS, startSession } from './common/session.ts';

const BINDING_SECONDS = 8;

export const lifetimeExpiry: Scenario = {
  name: 'lifetime-expiry',
  summary: 'bindings are refreshed while their MAAR lives, and end with their lifetime when it does not',
  backends: ['sim'],
  options: { timers: { bindingSeconds: BINDING_SECONDS } },
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const { aHoa1, bHoa1, traffic } = await startSession(lab, SHORT_TRANSFER_OCTETS);
  const move = await handover(lab, 'A', 'a1', 'a2');
  await awaitAddress(lab, 'A', 'a2');
  await settle(lab);
  const settled = lab.now();
  await lab.sleep(3 * BINDING_SECONDS * 1000);
  checks.equal('b1 after three lifetimes', (await bindingLists(lab, 'b1', 'B'))?.internal, [
    `${aHoa1}/128 -> a2`,
  ]);
  checks.equal('a1 sends A_HoA1 to a2 after three lifetimes', await forwards(lab, 'a1', aHoa1), true);
  checks.equal('bindings expired so far', await control(lab, 'b1', 'session-expired'), 0);
  const result = await traffic.finish(checks);
  const gap = silence(result.udp('B', 'A'), { ...move, at: settled });
  checks.equal('interruptions by refreshing', gap === undefined ? 0 : 1, 0);

  await lab.leave('A');
  await lab.kill('a2');
  await lab.sleep((BINDING_SECONDS + 1) * 1000);
  checks.equal('a1: homes sent elsewhere', (await lab.show('a1')).maar.anchored.length, 0);
  checks.equal('a1: anchored homes expired', await control(lab, 'a1', 'anchored-expired'), 1);
  checks.equal('a1 forwards A_HoA1', await forwards(lab, 'a1', aHoa1), false);
  checks.equal('b1: sessions expired', await control(lab, 'b1', 'session-expired'), 1);
  checks.equal('b1 tunnels to A_HoA1', await forwards(lab, 'b1', aHoa1), false);
  checks.equal('B is still at b1', await forwards(lab, 'b1', bHoa1), true);
  return outcome(checks, result);
}
