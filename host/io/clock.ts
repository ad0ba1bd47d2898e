/** Milliseconds, monotonic, near the time of day when the process began: the `now` of every state machine. */
export type Clock = () => number;

/** So many readings, of which the quickest counts. */
const READINGS = 5;

/**
 * Milliseconds to add to the monotonic clock, taken once per process so that all its threads agree. A process that loses the
 * processor between readings of the two clocks would be behind the others by as much: of 720 that began on a busy machine
 * seven were, by up to 25 ms.
 */
export function clockOrigin(timeOfDay: Clock = wallClock, steady: Clock = monotonic): number {
  let [shortest, origin] = [Infinity, 0];
  for (let reading = 0; reading < READINGS; reading++) {
    const before = steady();
    const wall = timeOfDay();
    const took = steady() - before;
    if (took < shortest) [shortest, origin] = [took, wall - before];
  }
  return origin;
}

export function clockFrom(origin: number): Clock {
  return () => origin + monotonic();
}

/** The time of day in milliseconds, as it was when the process began; of one thread. */
export function wallClock(): number {
  return performance.timeOrigin + performance.now();
}

function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
