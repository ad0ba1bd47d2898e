import type { HandoverReport, Lab, ScenarioResult, StreamReport } from '../../lab.ts';
import { maarConfig } from '../../plan.ts';
import type { Checks } from './checks.ts';
import { attachBoth, settle } from './domain.ts';
import { Traffic, type TrafficReport } from './traffic.ts';

/** The timers of every MAAR, in ms, unless a scenario's options say otherwise. */
export const { timers: TIMERS } = maarConfig('a1', { scheme: '', seed: 0 });

/** A transfer that lasts some ten seconds at one segment for each interval. */
export const TRANSFER_OCTETS = 1_000_000;
/** Half of that, for scenarios that move no longer. */
export const SHORT_TRANSFER_OCTETS = TRANSFER_OCTETS / 2;

/** The session most scenarios start from: A at a1, B at b1, all streams running. */
export interface Session {
  readonly aHoa1: string;
  readonly bHoa1: string;
  readonly traffic: Traffic;
}

export async function startSession(lab: Lab, bytes = TRANSFER_OCTETS): Promise<Session> {
  const { a: aHoa1, b: bHoa1 } = await attachBoth(lab);
  const ends = { from: 'A', to: 'B', fromAddress: aHoa1, toAddress: bHoa1 } as const;
  const traffic = await Traffic.start(lab, ends, bytes);
  await settle(lab);
  return { aHoa1, bHoa1, traffic };
}

export function outcome(
  checks: Checks,
  streams: TrafficReport | readonly StreamReport[],
  handovers: readonly HandoverReport[] = [],
): ScenarioResult {
  return { checks: checks.list, streams: 'streams' in streams ? streams.streams : streams, handovers };
}
