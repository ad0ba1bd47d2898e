import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { Transition } from '../../host/schemes/phases.ts';

/** What holds of every scheme's table of phases, and of its drawing in the README of the scheme's folder. */
export function testPhaseTable(table: readonly Transition<string, string>[], readme: URL): void {
  test('every phase can be reached and left, and no event has two outcomes', () => {
    const phases = new Set(table.map(({ from }) => from));
    for (const phase of phases) {
      assert.ok(phase === 'new' || table.some(({ to }) => to === phase), `${phase} is never reached`);
    }
    const keys = table.map(({ from, event }) => `${from} ${event}`);
    assert.equal(new Set(keys).size, keys.length);
  });

  test('the diagram of the README is the table', () => {
    const page = readFileSync(readme, 'utf8');
    const drawn = [...page.matchAll(/^ {2}(\w+) --> (\w+): ([\w-]+)$/gm)].map(
      ([, from, to, event]) => `${from} ${event} ${to}`,
    );
    assert.deepEqual(
      drawn,
      table.map(({ from, event, to }) => `${from} ${event} ${to ?? 'forgotten'}`),
    );
  });
}
