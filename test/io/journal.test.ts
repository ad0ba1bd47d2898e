import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { UndoJournal } from '../../host/io/journal.ts';

const directory = mkdtempSync(join(tmpdir(), 'maar-journal-'));
after(() => rmSync(directory, { recursive: true }));

test('what one process journals the next one reads, last change first', () => {
  const path = join(directory, 'deep', 'undo.jsonl');
  const first = { kind: 'sysctl', path: '/proc/sys/net/x', value: '0' } as const;
  const second = { kind: 'mac', interface: 'br0', mac: '02:00:00:00:00:01' } as const;
  const journal = new UndoJournal(path);
  journal.add(first);
  journal.add(second);
  assert.deepEqual(new UndoJournal(path).records(), [second, first]);
  assert.deepEqual(readdirSync(join(directory, 'deep')), ['undo.jsonl']);
  journal.clear();
  assert.deepEqual(new UndoJournal(path).records(), []);
});
