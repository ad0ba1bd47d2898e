/** ECN at the end of a tunnel, RFC 6040 section 4.2. */

/** Result of `decapsulateEcn` where the packet has to be dropped. */
export const ECN_DROP: u32 = 4;

/** Four bits for each pair, inner field × 4 + outer field: rows Not-ECT, ECT(1), ECT(0), CE from the low end. */
const TABLE: u64 = 0x3333_3212_3111_4000;

/** The ECN field of the packet that leaves the tunnel, from those of the inner and the outer header. */
export function decapsulateEcn(inner: u32, outer: u32): u32 {
  return ((TABLE >> (((inner << 2) | outer) << 2)) & 0xf) as u32;
}

/** ECN field of a header. */
export function ecnOf(packet: usize): u32 {
  return (load<u8>(packet, 1) >> 4) & 3;
}

export function setEcn(packet: usize, ecn: u32): void {
  store<u8>(packet, ((load<u8>(packet, 1) & 0xcf) | (ecn << 4)) as u8, 1);
}
