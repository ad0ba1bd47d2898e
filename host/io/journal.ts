import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';

/**
 * A value that must be put back. What carries our protocol number (routes, rules, neighbours, addresses) or our name
 * (nftables table) is found by looking and needs no record.
 */
export type UndoRecord =
  | { readonly kind: 'sysctl'; readonly path: string; readonly value: string }
  | { readonly kind: 'mac'; readonly interface: string; readonly mac: string };

/** Records on disk what changes are about to be made, so that the next start can undo them after a crash. */
export class UndoJournal {
  readonly #path: string;
  readonly #records: UndoRecord[];

  constructor(path: string) {
    this.#path = path;
    mkdirSync(dirname(path), { recursive: true });
    this.#records = existsSync(path) ? parseRecords(readFileSync(path, 'utf8')) : [];
  }

  /** Last change first. */
  records(): readonly UndoRecord[] {
    return this.#records.toReversed();
  }

  /** On disk when this returns; only then may the change be made. */
  add(...records: readonly UndoRecord[]): void {
    this.#records.push(...records);
    const temporary = `${this.#path}.new`;
    const fd = openSync(temporary, 'w', 0o600);
    writeSync(fd, this.#records.map((record) => `${JSON.stringify(record)}\n`).join(''));
    fsyncSync(fd);
    closeSync(fd);
    renameSync(temporary, this.#path);
  }

  clear(): void {
    this.#records.length = 0;
    rmSync(this.#path, { force: true });
  }
}

function parseRecords(text: string): UndoRecord[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as UndoRecord);
}
