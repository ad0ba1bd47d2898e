/**
 * Memory for files and what is made of them: taken in order, given back never. The data plane lays its areas from the
 * end of the static data on and wants them zero, so that they and this must not meet (see `instance.ts`).
 */
import { EXIT_FAULT, failWith } from './print';

const PAGE: usize = 65536;
/** Pages taken at a time beyond what is needed. */
const STEP: i32 = 16;
const ALIGNMENT: usize = 8;

let top: usize = 0;

/** Begins anew at `from`. */
export function restartArena(from: usize): void {
  top = (from + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
}

/** First octet that has not been taken. */
export function arenaTop(): usize {
  return top;
}

/** Makes sure of `size` octets at `arenaTop()` without taking them; ends the program where there is no more memory. */
export function reserve(size: usize): usize {
  const pages = ((top as u64) + size + PAGE - 1) / PAGE;
  const present: u64 = memory.size();
  if (pages > present) {
    const missing = (pages - present) as i32;
    if (memory.grow(missing + STEP) < 0 && memory.grow(missing) < 0) failWith(EXIT_FAULT, 'out of memory');
  }
  return top;
}

/** Takes `size` octets from the next multiple of 8 on; `take(0)` aligns what is appended next. */
export function take(size: usize): usize {
  restartArena(top);
  return append(size);
}

/** Takes `size` octets right behind the last, without alignment. */
export function append(size: usize): usize {
  const at = reserve(size);
  top += size;
  return at;
}
