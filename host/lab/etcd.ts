import { spawnSync } from 'node:child_process';
import type { Address } from '../../bindings/entries.ts';

/** A member of an etcd cluster, at an address of its own. */
export interface EtcdMember {
  readonly name: string;
  readonly address: Address;
}

const CLIENT_PORT = 2379;
const PEER_PORT = 2380;

/** Why there can be no cluster here, in one line; undefined where etcd is installed. */
export function etcdObstacle(): string | undefined {
  return spawnSync('etcd', ['--version']).status === 0 ? undefined : 'etcd is not installed';
}

/** Command line of one member of a cluster, which goes on from what its directory has. */
export function etcdCommand(
  { name, address }: EtcdMember,
  members: readonly EtcdMember[],
  directory: string,
): string[] {
  const options = {
    name: name,
    'data-dir': directory,
    'listen-client-urls': url(address, CLIENT_PORT),
    'advertise-client-urls': url(address, CLIENT_PORT),
    'listen-peer-urls': url(address, PEER_PORT),
    'initial-advertise-peer-urls': url(address, PEER_PORT),
    'initial-cluster': members.map((each) => `${each.name}=${url(each.address, PEER_PORT)}`).join(),
  };
  return ['etcd', ...Object.entries(options).flatMap(([option, value]) => [`--${option}`, value])];
}

/** Whether a line of its output says that it serves, which takes a quorum. */
export function etcdServes(line: string): boolean {
  return line.includes('ready to serve client requests') || line.includes('client traffic insecurely');
}

/** The members as a store for `maar lm`. */
export function etcdStore(members: readonly EtcdMember[]): string {
  return `etcd://${members.map(({ address }) => `[${address}]:${CLIENT_PORT}`).join()}`;
}

function url(address: Address, port: number): string {
  return `http://[${address}]:${port}`;
}
