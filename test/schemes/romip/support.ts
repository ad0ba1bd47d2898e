import assert from 'node:assert/strict';
import type { Lab, LabOptions, StreamReport } from '../../../host/lab/lab.ts';
import { openSim } from '../../support/sim-lab.ts';

/** A domain in which `A` at MAAR a1 and `B` at MAAR b1 have settled. */
export async function openPair(options: Partial<LabOptions> = {}): Promise<Lab> {
  const lab = await openSim({ scheme: 'romip', seed: 5, ...options });
  await lab.move('A', 'a1');
  await lab.move('B', 'b1');
  await lab.sleep(5_000);
  return lab;
}

/** The stream may have lost packets before `time`, and none afterwards. */
export function assertWholeFrom(time: number, report: StreamReport): void {
  const late = report.gaps.filter(({ at, length }) => at + length > time);
  assert.deepEqual(late, [], `${report.spec.name} lost ${report.lost} of ${report.sent}`);
}
