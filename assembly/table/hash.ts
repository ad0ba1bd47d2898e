/** The seeded hash of the ABI page, and the one of the entry tables; the seed keeps a sender from choosing collisions. */

const MULTIPLIER: u64 = 0x9e3779b97f4a7c15;

let seed: u64 = 0;
/** Four keys of 32 bits for `hashKey`, drawn from the seed. */
let key0: u32 = 0;
let key1: u32 = 0;
let key2: u32 = 0;
let key3: u32 = 0;

export function setSeed(value: u64): void {
  seed = value;
  const first = splitMix(value);
  const second = splitMix(value + MULTIPLIER);
  key0 = first as u32;
  key1 = (first >> 32) as u32;
  key2 = second as u32;
  key3 = (second >> 32) as u32;
}

function splitMix(state: u64): u64 {
  let z = state + MULTIPLIER;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
  z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
  return z ^ (z >> 31);
}

export function hashStart(): u64 {
  return seed;
}

export function hashWord(h: u64, word: u64): u64 {
  h = (h ^ word) * MULTIPLIER;
  return h ^ (h >> 32);
}

/** After the last word. Without it the last octets of an address would reach none of the bits that choose a bucket. */
export function hashEnd(h: u64): u64 {
  return hashWord(h, 0);
}

/** Takes in the address at `at`. */
export function hashAddress(h: u64, at: usize): u64 {
  return hashWord(hashWord(h, load<u64>(at)), load<u64>(at, 8));
}

/**
 * Hash of a table key. Two products of 32-bit words plus secret keys (the NH family of UMAC) make any two keys
 * collide with probability 2^-32 over the seeds, which the chained multiplications of `hashWord` do not promise,
 * and the two products run side by side. The rest spreads the sum over all bits.
 */
export function hashKey(high: u64, low: u64, mark: u32): u64 {
  return mixKey(high, low, mark, key0, key1, key2, key3);
}

/** `hashKey` with the secret keys as parameters, which a loop keeps in registers. */
export function mixKey(high: u64, low: u64, mark: u32, k0: u32, k1: u32, k2: u32, k3: u32): u64 {
  let h =
    (((high as u32) + k0) as u64) * ((((high >> 32) as u32) + k1) as u64) +
    (((low as u32) + k2) as u64) * ((((low >> 32) as u32) + k3) as u64);
  h ^= (mark as u64) << 16;
  h = (h ^ (h >> 32)) * MULTIPLIER;
  return h ^ (h >> 32);
}

export function hashKeyWord(index: u32): u32 {
  switch (index) {
    case 0:
      return key0;
    case 1:
      return key1;
    case 2:
      return key2;
    default:
      return key3;
  }
}
