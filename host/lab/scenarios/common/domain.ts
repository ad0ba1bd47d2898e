import { contains } from '../../../wire/address.ts';
import type { NodeView } from '../../../core/view.ts';
import type { EndName, HostName, Lab, MaarName } from '../../lab.ts';
import { maarAddress, maarPool, MAARS, mnId } from '../../plan.ts';
import type { Checks } from './checks.ts';

/** Longest that a host may take from its link to a usable address: solicitation delay and DAD, RFC 4862 and 4861. */
const ADDRESS_MILLIS = 8_000;

/** The address that `host` holds from the pool of a MAAR, or undefined. */
export async function addressFrom(lab: Lab, host: EndName, maar: MaarName): Promise<string | undefined> {
  const own = await lab.addresses(host);
  return own.find(({ address, tentative }) => !tentative && contains(maarPool(maar), address))?.address;
}

/** Waits until `host` can use an address of `maar`. */
export async function awaitAddress(lab: Lab, host: HostName, maar: MaarName): Promise<string> {
  await lab.until(
    `${host} has an address from ${maar}`,
    ADDRESS_MILLIS,
    async () => (await addressFrom(lab, host, maar)) !== undefined,
  );
  return (await addressFrom(lab, host, maar))!;
}

/** First attachment: plugs the host in and waits for its home address there. */
export async function attach(lab: Lab, host: HostName, maar: MaarName): Promise<string> {
  await lab.move(host, maar);
  return awaitAddress(lab, host, maar);
}

/** First attachment of A at a1 and of B at b1, at the same time: the home of each there. */
export async function attachBoth(lab: Lab): Promise<{ readonly a: string; readonly b: string }> {
  await lab.move('A', 'a1');
  await lab.move('B', 'b1');
  return { a: await awaitAddress(lab, 'A', 'a1'), b: await awaitAddress(lab, 'B', 'b1') };
}

export async function nodeAt(lab: Lab, maar: MaarName, host: HostName): Promise<NodeView | undefined> {
  return (await lab.show(maar)).maar.nodes.find((node) => node.mnId === mnId(host));
}

/** A counter of the control plane; 0 where it never counted. */
export async function control(lab: Lab, maar: MaarName, name: string): Promise<number> {
  return (await lab.show(maar)).maar.counters[name] ?? 0;
}

/** Messages of this name that a MAAR has sent, whichever of its functions did. */
export async function sent(lab: Lab, maar: MaarName, message: string): Promise<number> {
  return (await control(lab, maar, `sent-${message}`)) + (await control(lab, maar, `lm-sent-${message}`));
}

/** A counter of the data plane; undefined would be a name that the ABI does not know. */
export async function data(lab: Lab, maar: MaarName, name: string): Promise<number> {
  const value = (await lab.show(maar)).dataplane.counters[name];
  if (value === undefined) throw new Error(`the data plane has no counter "${name}"`);
  return value;
}

/** Both lists of a host at a MAAR, as the draft writes them: hoa -> MAAR by name, hoa -> coa. */
export async function bindingLists(
  lab: Lab,
  maar: MaarName,
  host: HostName,
): Promise<{ internal: string[]; external: string[] } | undefined> {
  const node = await nodeAt(lab, maar, host);
  if (node === undefined) return undefined;
  return {
    internal: node.internal.map(({ hoa, maar: address }) => `${hoa} -> ${nameOf(address)}`).sort(),
    external: node.external.map(({ hoa, coa }) => `${hoa} -> ${coa}`).sort(),
  };
}

export async function checkLists(
  lab: Lab,
  checks: Checks,
  maar: MaarName,
  host: HostName,
  expected: { internal: Readonly<Record<string, MaarName>>; external: Readonly<Record<string, string>> },
): Promise<void> {
  const lines = (list: Readonly<Record<string, string>>, length: string): string[] =>
    Object.entries(list)
      .map(([hoa, value]) => `${hoa}/128 -> ${value}${length}`)
      .sort();
  checks.equal(`binding lists of ${host} at ${maar}`, await bindingLists(lab, maar, host), {
    internal: lines(expected.internal, ''),
    external: lines(expected.external, '/128'),
  });
}

/**
 * As `checkLists`, without the care-of address: a host that still holds an address from an earlier visit sends no DAD, and
 * its CoA stays its link-local address until it uses the other.
 */
export async function checkHomes(
  lab: Lab,
  checks: Checks,
  maar: MaarName,
  host: HostName,
  expected: { internal: Readonly<Record<string, MaarName>>; homes: readonly string[] },
): Promise<void> {
  const lists = await bindingLists(lab, maar, host);
  checks.equal(
    `binding lists of ${host} at ${maar}`,
    { internal: lists?.internal, homes: lists?.external.map((binding) => binding.split(' ')[0]) },
    {
      internal: Object.entries(expected.internal).map(([hoa, cnMaar]) => `${hoa}/128 -> ${cnMaar}`),
      homes: expected.homes.map((hoa) => `${hoa}/128`),
    },
  );
}

/** True if the data plane of `maar` has a destination entry that covers the address. */
export async function forwards(lab: Lab, maar: MaarName, address: string): Promise<boolean> {
  const { destinations } = (await lab.show(maar)).dataplane.entries;
  return destinations.some(({ prefix }) => contains(prefix, address));
}

/** Entries that stand on the router of a MAAR whose control is apart from it, as its agent counts them. */
export async function entriesOnRouter(lab: Lab, maar: MaarName): Promise<number> {
  const { agent } = await lab.show(maar);
  if (agent?.entries === undefined) throw new Error(`control of ${maar} is not connected to its router`);
  return agent.entries;
}

export function nameOf(address: string): string {
  return MAARS.find((name) => maarAddress(name) === address) ?? address;
}

/** Steady state before and after what a scenario does: signalling of the last step has ended. */
export function settle(lab: Lab): Promise<void> {
  return lab.sleep(1_000 + 20 * lab.delay);
}
