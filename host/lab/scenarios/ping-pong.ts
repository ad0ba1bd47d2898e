import type { Lab, MaarName, Scenario, ScenarioResult } from '../lab.ts';
import { mnId } from '../plan.ts';
import { checkLoss, afterDetection, stalledIn } from './common/bounds.ts';
import { Checks } from './common/checks.ts';
import { awaitAddress, checkHomes, checkLists, nodeAt, settle } from './common/domain.ts';
import { handover, report, type Handover } from './common/handover.ts';
import { outcome, SHORT_TRANSFER_OCTETS, startSession } from './common/session.ts';
import { INTERVAL_MS } from './common/traffic.ts';

const VISITED: readonly MaarName[] = ['a1', 'a2', 'a1', 'a2', 'a1', 'a2'];
const STAY_MILLIS = 180;
const REGISTERED_MILLIS = 10_000;

export const pingPong: Scenario = {
  name: 'ping-pong',
  summary: 'five moves inside a second',
  backends: ['sim', 'netns'],
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const { aHoa1, bHoa1, traffic } = await startSession(lab, SHORT_TRANSFER_OCTETS);
  const moves: Handover[] = [];
  const start = lab.now();
  for (let index = 1; index < VISITED.length; index++) {
    const next = start + (index - 1) * STAY_MILLIS;
    await lab.sleep(Math.max(0, next - lab.now()));
    const move = await handover(lab, 'A', VISITED[index - 1]!, VISITED[index]!);
    moves.push(move);
    // A MAAR that does not get the processor for the length of a visit would never have had A.
    await lab.until(`A is registered at ${move.to}`, REGISTERED_MILLIS, () => isRegistered(lab, move));
  }
  const last = moves.at(-1)!;
  if (lab.backend === 'sim') checks.atMost('time of the five moves, ms', last.at - start, 1_000);
  await awaitAddress(lab, 'A', 'a2');
  await settle(lab);

  checks.equal('A is registered at a2', (await nodeAt(lab, 'a2', 'A'))?.state, 'attached');
  checks.equal('A is registered at a1', (await nodeAt(lab, 'a1', 'A'))?.state ?? 'no', 'no');
  checks.equal(
    'registration counter: one for each attachment',
    (await nodeAt(lab, 'a2', 'A'))?.counter,
    VISITED.length,
  );
  await checkHomes(lab, checks, 'a2', 'A', { internal: { [bHoa1]: 'b1' }, homes: [aHoa1] });
  await checkLists(lab, checks, 'b1', 'B', { internal: { [aHoa1]: 'a2' }, external: {} });

  const result = await traffic.finish(checks);
  const streams = { down: result.udp('B', 'A'), up: result.udp('A', 'B') };
  const handovers = moves.map((move, index) => report(lab, move, streams, moves[index + 1]?.at));
  const parts = handovers.at(-1)!;
  // The previous MAAR may still be fetching what it must hand over: one exchange more on the ladder.
  checks.within(
    lab,
    'downlink after the last detection',
    afterDetection(lab, parts.downlink, parts.detected),
    9 + 4,
    INTERVAL_MS,
    stalledIn(lab, parts),
  );
  checkLoss(lab, checks, result, moves.length);
  return outcome(checks, result, handovers);
}

function isRegistered(lab: Lab, { at, to, host }: Handover): boolean {
  return lab
    .trace()
    .some(
      (record) =>
        record.at >= at &&
        record.node === to &&
        record.what === 'registered' &&
        record.detail?.['mnId'] === mnId(host),
    );
}
