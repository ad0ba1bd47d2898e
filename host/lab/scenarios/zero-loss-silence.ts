import { DEFAULT_TIMERS } from '../../core/config.ts';
import { APPLY_MILLIS, type Lab, type MaarName, type Scenario, type ScenarioResult } from '../lab.ts';
import { MAARS, mnId } from '../plan.ts';
import { Checks } from './common/checks.ts';
import { control, data } from './common/domain.ts';
import type { Handover } from './common/handover.ts';
import { checkUnannounced, RELENTLESS, startEnds, tour, type Pace } from './common/relentless.ts';
import { outcome } from './common/session.ts';

const SILENCE_MILLIS = 80;
/**
 * An old MAAR that does not get the processor for a while must still notice before the new one tells it, and what comes
 * meanwhile must find room.
 */
const NETNS_PACE: Pace = { intervalMs: 5, gapMillis: 600 };
/** The last time A comes back to where it was: its packets then go from the buffer to its link. */
const ROUTE: readonly MaarName[] = ['a1', 'a2', 'a3', 'a2', 'a1', 'a1'];

export const zeroLossSilence: Scenario = {
  name: 'zero-loss-silence',
  summary: 'no link layer tells of five cuts: the old MAAR buffers for a host that falls silent',
  backends: ['sim', 'netns'],
  options: { buffer: { silence: SILENCE_MILLIS } },
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const ends = await startEnds(lab);
  const pace = lab.backend === 'sim' ? RELENTLESS : NETNS_PACE;
  const walked = await tour(lab, checks, ends, 'silent', ROUTE, pace);
  const { moves, handovers, down, up, transfer } = walked;
  const delays = await checkUnannounced(lab, checks, walked, pace.intervalMs);
  delays.forEach((delay, index) => {
    // The last frame before the cut is heard one link delay after it, and the buffer stands when its batch does.
    const rest = SILENCE_MILLIS + DEFAULT_TIMERS.probe + APPLY_MILLIS;
    checks.within(lab, `move ${index + 1}: silence and probe, to the buffer's standing`, delay, 1, rest);
  });
  const without = moves.map((move) => released(lab, move, pace) / pace.intervalMs);
  checks.atMost(
    `${down.spec.name}: packets lost; without the detector all until the host is asked for, or back`,
    down.lost,
    Math.floor(without.reduce((sum, packets) => sum + packets, 0)),
  );
  for (const maar of MAARS.filter((name) => ROUTE.includes(name))) {
    checks.equal(`${maar}: drop-hold-overflow`, await data(lab, maar, 'drop-hold-overflow'), 0);
  }
  const silences = await Promise.all(MAARS.map((maar) => control(lab, maar, 'station-silent')));
  checks.atLeast(
    'stations found silent',
    silences.reduce((sum, count) => sum + count, 0),
    moves.length,
  );
  return outcome(checks, [down, up, transfer], handovers);
}

/** Milliseconds from the cut until the old MAAR let the host go to the new one, or had it back. */
function released(lab: Lab, { at, from, to, host }: Handover, { gapMillis }: Pace): number {
  if (from === to) return gapMillis;
  const record = lab
    .trace()
    .find(
      ({ at: time, node, what, detail }) =>
        time >= at && node === from && what === 'released' && detail?.['mnId'] === mnId(host),
    );
  return (record?.at ?? at) - at;
}
