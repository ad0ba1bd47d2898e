import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { parseAddress } from '../wire/address.ts';
import { TUN } from './linux.ts';
import type { LinuxConfig } from './linux-config.ts';
import { NETLINK } from './netlink/constants.ts';
import { listLinks, parseLink } from './netlink/link.ts';
import { NetlinkSocket } from './netlink/socket.ts';

/** Something that this machine lacks; `key` names the configuration's value that asks for it, if one does. */
export interface Shortage {
  readonly key: string;
  readonly value: unknown;
  readonly remedy: string;
}

/** Bits of CapEff (linux/capability.h). */
const CAPABILITIES = { CAP_NET_ADMIN: 12, CAP_NET_RAW: 13 } as const;

/** What a MAAR with this configuration would miss here, all of it. */
export function shortages(config: LinuxConfig): Shortage[] {
  const found: Shortage[] = [];
  if (process.platform !== 'linux' || !['x64', 'arm64'].includes(process.arch)) {
    found.push({ key: '', value: `${process.platform} ${process.arch}`, remedy: 'must run on 64-bit Linux' });
    return found;
  }
  const names = [
    { key: 'core.interface', name: config.coreInterface },
    ...config.access.map((access) => ({ key: `access[${access.link}].interface`, name: access.interface })),
  ];
  const present = interfaceNames();
  for (const { key, name } of names) {
    if (!present.has(name)) {
      found.push({ key, value: name, remedy: 'must be an interface of this machine' });
    }
  }
  if (!isLocal(config.address)) {
    found.push({
      key: 'address',
      value: config.address,
      remedy: 'must be set on an interface of this machine',
    });
  }
  const effective = effectiveCapabilities();
  for (const [name, bit] of Object.entries(CAPABILITIES)) {
    if ((effective & (1n << BigInt(bit))) === 0n) {
      found.push({ key: '', value: undefined, remedy: `needs ${name}: run as root or grant it` });
    }
  }
  try {
    accessSync(TUN.device, constants.R_OK | constants.W_OK);
  } catch {
    found.push({
      key: '',
      value: undefined,
      remedy: `needs ${TUN.device} readable and writable: load the module tun`,
    });
  }
  if (spawnSync('nft', ['--version']).status !== 0) {
    found.push({ key: '', value: undefined, remedy: 'needs the program nft (package nftables)' });
  }
  if (config.dataPlane.engine === 'wasmtime-cli') {
    const { wasmtime } = config.dataPlane;
    const { stdout } = spawnSync(wasmtime, ['--version'], { encoding: 'utf8' });
    // Null where the program could not be started at all.
    if ((stdout as string | null)?.startsWith('wasmtime ') !== true) {
      found.push({ key: 'dataplane.wasmtime', value: wasmtime, remedy: 'must be the program wasmtime' });
    }
  }
  if (!existsSync('/proc/sys/net/netfilter/nf_conntrack_acct')) {
    found.push({
      key: '',
      value: undefined,
      remedy: 'needs connection tracking: load the module nf_conntrack',
    });
  }
  return found;
}

/** Asked of the kernel: /sys may show another network namespace than ours. */
function interfaceNames(): ReadonlySet<string> {
  const netlink = new NetlinkSocket(NETLINK.route);
  try {
    const links = netlink.dump(listLinks(), 'list interfaces').map(parseLink);
    return new Set(links.flatMap((link) => (link === undefined ? [] : [link.name])));
  } finally {
    netlink.close();
  }
}

function isLocal(address: string): boolean {
  const wanted = parseAddress(address);
  return Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .some((own) => parseAddress(own.address) === wanted);
}

function effectiveCapabilities(): bigint {
  const match = /^CapEff:\s*([0-9a-f]+)$/m.exec(readFileSync('/proc/self/status', 'utf8'));
  return match === null ? 0n : BigInt(`0x${match[1]!}`);
}
