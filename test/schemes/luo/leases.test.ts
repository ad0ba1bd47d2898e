import assert from 'node:assert/strict';
import { test } from 'node:test';
import { realParts, SimLab } from '../../../host/lab/sim-lab.ts';
import { attach, awaitAddress } from '../../../host/lab/scenarios/common/domain.ts';
import { CN, lmAddress, maarAddress, mnId } from '../../../host/lab/plan.ts';
import { readAddress } from '../../../host/wire/address.ts';
import { IPV6_AT } from '../../../host/wire/ipv6.ts';
import { wasm } from '../../support/sim-lab.ts';

const POOL = { preferredSeconds: 30, validSeconds: 60 };
const SECOND = 1_000;
/** A question that nobody answers is given up long before a lease ends. */
const TIMERS = { bindingSeconds: 10, idle: 600 * SECOND, retransmitMax: 4 * SECOND };

test('a home is leased while its anchor alone does not hear from location management', async () => {
  const options = { scheme: 'luo', seed: 5, pool: POOL, timers: TIMERS };
  const lab = new SimLab(options, realParts(options, wasm));
  await lab.up();
  const hoa = await attach(lab, 'A', 'a1');
  const ends = { from: 'A', to: 'cn', fromAddress: hoa, toAddress: CN.address } as const;
  await lab.stream({ name: 'own', ...ends, kind: 'udp', intervalMs: SECOND });
  await lab.move('A', 'a2');
  await awaitAddress(lab, 'A', 'a2');
  const cut = [lmAddress('lm1'), maarAddress('a1')];
  lab.disturb(({ data }) => {
    const isCut = [IPV6_AT.source, IPV6_AT.destination].every((at) => cut.includes(readAddress(data, at)));
    return isCut ? [] : [{ data, late: 0 }];
  });
  await lab.sleep(3 * POOL.validSeconds * SECOND);
  const { leases } = (await lab.show('a1')).maar.leases;
  const holders = leases.map((lease) => lease.mnId);
  await lab.close();
  assert.deepEqual(holders, [mnId('A')]);
});
