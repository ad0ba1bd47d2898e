/** Copies and comparisons of 16-octet addresses. */

export function copy16(to: usize, from: usize): void {
  if (ASC_FEATURE_SIMD) {
    v128.store(to, v128.load(from));
  } else {
    store<u64>(to, load<u64>(from));
    store<u64>(to, load<u64>(from, 8), 8);
  }
}

export function equal16(a: usize, b: usize): bool {
  if (ASC_FEATURE_SIMD) return !v128.any_true(v128.xor(v128.load(a), v128.load(b)));
  return ((load<u64>(a) ^ load<u64>(b)) | (load<u64>(a, 8) ^ load<u64>(b, 8))) == 0;
}

/** Six octets as a number, first octet lowest. */
export function load48(at: usize): u64 {
  return (load<u32>(at) as u64) | ((load<u16>(at, 4) as u64) << 32);
}

export function store48(at: usize, value: u64): void {
  store<u32>(at, value as u32);
  store<u16>(at, (value >> 32) as u16, 4);
}

/** Big-endian integers of packets. */
export function load16be(at: usize): u32 {
  return bswap<u16>(load<u16>(at)) as u32;
}

export function load32be(at: usize): u32 {
  return bswap<u32>(load<u32>(at));
}

export function store16be(at: usize, value: u32): void {
  store<u16>(at, bswap<u16>(value as u16));
}

export function store32be(at: usize, value: u32): void {
  store<u32>(at, bswap<u32>(value));
}

/** Smallest power of two that is at least `value`; 1 for 0. */
export function powerOfTwo(value: u32): u32 {
  return value <= 1 ? 1 : 1 << (32 - clz<u32>(value - 1));
}
