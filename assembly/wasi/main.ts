/** The command: what WASI calls `_start`, and its sub-commands. */
import { argumentCount, argumentIs, readArguments } from './arguments';
import { bench } from './bench';
import { pump } from './pump';
import { replay } from './replay';
import { selftest } from './selftest';
import { proc_exit } from './wasi_snapshot_preview1';
import { usage } from './usage';

function dispatch(): u32 {
  if (argumentCount() < 2) return usage();
  if (argumentIs(1, 'replay')) return replay();
  if (argumentIs(1, 'bench')) return bench();
  if (argumentIs(1, 'pump') && argumentCount() == 2) return pump();
  if (argumentIs(1, 'selftest') && argumentCount() == 2) return selftest();
  return usage();
}

export function _start(): void {
  readArguments();
  const code = dispatch();
  if (code != 0) proc_exit(code);
}
