/** The time of the running batch. It never runs backwards, whatever the host says. */

let latest: u64 = 0;
let seconds: u32 = 0;

export function setNow(now: u64): void {
  if (now <= latest) return;
  latest = now;
  seconds = (latest / 1000) as u32;
}

export function now(): u64 {
  return latest;
}

/** Kept, since engines divide 64 bits for real. */
export function nowSeconds(): u32 {
  return seconds;
}
