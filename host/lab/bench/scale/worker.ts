import { parentPort } from 'node:worker_threads';
import { setImmediate } from 'node:timers/promises';
import type { ScalePlan } from '../../../sim/scale/plan.ts';
import { runScale } from '../../../sim/scale/run.ts';

/** Runs the plans that it is sent, one after the other, and answers each with its result. */
parentPort?.on('message', (plan: ScalePlan) => {
  void runScale(plan, setImmediate).then((result) => parentPort?.postMessage(result));
});
