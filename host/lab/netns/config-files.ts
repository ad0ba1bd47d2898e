import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { aaaSchema } from '../../daemon/config/aaa.ts';
import { emitConfig } from '../../daemon/config/emit.ts';
import { lmSchema } from '../../daemon/config/lm.ts';
import { maarSchema } from '../../daemon/config/maar.ts';
import { etcdStore } from '../etcd.ts';
import { hasEtcd, lmServersOf, pairKey } from '../location-plan.ts';
import type { LmPlan } from '../location-plan.ts';
import { AAA, VENDOR_ID, aaaProfile, lmAddress, maarConfig } from '../plan.ts';
import type { LabOptions, MaarName } from '../lab.ts';
import type { AgentSection } from './agents.ts';
import type { SharedDirectory } from './sandbox.ts';
import { ETCD_MEMBERS } from './etcd-members.ts';
import { ACCESS_INTERFACE, CORE_INTERFACE } from './topology.ts';

/** The state directory of a MAAR or of the AAA server; it outlives a restart of the daemon. */
export function stateDirectory({ inside, outside }: SharedDirectory, name: string): SharedDirectory {
  mkdirSync(join(outside, name), { recursive: true });
  return { inside: join(inside, name), outside: join(outside, name) };
}

/**
 * Writes the file for `maar run` and returns its path inside the sandbox. With `agent`, the router is that agent's, who
 * alone knows its interfaces.
 */
export function writeMaarFile(
  directory: SharedDirectory,
  name: MaarName,
  options: LabOptions,
  agent?: AgentSection,
): string {
  const config = maarConfig(name, options);
  const { aaa, links, peers, scheme, timers, hold, buffer, pool } = config;
  const { dataPlane } = options;
  const servers = lmServersOf(name, options).map((server) => ({
    ...{ name: server, address: lmAddress(server) },
    ...pairKey(options.seed, name, server),
  }));
  const interfaceOf = (own: string): { interface?: string } =>
    agent === undefined ? { interface: own } : {};
  const text = emitConfig(maarSchema, {
    name,
    address: config.address,
    stateDirectory: stateDirectory(directory, name).inside,
    mnRealm: config.mnRealm,
    core: { ...interfaceOf(CORE_INTERFACE), mtu: config.coreMtu },
    access: links.map(({ linkLocal, mac, mtu }) => ({
      ...interfaceOf(ACCESS_INTERFACE),
      linkLocal,
      mac,
      mtu,
    })),
    pool: {
      prefix: pool.prefix,
      preferredSeconds: pool.preferredSeconds,
      validSeconds: pool.validSeconds,
      network: [...(pool.networks ?? [])],
    },
    peer: peers.map((peer) => ({
      ...{ name: peer.name, address: peer.address, prefixes: [...peer.prefixes] },
      ...(peer.stateful === undefined ? {} : { stateful: [...peer.stateful] }),
      ...(servers.length === 0 ? {} : pairKey(options.seed, name, peer.name)),
    })),
    ...(servers.length === 0 ? {} : { lm: { server: servers } }),
    aaa: {
      originHost: aaa.originHost,
      originRealm: aaa.originRealm,
      destinationRealm: aaa.destinationRealm,
      vendorId: aaa.vendorId,
      server: aaa.servers.map((server) => ({ name: server.name, address: server.host, port: server.port })),
    },
    scheme: { name: scheme.name, options: { ...scheme.options } },
    ...(dataPlane === undefined || dataPlane.engine === 'wasmtime' ? {} : { dataplane: dataPlane }),
    ...(agent === undefined ? {} : { agent }),
    timers,
    hold,
    buffer,
  });
  return write(directory, name, text);
}

/** Writes the file for `maar aaa` and returns its path inside the sandbox. */
export function writeAaaFile(directory: SharedDirectory, options: LabOptions): string {
  const { subscribers, peers } = aaaProfile(options);
  const text = emitConfig(aaaSchema, {
    name: AAA.name,
    originHost: AAA.originHost,
    originRealm: AAA.realm,
    listen: [{ address: AAA.address, port: AAA.port }],
    database: join(stateDirectory(directory, AAA.name).inside, 'registrations.db'),
    vendorId: VENDOR_ID,
    peer: peers.map((peer) => ({ ...peer })),
    subscriber: subscribers.map((subscriber) => ({ ...subscriber })),
  });
  return write(directory, AAA.name, text);
}

/** Writes the file for `maar lm` and returns its path inside the sandbox. */
export function writeLmFile(directory: SharedDirectory, plan: LmPlan, options: LabOptions): string {
  const { name, address, primary, gateway, peers } = plan;
  const state = stateDirectory(directory, name).inside;
  const store = hasEtcd(options) ? etcdStore(ETCD_MEMBERS) : `sqlite:${join(state, 'registrations.db')}`;
  const text = emitConfig(lmSchema, {
    ...{ name, address, stateDirectory: state, store },
    primary: [...primary],
    ...(gateway === undefined ? {} : { gateway }),
    peer: peers.map((peer) => ({ ...peer, ...pairKey(options.seed, name, peer.name) })),
  });
  return write(directory, name, text);
}

function write(directory: SharedDirectory, name: string, text: string): string {
  const file = `${name}.toml`;
  writeFileSync(join(directory.outside, file), text);
  return join(directory.inside, file);
}
