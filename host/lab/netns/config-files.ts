import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { aaaSchema } from '../../daemon/config/aaa.ts';
import { emitConfig } from '../../daemon/config/emit.ts';
import { maarSchema } from '../../daemon/config/maar.ts';
import { AAA, VENDOR_ID, aaaProfile, maarConfig } from '../plan.ts';
import type { LabOptions, MaarName } from '../lab.ts';
import { ACCESS_INTERFACE, CORE_INTERFACE } from './topology.ts';

/** The state directory of a MAAR or of the AAA server; it outlives a restart of the daemon. */
export function stateDirectory(directory: string, name: string): string {
  const path = join(directory, name);
  mkdirSync(path, { recursive: true });
  return path;
}

/** Writes the file for `maar run` and returns its path. */
export function writeMaarFile(directory: string, name: MaarName, options: LabOptions): string {
  const config = maarConfig(name, options);
  const { aaa, links, peers, scheme, timers, hold, pool } = config;
  const text = emitConfig(maarSchema, {
    name,
    address: config.address,
    stateDirectory: stateDirectory(directory, name),
    mnRealm: config.mnRealm,
    core: { interface: CORE_INTERFACE, mtu: config.coreMtu },
    access: links.map(({ linkLocal, mac, mtu }) => ({ interface: ACCESS_INTERFACE, linkLocal, mac, mtu })),
    pool,
    peer: peers.map((peer) => ({ ...peer, prefixes: [...peer.prefixes] })),
    aaa: {
      originHost: aaa.originHost,
      originRealm: aaa.originRealm,
      destinationRealm: aaa.destinationRealm,
      vendorId: aaa.vendorId,
      server: aaa.servers.map((server) => ({ name: server.name, address: server.host, port: server.port })),
    },
    scheme: { name: scheme.name, options: { ...scheme.options } },
    timers,
    hold,
  });
  return write(directory, name, text);
}

/** Writes the file for `maar aaa` and returns its path. */
export function writeAaaFile(directory: string, options: LabOptions): string {
  const { subscribers, peers } = aaaProfile(options);
  const text = emitConfig(aaaSchema, {
    name: AAA.name,
    originHost: AAA.originHost,
    originRealm: AAA.realm,
    listen: [{ address: AAA.address, port: AAA.port }],
    database: join(stateDirectory(directory, AAA.name), 'registrations.db'),
    vendorId: VENDOR_ID,
    peer: peers.map((peer) => ({ ...peer })),
    subscriber: subscribers.map((subscriber) => ({ ...subscriber })),
  });
  return write(directory, AAA.name, text);
}

function write(directory: string, name: string, text: string): string {
  const path = join(directory, `${name}.toml`);
  writeFileSync(path, text);
  return path;
}
