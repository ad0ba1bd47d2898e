import { readFileSync } from 'node:fs';

/** "some": time in microseconds, since the machine started, in which a process waited for a processor. */
const PRESSURE = '/proc/pressure/cpu';
const LOOK = 50;
/** Of the time between two looks: processes that wait for each other's short turns, as daemons do, stay below. */
const BUSY_SHARE = 0.9;

interface Sample {
  readonly at: number;
  /** In milliseconds. */
  readonly waited: number;
}

/** Remembers when this machine had more to do than processors to do it with, whoever asked for it. */
export class Stalls {
  readonly #now: () => number;
  readonly #samples: Sample[] = [];
  readonly #timer: NodeJS.Timeout;

  /** Where the kernel keeps no account of it, it never had. */
  constructor(now: () => number) {
    this.#now = now;
    this.#look();
    this.#timer = setInterval(() => this.#look(), LOOK).unref();
  }

  /** Milliseconds between two times. */
  between(from: number, to: number): number {
    return stalledBetween(this.#samples, from, to);
  }

  close(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    const waited = waitedMillis();
    if (waited !== undefined) this.#samples.push({ at: this.#now(), waited });
  }
}

export function stalledBetween(samples: readonly Sample[], from: number, to: number): number {
  return samples.slice(1).reduce((sum, { at, waited }, index) => {
    const before = samples[index]!;
    const within = Math.min(at, to) - Math.max(before.at, from);
    const busy = waited - before.waited >= BUSY_SHARE * (at - before.at);
    return within > 0 && busy ? sum + within : sum;
  }, 0);
}

function waitedMillis(): number | undefined {
  try {
    const total = /^some .*total=(\d+)$/m.exec(readFileSync(PRESSURE, 'utf8'))?.[1];
    return total === undefined ? undefined : Number(total) / 1000;
  } catch {
    return undefined;
  }
}
