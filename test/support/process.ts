import { readFileSync } from 'node:fs';

/** Whether a process goes on: one that has ended may keep its number until somebody asks for its exit code. */
export function running(pid: number): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}
