/** What `init` was told, apart from the capacities. */
import { INIT_FLAG_CLAMP_MSS, INIT_FLAG_HOP_LIMIT_DONE } from '../../bindings/generated/abi.as';

/** Our locator in network order. */
export const LOCATOR: usize = memory.data(16, 16);

let mtu: u32 = 0;
let flags: u32 = 0;

export function setOptions(high: u64, low: u64, coreMtu: u32, initFlags: u32): void {
  store<u64>(LOCATOR, bswap<u64>(high));
  store<u64>(LOCATOR, bswap<u64>(low), 8);
  mtu = coreMtu;
  flags = initFlags;
}

export function coreMtu(): u32 {
  return mtu;
}

export function clampsMss(): bool {
  return (flags & INIT_FLAG_CLAMP_MSS) != 0;
}

export function hopLimitDone(): bool {
  return (flags & INIT_FLAG_HOP_LIMIT_DONE) != 0;
}
