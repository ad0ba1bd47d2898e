import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostName, Lab, MaarName, Stream } from '../../host/lab/lab.ts';
import { maarPool, mnId } from '../../host/lab/plan.ts';
import { defaultScheme } from '../../host/schemes/registry.ts';
import { seededRandom } from '../../host/sim/random.ts';
import { contains, prefixOf } from '../../host/wire/address.ts';
import { openSim } from '../support/sim-lab.ts';

const SEEDS = 12;
const STEPS = 24;
const HOSTS: readonly HostName[] = ['A', 'B', 'C'];
/** Three MAARs with one prefix each, for three hosts: somebody is always in want of one. */
const MAARS: readonly MaarName[] = ['a1', 'a2', 'b1'];

/** What the run did, and what it met. */
const faults = { moved: 0, killed: 0, partitioned: 0, dry: 0, recycled: 0 };

/** Hosts move, talk, and fall silent; MAARs are killed and cut off. After each step no prefix is two hosts'. */
async function wander(lab: Lab, seed: number): Promise<void> {
  const random = seededRandom(seed, 'wander');
  const one = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)]!;
  const holders = new Map<string, HostName>();
  let talk: Stream | undefined;
  for (let step = 0; step < STEPS; step++) {
    const maar = one(MAARS);
    const chance = random();
    if (chance < 0.5) {
      await lab.move(one(HOSTS), maar);
      faults.moved++;
    } else if (chance < 0.65) {
      await lab.kill(maar);
      await lab.sleep(random() * 2_000);
      await lab.start(maar);
      faults.killed++;
    } else if (chance < 0.75) {
      await lab.fault.partition(maar, true);
      await lab.sleep(random() * 8_000);
      await lab.fault.partition(maar, false);
      faults.partitioned++;
    } else if (talk === undefined) {
      const from = one(HOSTS);
      const [own] = (await lab.addresses(from)).filter(({ tentative }) => !tentative);
      if (own !== undefined) {
        const ends = { name: 'talk', kind: 'ping', to: 'cn', fromAddress: own.address } as const;
        talk = await lab.stream({ ...ends, from, intervalMs: 100 });
      }
    } else {
      await talk.finish();
      talk = undefined;
    }
    await lab.sleep(random() * 8_000);
    await check(lab, holders, `seed ${seed}, step ${step}`);
  }
  await talk?.finish();
  for (const maar of MAARS) faults.dry += (await lab.show(maar)).maar.counters['pool-dry'] ?? 0;
}

async function check(lab: Lab, holders: Map<string, HostName>, when: string): Promise<void> {
  const held = new Map<string, HostName>();
  const views = new Map(
    await Promise.all(MAARS.map(async (maar) => [maar, (await lab.show(maar)).maar] as const)),
  );
  for (const host of HOSTS) {
    for (const { address } of await lab.addresses(host)) {
      const maar = MAARS.find((name) => contains(maarPool(name), address));
      const prefix = prefixOf(address, 64);
      const other = held.get(prefix);
      assert.ok(other === undefined || other === host, `${when}: ${prefix} is held by ${other} and ${host}`);
      held.set(prefix, host);
      const before = holders.get(prefix);
      if (before !== undefined && before !== host) faults.recycled++;
      holders.set(prefix, host);
      const lease = views.get(maar!)?.leases.leases.find((one) => one.prefix === prefix);
      assert.equal(lease?.mnId, mnId(host), `${when}: ${host} holds ${address} of ${maar}`);
    }
  }
}

test(`${SEEDS} seeds: no prefix is two hosts', and what a host holds is leased to it, whatever is lost`, async () => {
  for (let seed = 1; seed <= SEEDS; seed++) {
    const pool = { length: 63, preferredSeconds: 4, validSeconds: 8 };
    const timers = { bindingSeconds: 4, idle: 2_000 };
    const lab = await openSim({ scheme: defaultScheme, seed, loss: 0.01, pool, timers });
    try {
      await wander(lab, seed);
    } finally {
      await lab.close();
    }
  }
  for (const [what, count] of Object.entries(faults)) assert.ok(count > 0, `nothing ${what}`);
});
