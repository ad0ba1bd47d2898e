import type { Lab, MaarName, Scenario, ScenarioResult } from '../lab.ts';
import { mnId } from '../plan.ts';
import { Checks } from './common/checks.ts';
import { addressFrom, awaitAddress, control, nameOf, settle } from './common/domain.ts';
import { handover, silence } from './common/handover.ts';
import { outcome, SHORT_TRANSFER_OCTETS, startSession } from './common/session.ts';

const BINDING_SECONDS = 4;
const PREFERRED_SECONDS = 3;
const LEASE_SECONDS = 6;
const IDLE_SECONDS = 3;
/**
 * After the last packet: a lease time and the idle time until it counts as unused, half a binding until that is looked at;
 * then the last renewal runs out, or what the store held before the restart, two lease times from its writing at most.
 */
const RECYCLED_SECONDS = LEASE_SECONDS + IDLE_SECONDS + BINDING_SECONDS / 2 + 2 * LEASE_SECONDS + 4;

export const leaseExpiry: Scenario = {
  name: 'lease-expiry',
  summary:
    "a lease lives as long as its session, a restart and a dry pool included, and is another's only after its end",
  backends: ['sim', 'netns'],
  options: {
    timers: { bindingSeconds: BINDING_SECONDS, idle: IDLE_SECONDS * 1000 },
    // One prefix for MNs at each MAAR.
    pool: { length: 63, preferredSeconds: PREFERRED_SECONDS, validSeconds: LEASE_SECONDS },
  },
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const { aHoa1, traffic } = await startSession(lab, SHORT_TRANSFER_OCTETS);
  const move = await handover(lab, 'A', 'a1', 'a2');
  await awaitAddress(lab, 'A', 'a2');
  await settle(lab);
  const settled = lab.now();
  await lab.sleep(1.5 * LEASE_SECONDS * 1000);
  checks.equal("A's address of a1 after more than a lease time", await addressFrom(lab, 'A', 'a1'), aHoa1);
  checks.equal('leases are stored at a1', (await lab.show('a1')).maar.leases.stored, true);
  checks.equal('its lease at a1', await leasesAt(lab, 'a1'), [`${mnId('A')} at a2`]);

  await lab.move('C', 'a1');
  await refusal(lab);
  checks.equal("C's address of a1", await addressFrom(lab, 'C', 'a1'), undefined);
  checks.equal('refusals counted at a1', await control(lab, 'a1', 'pool-dry'), 1);
  // On a busy machine a start takes as long as these leases live.
  if (lab.backend === 'sim') await restart(lab, checks);

  const result = await traffic.finish(checks);
  const ended = lab.now();
  const gap = silence(result.udp('B', 'A'), { ...move, at: settled });
  // A busy machine has silences of its own.
  const length = gap === undefined || lab.backend === 'netns' ? 0 : gap.end - gap.begin;
  checks.equal('ms without packets by renewal, refusal and restart', length, 0);
  let leasedUntil = 0;
  await lab.until('C has an address of a1', RECYCLED_SECONDS * 1000, async () => {
    const { leases } = (await lab.show('a1')).maar;
    leasedUntil = leases.leases.find((lease) => lease.mnId === mnId('A'))?.until ?? leasedUntil;
    return (await addressFrom(lab, 'C', 'a1')) !== undefined;
  });
  checks.atLeast('prefix given to C, ms after the session', lab.now() - ended, LEASE_SECONDS * 1000);
  checks.atLeast("ms of C's lease after A's last", (await lab.show('a1')).maar.now - leasedUntil, 0);
  checks.equal("A's address of a1 then", await addressFrom(lab, 'A', 'a1'), undefined);
  checks.equal('leases at a1', await leasesAt(lab, 'a1'), [`${mnId('C')} at a1`]);
  checks.equal('refusals at a1', (await lab.show('a1')).maar.leases.refusals, []);
  return outcome(checks, result);
}

/** The anchor loses its memory in the midst of it all. */
async function restart(lab: Lab, checks: Checks): Promise<void> {
  await lab.kill('a1');
  await lab.start('a1');
  await refusal(lab);
  await lab.sleep(BINDING_SECONDS * 1000);
  checks.equal('the lease at a1 after kill -9', await leasesAt(lab, 'a1'), [`${mnId('A')} at a2`]);
  checks.equal("C's address of a1 after kill -9", await addressFrom(lab, 'C', 'a1'), undefined);
}

/** Waits until C is told that there is nothing for it. */
function refusal(lab: Lab): Promise<void> {
  return lab.until('a1 has nothing for C', 10_000, async () => {
    const { refusals } = (await lab.show('a1')).maar.leases;
    return refusals.some((refused) => refused.mnId === mnId('C'));
  });
}

/** The leases of a MAAR, each with the MAAR that serves its MN. */
async function leasesAt(lab: Lab, maar: MaarName): Promise<string[]> {
  const { leases } = (await lab.show(maar)).maar.leases;
  return leases.map((lease) => `${lease.mnId} at ${nameOf(lease.serving ?? 'nowhere')}`);
}
