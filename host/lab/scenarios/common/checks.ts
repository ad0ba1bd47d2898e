import type { Check, Lab } from '../../lab.ts';

/** Collects what a scenario expected and what it saw. */
export class Checks {
  readonly list: Check[] = [];

  that(what: string, passed: boolean, expected: string, seen: string): void {
    this.list.push({ what, passed, expected, seen });
  }

  /** Compares by JSON, so that whole binding lists can be named. */
  equal(what: string, seen: unknown, expected: unknown): void {
    const [left, right] = [text(seen), text(expected)];
    this.that(what, left === right, right, left);
  }

  atLeast(what: string, seen: number, least: number): void {
    this.that(what, seen >= least, `at least ${least}`, String(seen));
  }

  atMost(what: string, seen: number, most: number): void {
    this.that(what, seen <= most, `at most ${most}`, String(seen));
  }

  /**
   * A time in the bound of docs/scenarios: `paths` one-way delays and `rest` ms of what is no delay of the network.
   * Where the backend adds no delay, only the time the machine itself takes is allowed on top, and `stalled` ms in which it
   * had more to do than it could.
   */
  within(lab: Lab, what: string, seen: number | undefined, paths: number, rest: number, stalled = 0): void {
    const limit = paths * lab.delay + rest + slack(lab) + stalled;
    const bound = `${paths} d + ${rest} ms`;
    const passed = seen !== undefined && seen <= limit;
    this.that(what, passed, `at most ${bound} = ${limit.toFixed(1)} ms`, inDelays(lab, seen));
  }
}

/** What a loaded machine may take on top of the bounds; the simulation computes in no time. */
export function slack(lab: Lab): number {
  return lab.backend === 'sim' ? 1 : 700;
}

/** Milliseconds between two looks at a state that is due. */
const LOOK = 100;

/**
 * What `look` sees at the time `due`, or later, for as long as a loaded machine may take, if it does not see what is expected
 * then.
 */
export async function whenDue<T>(lab: Lab, due: number, expected: T, look: () => Promise<T>): Promise<T> {
  for (;;) {
    await lab.sleep(Math.max(LOOK, due - lab.now()));
    const seen = await look();
    if (seen === expected || lab.now() >= due + slack(lab)) return seen;
  }
}

function inDelays(lab: Lab, ms: number | undefined): string {
  if (ms === undefined) return 'never';
  const paths = lab.delay > 0 ? ` = ${(ms / lab.delay).toFixed(2)} d` : '';
  return `${ms.toFixed(1)} ms${paths}`;
}

function text(value: unknown): string {
  if (value === undefined) return 'undefined';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
