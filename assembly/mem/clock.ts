/** The time of the running batch. It never runs backwards, whatever the host says. */

let latest: u64 = 0;

export function setNow(now: u64): void {
  if (now > latest) latest = now;
}

export function now(): u64 {
  return latest;
}

export function nowSeconds(): u32 {
  return (latest / 1000) as u32;
}
