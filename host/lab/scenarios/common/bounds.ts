import { APPLY_MILLIS, type HandoverReport, type Lab } from '../../lab.ts';
import { slack, type Checks } from './checks.ts';
import type { TrafficReport } from './traffic.ts';
import { INTERVAL_MS } from './traffic.ts';

/** One-way delays from the detection of an attachment to each step (docs/scenarios/figure1.md derives them). */
export const LADDER_PATHS = {
  /** By the echo that probes a port that came up; a host that sends earlier is detected earlier. */
  detection: 2,
  aaaAnswer: 4,
  sdba: 8,
  downlink: 9,
  uplink: 11,
} as const;

/** Batches of entries that must be carried out, one after the other, before each step. */
const APPLIES = {
  /** Those of the new /64 at the new MAAR. */
  firstRa: 1,
  /** Those of the release at the old MAAR. */
  sdba: 1,
  /** Those, and those of both lists at the new MAAR: held packets leave. */
  downlink: 2,
  uplink: 2,
} as const;

export function since(event: number | undefined, from: number | undefined): number | undefined {
  return event === undefined || from === undefined ? undefined : event - from;
}

/**
 * When a stream came back, counted from the detection. Real kernels may be through before three packets have failed to
 * come, which is no silence yet: then there is none to count.
 */
export function afterDetection(
  lab: Lab,
  time: number | undefined,
  detected: number | undefined,
): number | undefined {
  return time === undefined && lab.backend === 'netns' ? 0 : since(time, detected);
}

/** Milliseconds of a handover in which the machine had more to do than it could. */
export function stalledIn(
  lab: Lab,
  { at, detected = 0, aaaAnswered = 0, firstRa = 0, sdba = 0, downlink = 0, uplink = 0 }: HandoverReport,
): number {
  return lab.stalled(at, at + Math.max(detected, aaaAnswered, firstRa, sdba, downlink, uplink));
}

/** Checks every part of a handover against the ladder; `extra` is what a scenario adds to the exchange, in ms. */
export function checkLadder(lab: Lab, checks: Checks, parts: HandoverReport, extra = 0): void {
  const name = `${parts.host} to ${parts.to}`;
  const { detected, aaaAnswered, firstRa, sdba, downlink, uplink } = parts;
  const stalled = stalledIn(lab, parts);
  const within = (what: string, time: number | undefined, paths: number, rest: number): void => {
    checks.within(lab, `${name}: ${what}`, time, paths, rest, stalled);
  };
  within('attachment detected after the link', detected, LADDER_PATHS.detection, 0);
  within('AAA answer after detection', since(aaaAnswered, detected), LADDER_PATHS.aaaAnswer, 0);
  within('first RA after the AAA answer', since(firstRa, aaaAnswered), 0, APPLIES.firstRa * APPLY_MILLIS);
  within(
    `${lab.handover.context} after detection`,
    since(sdba, detected),
    LADDER_PATHS.sdba,
    extra + APPLIES.sdba * APPLY_MILLIS,
  );
  within(
    'old session downlink after detection',
    afterDetection(lab, downlink, detected),
    LADDER_PATHS.downlink,
    extra + INTERVAL_MS + APPLIES.downlink * APPLY_MILLIS,
  );
  within(
    'old session uplink after detection',
    afterDetection(lab, uplink, detected),
    LADDER_PATHS.uplink,
    extra + INTERVAL_MS + APPLIES.uplink * APPLY_MILLIS,
  );
}

/**
 * Packets that one direction of one stream may lose in a handover: those that reach the old MAAR after its link went
 * down and before the sDBU (detection, 6 d, and what was under way on the link).
 */
export function handoverLoss(lab: Lab, extra = 0): number {
  const millis =
    (LADDER_PATHS.detection + 6 + 1) * lab.delay +
    extra +
    APPLIES.sdba * APPLY_MILLIS +
    (lab.backend === 'sim' ? 0 : slack(lab));
  return Math.ceil(millis / INTERVAL_MS) + 1;
}

/** Packets that come in the time that a loaded machine may take on top of the network's. */
export function latePackets(lab: Lab): number {
  return lab.backend === 'sim' ? 0 : Math.ceil(slack(lab) / INTERVAL_MS);
}

/** Packets that take the shorter path overtake those that still visit the old MAAR: for as long as the dDBU is on its way. */
export function overtaking(lab: Lab, intervalMs = INTERVAL_MS): number {
  return Math.ceil((12 * lab.delay + (lab.backend === 'sim' ? 0 : slack(lab))) / intervalMs);
}

/** Both directions of the session lose no more than `handovers` moves explain. */
export function checkLoss(
  lab: Lab,
  checks: Checks,
  report: TrafficReport,
  handovers: number,
  extra = 0,
): void {
  for (const [from, to] of [
    ['A', 'B'],
    ['B', 'A'],
  ] as const) {
    report.checkUdp(checks, from, to, {
      lost: handovers * handoverLoss(lab, extra),
      reordered: handovers * overtaking(lab),
    });
  }
}
