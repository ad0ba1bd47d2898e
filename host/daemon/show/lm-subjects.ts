import type { ServerView } from '../../functions/lm/server/view.ts';
import { table } from './table.ts';

interface Presentation {
  /** What `--json` prints. */
  select(view: ServerView): unknown;
  text(view: ServerView): string;
}

function seconds(milliseconds: number): string {
  return `${Math.max(0, Math.round(milliseconds / 1000))} s`;
}

/** What `maar show` can show of an LM server. */
export const LM_SUBJECTS = {
  status: {
    select: (view) => view,
    text: ({ name, address, registrations, subscriptions, pool }) =>
      `${name}  ${address}  LM server\n` +
      `Registrations: ${registrations.length}, subscriptions: ${subscriptions}, servers of the pool: ${pool.length}\n`,
  },
  bindings: {
    select: ({ registrations }) => registrations,
    text: ({ registrations, now }) =>
      table(
        ['MN', 'prefix', 'locator', 'counter', 'expires in'],
        registrations.flatMap(({ mnId, prefixes, delegated, locator, counter, expires }) =>
          [...prefixes, ...delegated.map((prefix) => `${prefix} (delegated)`)].map((prefix) => [
            ...[mnId, prefix, locator, String(counter)],
            seconds(expires - now),
          ]),
        ),
        'no MN registered',
      ),
  },
  peers: {
    select: ({ pool }) => pool,
    text: ({ pool, now }) =>
      table(
        ['server', 'primary for', 'member for'],
        pool.map(({ server, primary, until }) => [
          server,
          primary.join(' '),
          until === null ? 'ever' : seconds(until - now),
        ]),
        'no servers',
      ),
  },
  counters: {
    select: ({ counters }) => counters,
    text: ({ counters }) =>
      table(
        ['counter', 'value'],
        Object.entries(counters)
          .sort(([a], [b]) => a.localeCompare(b))
          .map(([name, value]) => [name, String(value)]),
        'every counter is 0',
      ),
  },
} as const satisfies Record<string, Presentation>;
