/** Milliseconds, monotonic, near the time of day when the process began: the `now` of every state machine. */
export type Clock = () => number;

/** Milliseconds to add to the monotonic clock, taken once per process so that all its threads agree. */
export function clockOrigin(): number {
  return performance.timeOrigin + performance.now() - monotonic();
}

export function clockFrom(origin: number): Clock {
  return () => origin + monotonic();
}

function monotonic(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}
