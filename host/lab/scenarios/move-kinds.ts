import type { Lab, MaarName, MoveKind, Scenario, ScenarioResult } from '../lab.ts';
import { afterDetection, LADDER_PATHS, since, stalledIn } from './common/bounds.ts';
import { Checks } from './common/checks.ts';
import { awaitAddress, control, nodeAt, settle } from './common/domain.ts';
import { handover, report, type Handover } from './common/handover.ts';
import { outcome, startSession, TIMERS } from './common/session.ts';
import { INTERVAL_MS } from './common/traffic.ts';

/** How long the old MAAR waits for an MN whose port it believes to be up. */
const PROBE_MILLIS = TIMERS.probe;
/** What the host itself takes: link-local DAD with its random delay, the Solicitation, DAD of the address that comes back. */
const ADMIN_MILLIS = 5_000;

/** In docs/scenarios/move-kinds.md: longest time from the new link to the old session's downlink. */
const KINDS: readonly { kind: MoveKind; to: MaarName; detection: number; rest: number }[] = [
  { kind: 'carrier', to: 'a2', detection: LADDER_PATHS.detection, rest: 0 },
  { kind: 'silent', to: 'a3', detection: 1, rest: INTERVAL_MS + PROBE_MILLIS },
  { kind: 'admin', to: 'a1', detection: 1, rest: ADMIN_MILLIS },
];

export const moveKinds: Scenario = {
  name: 'move-kinds',
  summary: 'carrier flap, silent move and administrative flap, each with its own interruption',
  backends: ['sim', 'netns'],
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const { traffic } = await startSession(lab, 2_000_000);
  const moves: Handover[] = [];
  let from: MaarName = 'a1';
  for (const { kind, to } of KINDS) {
    const move = await handover(lab, 'A', from, to, kind);
    moves.push(move);
    await awaitAddress(lab, 'A', to);
    await lab.until(`${to} has A`, 20_000, async () => (await nodeAt(lab, to, 'A'))?.state === 'attached');
    await settle(lab);
    await lab.sleep(3_000);
    from = to;
  }
  const result = await traffic.finish(checks);
  const streams = { down: result.udp('B', 'A'), up: result.udp('A', 'B') };
  const handovers = moves.map((move, index) => report(lab, move, streams, moves[index + 1]?.at));
  KINDS.forEach(({ kind, detection, rest }, index) => {
    const parts = handovers[index]!;
    const { downlink, detected, sdba } = parts;
    const paths = detection + LADDER_PATHS.downlink;
    checks.within(
      lab,
      `${kind}: old session downlink after the new link`,
      afterDetection(lab, downlink, 0),
      paths,
      rest + INTERVAL_MS,
      stalledIn(lab, parts),
    );
    if (kind === 'silent') {
      // The old MAAR has no other way to know that the host is not there twice.
      checks.that(
        'silent: the old MAAR probes before it answers',
        (since(sdba, detected) ?? 0) >= PROBE_MILLIS,
        `${lab.handover.context} after ${PROBE_MILLIS} ms`,
        `${since(sdba, detected) ?? 'never'} ms`,
      );
    }
  });
  checks.equal('a3: registrations refused', await control(lab, 'a3', 'attach-refused'), 0);
  return outcome(checks, result, handovers);
}
