import type { Address, Prefix } from '../../../bindings/entries.ts';
import type { Context } from '../../../host/core/context.ts';
import type { Forwarding } from '../../../host/functions/fm/forwarding.ts';
import { newHome, newNode, type Home, type MobileNode } from '../../../host/functions/lm/node.ts';
import { testConfig } from '../../support/maar-config.ts';

/** The peers of `testConfig`. */
export const [TWO, THREE] = testConfig().peers.map(({ address }) => address) as [Address, Address];

interface Maar {
  readonly context: Context;
  readonly forwarding: Forwarding;
}

export function mobileNode(): MobileNode {
  return newNode({ mnId: 'a', mac: '02:00:00:00:00:0a', link: 0, port: 'p' }, 0);
}

/** Gives the MN a home that `three` anchors. */
export function foreignHome(node: MobileNode, validUntil: number): Home {
  const home = { ...newHome('2001:db8:13:a::/64', THREE, 0), validUntil };
  node.foreign.set(home.prefix, home);
  return home;
}

/** Where packets for the prefix go by the commands since the last call, "native" without an entry; undefined if they say nothing. */
export function told({ context, forwarding }: Maar, to: Prefix): string | undefined {
  forwarding.commit();
  const commands = context.take().flatMap((effect) => (effect.type === 'apply' ? effect.commands : []));
  const said = commands.flatMap((command) => {
    if (command.op === 'put' && command.entry.kind === 'tunnel') {
      return command.entry.prefix === to ? [command.entry.locator] : [];
    }
    return command.op === 'delete' && 'prefix' in command && command.prefix === to ? ['native'] : [];
  });
  return said.at(-1);
}

/** The timers that were armed since the last call. */
export function timers({ context }: Pick<Maar, 'context'>): string[] {
  return context
    .take()
    .flatMap((effect) => (effect.type === 'timer' && effect.at !== undefined ? [effect.id] : []));
}
