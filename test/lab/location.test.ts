import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Association } from '../../host/functions/lm/association.ts';
import { HANDOFF, LM_STATUS } from '../../host/functions/lm/messages/constants.ts';
import { hmacSha256 } from '../../host/io/lm/hmac.ts';
import type { Lab, LabOptions } from '../../host/lab/lab.ts';
import { LM_SPI, pairSecret } from '../../host/lab/location-plan.ts';
import { createNetnsLab } from '../../host/lab/netns/netns-lab.ts';
import { lmAddress, maarAddress, maarPool, mnId } from '../../host/lab/plan.ts';
import { schemeNames } from '../../host/schemes/registry.ts';
import { prefixOf } from '../../host/wire/address.ts';
import { emitIpv6, NEXT_HEADER, parseIpv6 } from '../../host/wire/ipv6.ts';
import { parseMobility } from '../../host/wire/mobility/message.ts';
import { openSim } from '../support/sim-lab.ts';
import { hasNetns } from './netns/support.ts';

/** Any scheme does for what is the lab's own business. */
const [scheme = ''] = schemeNames();
const SEED = 5;
const [LM, A1] = [lmAddress('lm1'), maarAddress('a1')];
const HOME = prefixOf(maarPool('a2').split('/')[0]!, 64);
/** Of a registration that asks for nothing but to be kept. */
const LIFETIME = 600;

/** The packet with which a1 would register an MN. */
function update(counter: number, now: number): Uint8Array {
  const key = { spi: LM_SPI, hmac: hmacSha256(pairSecret(SEED, 'lm1', 'a1')) };
  const association = new Association({ self: A1, peer: LM, key, window: 7_000, since: 0 });
  const session = { mnId: mnId('A'), locator: A1, counter, prefixes: [HOME], delegated: [] };
  const options = { lifetimeSeconds: LIFETIME, handoff: HANDOFF.newInterface, accessTechnology: 4 };
  const message = { kind: 'PBU', sequence: counter, ...session, ...options } as const;
  const data = association.request(message, now);
  return emitIpv6({ nextHeader: NEXT_HEADER.mobility, hopLimit: 64, src: A1, dst: LM }, data);
}

/** Statuses of the acknowledgements that a1 was sent, in order. */
async function statuses(lab: Lab): Promise<number[]> {
  return (await lab.captured()).flatMap(({ link, data }) => {
    const packet = parseIpv6(data);
    if (link !== 'core-lm1' || !packet.ok || packet.value.nextHeader !== NEXT_HEADER.mobility) return [];
    const { src, dst, payload } = packet.value;
    const message = parseMobility(payload, src, dst);
    return src === LM && message.ok && message.value.kind === 'BA' ? [message.value.status] : [];
  });
}

/** The server keeps what it has acknowledged over a crash, and is out of reach while it is cut off. */
async function serves(lab: Lab, clock: () => number): Promise<void> {
  assert.deepEqual(lab.locationServers, ['lm1']);
  const answers = async (count: number): Promise<number[]> => {
    await lab.until(`${count} acknowledgements`, 5_000, async () => (await statuses(lab)).length >= count);
    return statuses(lab);
  };
  const first = update(1, clock());
  await lab.injectCore(first, 'a1');
  assert.deepEqual(await answers(1), [LM_STATUS.accepted]);
  await lab.kill('lm1');
  await assert.rejects(lab.showLm('lm1'));
  await lab.start('lm1');
  const { registrations } = await lab.showLm('lm1');
  assert.deepEqual(
    registrations.map(({ mnId: id, locator, prefixes, counter }) => [id, locator, prefixes, counter]),
    [[mnId('A'), A1, [HOME], 1]],
  );
  await lab.injectCore(first, 'a1');
  // A counter that was used before is no later registration than the one that used it.
  await lab.injectCore(update(0, clock()), 'a1');
  assert.deepEqual(await answers(3), [LM_STATUS.accepted, LM_STATUS.timestamp, LM_STATUS.superseded]);
  await lab.fault.partition('lm1', true);
  await lab.injectCore(update(2, clock()), 'a1');
  await lab.sleep(200);
  assert.equal((await statuses(lab)).length, 3);
  await lab.fault.partition('lm1', false);
  await lab.injectCore(update(2, clock()), 'a1');
  assert.equal((await answers(4)).at(-1), LM_STATUS.accepted);
}

const options: LabOptions = { scheme, seed: SEED, lm: 'flat' };

test('a simulated domain has a server of location management', async () => {
  const lab = await openSim(options);
  await serves(lab, () => Math.floor(lab.now()));
  await lab.close();
});

test('a domain in namespaces has a server of location management', async (t) => {
  if (!hasNetns(t)) return;
  const lab = await createNetnsLab(options);
  try {
    await serves(lab, () => Date.now());
  } finally {
    await lab.close();
  }
});

test('two networks have a server each, and these are of one pool', async () => {
  const lab = await openSim({ ...options, lm: 'hierarchy' });
  const views = await Promise.all(lab.locationServers.map((name) => lab.showLm(name)));
  assert.deepEqual(
    views.map(({ pool }) => pool.map(({ server }) => server)),
    [
      ['lm1', 'lm2'],
      ['lm2', 'lm1'],
    ],
  );
  assert.deepEqual(
    views.map(({ pool }) => pool[0]!.primary.length),
    [3, 3],
  );
  await lab.close();
});

test('without a need of it there is none', async () => {
  const lab = await openSim({ scheme: 'none', seed: SEED });
  assert.deepEqual(lab.locationServers, []);
  await assert.rejects(lab.showLm('lm1'), /no server lm1/);
  await assert.rejects(lab.start('lm1'), /no server lm1/);
  await lab.close();
});

test('keys differ from pair to pair and from run to run', () => {
  const key = (seed: number, one: string, other: string): string =>
    Buffer.from(pairSecret(seed, one, other)).toString('hex');
  assert.equal(key(1, 'lm1', 'a1'), key(1, 'a1', 'lm1'));
  assert.notEqual(key(1, 'lm1', 'a1'), key(1, 'lm1', 'a2'));
  assert.notEqual(key(1, 'lm1', 'a1'), key(2, 'lm1', 'a1'));
});
