import type { Lab, MaarName, Scenario, ScenarioResult } from '../lab.ts';
import { Checks } from './common/checks.ts';
import { awaitAddress, bindingLists, settle } from './common/domain.ts';
import { handover, silence } from './common/handover.ts';
import { pathsOf, sightings } from './common/packets.ts';
import { outcome, startSession } from './common/session.ts';

/** How long each MAAR is away, and how long after its start its part of the session works again. */
const AWAY_MILLIS = 500;
const RECOVERY_MILLIS = 3_000;

const ROLES: readonly { maar: MaarName; role: string }[] = [
  { maar: 'a1', role: "the anchor of A's home address" },
  { maar: 'a2', role: 'the MAAR that A is at' },
  { maar: 'b1', role: "the correspondent's MAAR" },
  { maar: 'a3', role: 'a MAAR that has no part in it' },
];

export const maarRestart: Scenario = {
  name: 'maar-restart',
  summary: 'a MAAR is killed and started again, in each of its roles',
  backends: ['sim'],
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const { aHoa1, bHoa1, traffic } = await startSession(lab, 3_000_000);
  await handover(lab, 'A', 'a1', 'a2');
  await awaitAddress(lab, 'A', 'a2');
  await settle(lab);
  const kills: { role: string; maar: MaarName; at: number }[] = [];
  for (const { maar, role } of ROLES) {
    kills.push({ role, maar, at: lab.now() });
    await lab.kill(maar);
    await lab.sleep(AWAY_MILLIS);
    await lab.start(maar);
    await lab.sleep(RECOVERY_MILLIS);
    const now = lab.now();
    await lab.sleep(1_000);
    const paths = pathsOf(await sightings(lab, [aHoa1, bHoa1], now));
    checks.equal(`paths after ${maar} restarted`, paths, ['a2>b1', 'b1>a2']);
    await lab.sleep(2_000);
    const atA = await bindingLists(lab, 'a2', 'A');
    checks.equal(`A at a2 after ${maar} restarted`, atA?.internal, [`${bHoa1}/128 -> b1`]);
    const atB = await bindingLists(lab, 'b1', 'B');
    checks.equal(`B at b1 after ${maar} restarted`, atB?.internal, [`${aHoa1}/128 -> a2`]);
  }
  const result = await traffic.finish(checks);
  const down = result.udp('B', 'A');
  kills.forEach(({ role, maar, at }, index) => {
    const gap = silence(
      down,
      { host: 'A', from: undefined, to: maar, kind: 'carrier', at },
      kills[index + 1]?.at,
    );
    const inPath = maar === 'a2' || maar === 'b1';
    const bound = inPath ? AWAY_MILLIS + RECOVERY_MILLIS : 0;
    checks.atMost(`${maar}, ${role}: end of the downlink's silence, ms after the kill`, gap?.end ?? 0, bound);
  });
  checks.equal('packets duplicated', down.duplicated, 0);
  return outcome(checks, result);
}
