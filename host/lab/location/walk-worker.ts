/**
 * A walk (walk.ts) as a process: what it consists of comes as JSON in the first argument. Writes a line for each answer, and when its
 * standard input ends a last one: what was acknowledged, or the fault.
 */
import { once } from 'node:events';
import { messageOf } from '../../core/error-message.ts';
import type { LocationAnswer } from '../lab.ts';
import { LmClient } from './client.ts';
import type { LmClientSettings } from './client.ts';
import { Walk } from './walk.ts';

export interface WalkWorker {
  readonly clients: readonly LmClientSettings[];
  readonly walkers: number;
  /** The first three groups of each MN's prefix, and the fourth of the first MN. */
  readonly pool: string;
  readonly first: number;
  /** Wall clock at which the run began. */
  readonly start: number;
}

export type WalkLine =
  | { readonly answer: LocationAnswer }
  | { readonly acknowledged: readonly { mnId: string; locator: string; counter: number }[] }
  | { readonly fault: string };

const { clients: plans, walkers, pool, first, start } = JSON.parse(process.argv[2]!) as WalkWorker;
/** Resolves once it is on its way, and all before it: of a lab that is held up, more may wait than a pipe holds. */
const say = (line: WalkLine): Promise<void> =>
  new Promise((resolve) => process.stdout.write(`${JSON.stringify(line)}\n`, () => resolve()));
const since = (moment: number): number => performance.timeOrigin + moment - start;

const clients = plans.map((plan) => new LmClient(plan));
const walk = new Walk({
  clients,
  walkers,
  prefixOf: (number) => `${pool}:${(first + number).toString(16)}::/64`,
  answered: ({ asked, at, ...rest }) => void say({ answer: { ...rest, asked: since(asked), at: since(at) } }),
});
process.stdin.resume();
await once(process.stdin, 'end');
try {
  await walk.stop();
  await say({ acknowledged: [...walk.acknowledged].map(([mnId, where]) => ({ mnId, ...where })) });
} catch (error) {
  await say({ fault: messageOf(error) });
}
await Promise.all(clients.map((client) => client.close()));
process.exit();
