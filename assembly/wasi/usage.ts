/** How the program is called. */
import { EXIT_USAGE, complain, put } from './print';

/** Says how the program is called; the exit code for that. */
export function usage(): u32 {
  put('usage: maar-wasi selftest\n');
  put('       maar-wasi bench lookup|encap|decap [--entries N] [--json]\n');
  put('       maar-wasi replay --entries E.json IN.pcap OUT.pcap\n');
  put('       maar-wasi pump\n');
  put('see docs/wasi.md');
  complain();
  return EXIT_USAGE;
}
