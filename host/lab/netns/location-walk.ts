import { createInterface } from 'node:readline';
import type { LabOptions, LmName, LocationAnswer, LocationWalk } from '../lab.ts';
import type { WalkLine, WalkWorker } from '../location/walk-worker.ts';
import { pairKey } from '../location-plan.ts';
import { CONTROL, WALK, lmAddress } from '../plan.ts';
import { nodeCommand } from './node-command.ts';
import type { Sandbox } from './sandbox.ts';

type Acknowledged = Awaited<ReturnType<LocationWalk['stop']>>;

/** Starts the clients of `Lab.walk`, each with another server that it prefers. */
export async function startWalk(
  sandbox: Sandbox,
  servers: readonly LmName[],
  options: LabOptions,
  start: number,
): Promise<LocationWalk> {
  const add = WALK.clients.map(({ address }) => `ip address add ${address}/128 dev lo nodad`);
  await sandbox.shell(CONTROL.name).run(add.join('\n'));
  const { walkers, pool, first } = WALK;
  const clients = WALK.clients.map(({ name, address }, index) => {
    const order = [...servers.slice(index), ...servers.slice(0, index)];
    return {
      address,
      servers: order.map((server) => ({
        address: lmAddress(server),
        key: pairKey(options.seed, name, server).key,
      })),
    };
  });
  const plan: WalkWorker = { clients, walkers, pool, first, start };
  const command = nodeCommand(new URL('../location/walk-worker.ts', import.meta.url), JSON.stringify(plan));
  const child = sandbox.spawn(CONTROL.name, command, ['pipe', 'pipe', 'inherit']);
  const answers: LocationAnswer[] = [];
  const { promise, resolve, reject } = Promise.withResolvers<Acknowledged>();
  // Told by `stop`.
  promise.catch(() => undefined);
  createInterface(child.stdout!).on('line', (text) => {
    const line = JSON.parse(text) as WalkLine;
    if ('answer' in line) answers.push(line.answer);
    else if ('acknowledged' in line) resolve(line.acknowledged);
    else reject(new Error(line.fault));
  });
  child.on('close', () => reject(new Error('the clients of location management ended')));
  return {
    answers,
    stop: () => {
      child.stdin!.end();
      return promise;
    },
  };
}
