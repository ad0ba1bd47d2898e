import type { Hello } from '../../../bindings/node/cpdp.ts';
import type { Address, LinkId, Mac, Prefix } from '../../../bindings/entries.ts';
import type { AgentAddress } from './dial.ts';

/** What control needs to know of the router whose agent it drives. */
export interface AgentConfig {
  readonly name: string;
  readonly agent: AgentAddress;
  /** The router's, towards the core. */
  readonly address: Address;
  /** The control socket lives here. */
  readonly stateDirectory: string;
  readonly coreMtu: number;
  readonly clampMss: boolean;
  readonly access: readonly { readonly link: LinkId; readonly linkLocal: Address; readonly mac: Mac }[];
  readonly pool: Prefix;
  /** Whether packets from and to each station have to be counted, which detection by silence asks for. */
  readonly activity: boolean;
  /** Milliseconds that entries outlive control: the lifetime of a binding. */
  readonly lifetime: number;
  /** Milliseconds after which what this control has not learnt since its start is deleted. */
  readonly settle: number;
}

/** In what an agent was started with other than control was configured with, one line each. */
export function differences(hello: Hello, config: AgentConfig): string[] {
  const found: string[] = [];
  const compare = (
    what: string,
    theirs: string | number | boolean,
    ours: string | number | boolean,
  ): void => {
    if (theirs !== ours) found.push(`${what} is ${theirs} on the router, ${ours} here`);
  };
  compare('locator', hello.locator, config.address);
  compare('pool', hello.pool, config.pool);
  compare('core MTU', hello.coreMtu, config.coreMtu);
  compare('clamping of the MSS', hello.clampMss, config.clampMss);
  // Counting what nobody asks for does no harm.
  if (config.activity) compare('counting of packets', hello.activity, true);
  const theirs = new Map(hello.links.map((link) => [link.link, link]));
  const ours = new Map(config.access.map((link) => [link.link, link]));
  for (const number of new Set([...theirs.keys(), ...ours.keys()])) {
    const [router, here] = [theirs.get(number), ours.get(number)];
    if (router === undefined || here === undefined) {
      found.push(`access link ${number} is ${router === undefined ? 'not on the router' : 'not here'}`);
      continue;
    }
    compare(`MAC of access link ${number}`, router.mac, here.mac);
    compare(`link-local address of access link ${number}`, router.linkLocal, here.linkLocal);
  }
  return found;
}
