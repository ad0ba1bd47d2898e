const MODULUS = 0x10000;
const WINDOW = 0x7fff;

/**
 * Whether `next` comes after the last accepted sequence number, modulo 2^16: RFC 6275 section 9.5.1.
 * A number equal to the last is not newer; whether it is a repeat to answer again is for the caller.
 */
export function isNewerSequence(next: number, last: number): boolean {
  const ahead = (next - last + MODULUS) % MODULUS;
  return ahead > 0 && ahead <= WINDOW;
}
