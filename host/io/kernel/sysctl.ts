import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import type { UndoJournal } from '../journal.ts';

const ROOT = '/proc/sys';
const CONF = `${ROOT}/net/ipv6/conf`;

export function readSysctl(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8').trim() : undefined;
}

/** Writes one value; a path that is gone went with its interface. */
export function restoreSysctl(path: string, value: string): void {
  if (existsSync(path)) writeFileSync(path, value);
}

/** Sets a value of an interface, e.g. "net/ipv6/conf/eth0/accept_dad", and journals what it was. */
export function setSysctl(journal: UndoJournal, name: string, value: string): void {
  const path = `${ROOT}/${name}`;
  const before = readSysctl(path);
  if (before === undefined) throw new Error(`the kernel has no ${path}`);
  if (before === value) return;
  journal.add({ kind: 'sysctl', path, value: before });
  writeFileSync(path, value);
}

/** Sets a value of an interface of our own, which vanishes with it. */
export function setOwnSysctl(name: string, value: string): void {
  writeFileSync(`${ROOT}/${name}`, value);
}

/**
 * Turns IPv6 forwarding on. Writing `all` also writes `default` and every interface, so each of them is journalled;
 * `all` last, since it is then restored first.
 */
export function enableForwarding(journal: UndoJournal): void {
  const all = `${CONF}/all/forwarding`;
  if (readSysctl(all) === '1') return;
  const paths = readdirSync(CONF)
    .filter((name) => name !== 'all')
    .map((name) => `${CONF}/${name}/forwarding`);
  journal.add(
    ...[...paths, all].map((path) => ({ kind: 'sysctl', path, value: readSysctl(path) ?? '0' }) as const),
  );
  writeFileSync(all, '1');
}
