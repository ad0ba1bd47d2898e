import assert from 'node:assert/strict';
import type { Lab, LabOptions, Stream } from '../../../host/lab/lab.ts';
import { attach, awaitAddress, settle } from '../../../host/lab/scenarios/common/domain.ts';
import { order, sentence, type Sent } from '../../../host/lab/scenarios/common/handover.ts';
import { CN } from '../../../host/lab/plan.ts';
import { openSim } from '../../support/sim-lab.ts';

/** A domain of this scheme, of the given options. */
export function openLuo(
  schemeOptions: Readonly<Record<string, unknown>> = {},
  options: Partial<LabOptions> = {},
): Promise<Lab> {
  return openSim({ scheme: 'luo', seed: 5, schemeOptions, ...options });
}

export interface Visitor {
  readonly lab: Lab;
  /** Of A, from a1, its first MAAR; a session with the fixed correspondent keeps it. */
  readonly hoa: string;
  readonly own: Stream;
  /** Of B, at home at b1. */
  readonly other: string;
}

/** A with a session, moved from a1 to a2; B at b1, which never sent it anything. */
export async function openVisitor(
  schemeOptions: Readonly<Record<string, unknown>> = {},
  options: Partial<LabOptions> = {},
): Promise<Visitor> {
  const lab = await openLuo(schemeOptions, options);
  const hoa = await attach(lab, 'A', 'a1');
  const other = await attach(lab, 'B', 'b1');
  const ends = { from: 'A', to: 'cn', fromAddress: hoa, toAddress: CN.address } as const;
  const own = await lab.stream({ name: 'own', ...ends, kind: 'udp', intervalMs: 50 });
  await settle(lab);
  await lab.move('A', 'a2');
  await awaitAddress(lab, 'A', 'a2');
  await settle(lab);
  return { lab, hoa, own, other };
}

/** The messages were sent after `since`, in this order. */
export function assertOrder(lab: Lab, since: number, expected: readonly Sent[]): void {
  assert.deepEqual(order(lab, since, expected), expected.map(sentence));
}

/** Messages of this name sent since then. */
export function sentSince(lab: Lab, since: number, message: string): number {
  return lab
    .trace()
    .filter((record) => record.at >= since && record.what === 'send' && record.message === message).length;
}
