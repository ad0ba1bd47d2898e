import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import type { ScalePlan } from '../../../sim/scale/plan.ts';
import type { ScaleResult } from '../../../sim/scale/run.ts';

const WORKER = new URL(`./worker.${import.meta.url.endsWith('.js') ? 'js' : 'ts'}`, import.meta.url);
/** Of each worker's heap, in MiB: two of them stay below 8 GiB in all. */
const HEAP = 3_500;
const MOST = 2;

/**
 * Runs plans in worker threads, the largest first; results stand in the order of the plans. `done` hears of each as it ends.
 * Rejects with the first fault of any.
 */
export async function runPlans(
  plans: readonly ScalePlan[],
  done: (result: ScaleResult, seconds: number) => void,
): Promise<ScaleResult[]> {
  const results = new Map<ScalePlan, ScaleResult>();
  const waiting = [...plans].sort((a, b) => b.nodes - a.nodes || b.speed - a.speed);
  const work = async (): Promise<void> => {
    const worker = new Worker(WORKER, { resourceLimits: { maxOldGenerationSizeMb: HEAP } });
    try {
      for (let plan = waiting.shift(); plan !== undefined; plan = waiting.shift()) {
        const began = performance.now();
        worker.postMessage(plan);
        const [result] = (await once(worker, 'message')) as [ScaleResult];
        results.set(plan, result);
        done(result, (performance.now() - began) / 1000);
      }
    } finally {
      await worker.terminate();
    }
  };
  const workers = Math.min(MOST, availableParallelism(), plans.length);
  await Promise.all(Array.from({ length: workers }, work));
  return plans.map((plan) => results.get(plan)!);
}
