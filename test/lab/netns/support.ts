import type { TestContext } from 'node:test';
import { netnsObstacle } from '../../../host/lab/netns/sandbox.ts';
import { Sandbox } from '../../../host/lab/netns/sandbox.ts';
import { AccessMedium } from '../../../host/lab/netns/access.ts';
import { Captures } from '../../../host/lab/netns/capture.ts';
import { buildTopology, namespaces } from '../../../host/lab/netns/topology.ts';
import { CN } from '../../../host/lab/plan.ts';
import { missing } from '../../support/tools.ts';

/** Skips the test where the kernel or the user's rights do not carry the lab. */
export function hasNetns(t: TestContext): boolean {
  const obstacle = netnsObstacle();
  if (obstacle !== undefined) missing(t, `namespaces (${obstacle})`);
  return obstacle === undefined;
}

/** A's address in the tests that run no daemon, from the pool of a1. */
export const STATIC_ADDRESS = '2001:db8:11::a';

export interface PlainDomain {
  readonly sandbox: Sandbox;
  readonly medium: AccessMedium;
  readonly captures: Captures;
  readonly start: number;
}

/** The topology without any daemon: A has a static address that a1 and a2 both deliver to. */
export async function plainDomain(t: TestContext): Promise<PlainDomain> {
  const sandbox = await Sandbox.create(namespaces());
  t.after(() => sandbox.close());
  await buildTopology(sandbox);
  const start = performance.timeOrigin + performance.now();
  const captures = await Captures.start(sandbox, start);
  const medium = new AccessMedium(sandbox);
  await medium.move('A', 'a1', 'carrier', 0);
  for (const maar of ['a1', 'a2']) {
    await sandbox.shell(maar).run(`ip route add ${STATIC_ADDRESS}/128 dev acc0`);
  }
  await sandbox
    .shell('A')
    .run(`ip address add ${STATIC_ADDRESS}/128 dev eth0 nodad; ip route add default via fe80::1 dev eth0`);
  // The kernel acts on a link's carrier when it comes to it; a solicitation that is lost until then is repeated in a second.
  await sandbox.shell('A').run(`ping -c 1 -W 10 ${CN.address}`);
  return { sandbox, medium, captures, start };
}
