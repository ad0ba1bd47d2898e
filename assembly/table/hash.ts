/** The seeded hash of the ABI page; the seed keeps a sender from choosing colliding addresses. */

const MULTIPLIER: u64 = 0x9e3779b97f4a7c15;

let seed: u64 = 0;

export function setSeed(value: u64): void {
  seed = value;
}

export function hashStart(): u64 {
  return seed;
}

export function hashWord(h: u64, word: u64): u64 {
  h = (h ^ word) * MULTIPLIER;
  return h ^ (h >> 32);
}

/** Takes in the address at `at`. */
export function hashAddress(h: u64, at: usize): u64 {
  return hashWord(hashWord(h, load<u64>(at)), load<u64>(at, 8));
}
