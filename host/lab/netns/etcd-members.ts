import type { EtcdName } from '../lab.ts';
import { etcdCommand, etcdServes } from '../etcd.ts';
import { ETCDS, etcdAddress } from '../plan.ts';
import { stateDirectory } from './config-files.ts';
import type { DaemonOptions } from './daemon.ts';
import type { SharedDirectory } from './sandbox.ts';

export const ETCD_MEMBERS = ETCDS.map((name) => ({ name, address: etcdAddress(name) }));

/** A member of the domain's cluster, each in its namespace; what it keeps outlives a restart of it. */
export function etcdDaemon(
  name: EtcdName,
  directory: SharedDirectory,
): Pick<DaemonOptions, 'name' | 'netns' | 'argv' | 'ready'> {
  const member = { name, address: etcdAddress(name) };
  const argv = etcdCommand(member, ETCD_MEMBERS, stateDirectory(directory, name).inside);
  return { name, netns: name, argv, ready: etcdServes };
}
