/** Messages of a page, built and dissected by others. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { hasTool, output, pythonWithScapy } from './tools.ts';

export interface ForeignView {
  /** What the script makes of the cases: Mobility Headers in hexadecimal. */
  readonly built: readonly string[];
  /** What tshark says of them: a line each, the fields and `_ws.malformed`, separated by commas. */
  readonly dissected: readonly string[];
}

/** Has a script of test/golden/ build `cases`, and tshark dissect that; undefined where the test is skipped for want of one. */
export function foreignView(
  t: TestContext,
  script: string,
  cases: readonly object[],
  fields: readonly string[],
): ForeignView | undefined {
  const python = pythonWithScapy(t);
  if (python === undefined || !hasTool(t, 'tshark')) return undefined;
  const folder = mkdtempSync(join(tmpdir(), 'maar-golden-'));
  try {
    const capture = join(folder, 'messages.pcap');
    const path = fileURLToPath(new URL(`../golden/${script}`, import.meta.url));
    const lines = (text: string): string[] => text.trim().split('\n');
    const built = lines(output(python, [path, '--pcap', capture], JSON.stringify(cases)));
    const dissected = output('tshark', [
      ...['-r', capture, '-T', 'fields', '-E', 'separator=,'],
      ...[...fields, '_ws.malformed'].flatMap((field) => ['-e', field]),
    ]);
    return { built, dissected: lines(dissected) };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
