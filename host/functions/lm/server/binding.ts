import type { Prefix } from '../../../../bindings/entries.ts';
import type { Binding } from '../messages/message.ts';
import type { Registration } from '../store.ts';

/** What is told of a registration: all its prefixes, or some. */
export function bindingOf(registration: Registration, now: number, only?: readonly Prefix[]): Binding {
  const { prefixes, delegated, locator, counter, expires, ended } = registration;
  const told = (list: readonly Prefix[]): readonly Prefix[] =>
    only === undefined ? list : list.filter((prefix) => only.includes(prefix));
  const toRouter = told(delegated);
  return {
    // Who asks for a delegated prefix is also told the prefix of the router behind which it is (LM-db:5).
    prefixes: toRouter.length > 0 ? prefixes : told(prefixes),
    delegated: toRouter,
    locator,
    counter,
    lifetimeSeconds: ended ? 0 : Math.max(0, Math.floor((expires - now) / 1000)),
  };
}
