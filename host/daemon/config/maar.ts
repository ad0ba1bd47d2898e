import { z } from 'zod';
import { DEFAULT_TIMERS, type MaarConfig } from '../../core/config.ts';
import type { AgentConfig } from '../../io/agent/agent-config.ts';
import type { LinuxConfig } from '../../io/linux-config.ts';
import { defaultScheme, findScheme, schemeNames } from '../../schemes/registry.ts';
import { contains, isLinkLocal, parseMac } from '../../wire/address.ts';
import { DIAMETER_PORT, address, identity, port, vendorId } from './aaa.ts';
import { agentAddress, agentSection } from './agent.ts';
import { ASSOCIATION_REMEDY, association, channelPeer, isProtected } from './association.ts';
import { canonicalPrefix } from './load.ts';
import { locationConfig, locationSection } from './location.ts';
import { controlPool, MEMORY, poolFaults, poolSection, SQLITE } from './pool.ts';

const text = (what: string) => z.string({ error: `must be ${what}` }).min(1, { error: `must be ${what}` });
const prefix = (what: string) => text(what).transform(canonicalPrefix);
const positive = (what: string) =>
  z.int({ error: `must be ${what}` }).min(1, { error: `must be ${what}, at least 1` });
const mtu = z
  .int({ error: 'must be an MTU in octets' })
  .min(1280, { error: 'must be at least 1280 (RFC 8200 section 5)' })
  .max(65_535, { error: 'must be at most 65535' });
const INTERFACE = 'the name of an interface, 15 characters at most';
/** As the kernel allows, but for quotes, which would end a name in an nftables rule. */
const interfaceName = text(INTERFACE).regex(/^[^\s/:"]{1,15}$/, { error: `must be ${INTERFACE}` });
const mac = text('a MAC address').transform((value, context) => {
  const parsed = parseMac(value);
  if (parsed === undefined || (Number.parseInt(parsed.slice(0, 2), 16) & 1) !== 0) {
    context.addIssue('must be a unicast MAC address, like "02:00:5e:10:00:01"');
  }
  return parsed ?? value;
});
const linkLocal = address('the link-local address of every access link of the domain').refine(isLinkLocal, {
  error: 'must be a link-local address, like "fe80::1"',
});

/** Values of [timers], in the units of TimerConfig; docs/linux.md says what each is for. */
const timers = z.strictObject({
  hold: positive('milliseconds').default(DEFAULT_TIMERS.hold),
  forget: positive('milliseconds').default(DEFAULT_TIMERS.forget),
  bindingSeconds: positive('seconds').default(DEFAULT_TIMERS.bindingSeconds),
  idle: positive('milliseconds').default(DEFAULT_TIMERS.idle),
  probe: positive('milliseconds').default(DEFAULT_TIMERS.probe),
  retransmit: positive('milliseconds').default(DEFAULT_TIMERS.retransmit),
  retransmitMax: positive('milliseconds').default(DEFAULT_TIMERS.retransmitMax),
  timestampWindow: positive('milliseconds').default(DEFAULT_TIMERS.timestampWindow),
});
const hold = z.strictObject({
  packets: positive('a number of packets').default(512),
  millis: positive('milliseconds').default(2_000),
});

/**
 * Shortest time of silence, in milliseconds: a look each quarter of it dumps nftables sets, and a station's ordinary pauses
 * are longer than less.
 */
const LEAST_SILENCE = 40;

/** For each home address of a station that is leaving or gone; 0 packets turn it off. */
const buffer = z.strictObject({
  packets: z
    .int({ error: 'must be a number of packets' })
    .min(0, { error: 'must be a number of packets, 0 to keep none' })
    .default(1_024),
  bytes: positive('a number of octets').default(1_500_000),
  millis: positive('milliseconds').default(2_000),
  silence: z
    .int({ error: 'must be milliseconds' })
    .refine((millis) => millis === 0 || millis >= LEAST_SILENCE, {
      error: `must be 0, to ask no station for its silence, or at least ${LEAST_SILENCE} milliseconds`,
    })
    .default(0),
});

/** Where the data plane runs, each with what it needs. */
const dataplane = z.discriminatedUnion(
  'engine',
  [
    z.strictObject({ engine: z.literal('node') }),
    z.strictObject({
      engine: z.literal('wasmtime-cli'),
      wasmtime: text('the program wasmtime').default('wasmtime'),
    }),
  ],
  { error: 'must have engine = "node" or "wasmtime-cli"' },
);

const tunnel = z.strictObject({
  clampMss: z.boolean({ error: 'must be true or false' }).default(false),
  encapsulationLimit: z
    .int({ error: 'must be a whole number from 0 to 254' })
    .min(0, 'must be from 0 to 254')
    .max(254, 'must be from 0 to 254')
    .exactOptional(),
});

/** `maar run --config FILE`, section by section; what one section cannot know is in `crossFaults`. */
const sections = z.strictObject({
  name: z
    .string({ error: 'must be a name for logs and kernel objects' })
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/, { error: 'must be letters, digits, "-" and "_", 32 at most' }),
  address: address('our address towards the core'),
  stateDirectory: text('a directory for the undo journal and the control socket').optional(),
  mnRealm: identity('the realm of MN-IDs'),
  core: z.strictObject(
    { interface: interfaceName.exactOptional(), mtu: mtu.default(1500) },
    { error: 'must be a table, [core]' },
  ),
  access: z
    .array(
      z.strictObject({ interface: interfaceName.exactOptional(), linkLocal, mac, mtu: mtu.default(1500) }),
      {
        error: 'must be a list of [[access]] tables',
      },
    )
    .min(1, { error: 'must have one [[access]] table at least' })
    .max(16, { error: 'must have 16 [[access]] tables at most' }),
  pool: poolSection,
  peer: z
    .array(
      z.strictObject({
        name: text('the name of a MAAR'),
        address: address('its address'),
        prefixes: z.array(prefix('a prefix'), { error: 'must be the list of prefixes that it assigns from' }),
        stateful: z
          .array(prefix('a prefix'), { error: 'must be the list of prefixes that it assigns from by DHCPv6' })
          .exactOptional(),
        ...association,
      }),
      { error: 'must be a list of [[peer]] tables: the other MAARs of the domain' },
    )
    .default([]),
  aaa: z.strictObject(
    {
      originHost: identity('the Diameter identity of this MAAR'),
      originRealm: identity('its realm'),
      destinationRealm: identity('the realm of the AAA server'),
      vendorId,
      server: z
        .array(
          z.strictObject({
            name: identity('the Diameter identity of a server or relay'),
            address: address('its address'),
            port: port.default(DIAMETER_PORT),
          }),
          { error: 'must be a list of [[aaa.server]] tables, in order of preference' },
        )
        .min(1, { error: 'must have one [[aaa.server]] table at least' }),
    },
    { error: 'must be a table, [aaa]' },
  ),
  scheme: z
    .strictObject({
      name: text('the name of a scheme').default(defaultScheme),
      options: z.record(z.string(), z.unknown()).default({}),
    })
    .prefault({}),
  lm: locationSection.exactOptional(),
  timers: timers.prefault({}),
  agent: agentSection.exactOptional(),
  dataplane: dataplane.prefault({ engine: 'node' }),
  tunnel: tunnel.prefault({}),
  hold: hold.prefault({}),
  buffer: buffer.prefault({}),
});

type Sections = z.output<typeof sections>;

interface CrossFault {
  readonly path: PropertyKey[];
  readonly message: string;
}

/** What can only be seen of several values together. */
function crossFaults(config: Sections): CrossFault[] {
  const faults: CrossFault[] = [];
  const fault = (path: PropertyKey[], message: string): void => void faults.push({ path, message });
  const once = (path: PropertyKey[], value: string, seen: Set<string>, what: string): void => {
    if (seen.has(value)) fault(path, `must not be the same as that of ${what}`);
    seen.add(value);
  };

  if (isLinkLocal(config.address))
    fault(['address'], 'must be a global address: tunnels and signalling end there');
  for (const { path, message } of poolFaults(config.pool)) fault(['pool', ...path], message);
  if (contains(config.pool.prefix, config.address)) {
    fault(['pool', 'prefix'], `must not contain our own address ${config.address}`);
  }

  const interfaces = new Set<string>();
  [config.core, ...config.access].forEach((link, index) => {
    const path = [...(index === 0 ? ['core'] : ['access', index - 1]), 'interface'];
    const name = link.interface;
    if (name === undefined && config.agent === undefined) fault(path, `must be ${INTERFACE}`);
    if (name === undefined) return;
    if (config.agent === undefined) once(path, name, interfaces, 'the core or another access link');
    else fault(path, 'is for the agent of the router to know, with [agent] here: remove it');
  });

  const names = new Set([config.name]);
  const addresses = new Set([config.address]);
  const pools = [{ owner: 'this MAAR', prefix: config.pool.prefix }];
  config.peer.forEach((peer, index) => {
    once(['peer', index, 'name'], peer.name, names, 'this MAAR or another peer');
    once(['peer', index, 'address'], peer.address, addresses, 'this MAAR or another peer');
    peer.prefixes.forEach((own, at) => {
      const other = pools.find((pool) => contains(pool.prefix, own) || contains(own, pool.prefix));
      if (other !== undefined) {
        fault(['peer', index, 'prefixes', at], `must not overlap ${other.prefix} of ${other.owner}`);
      }
      pools.push({ owner: `peer "${peer.name}"`, prefix: own });
    });
    peer.stateful?.forEach((part, at) => {
      if (peer.prefixes.some((own) => contains(own, part))) return;
      fault(['peer', index, 'stateful', at], 'must lie in one of its prefixes');
    });
  });

  const servers = new Set<string>();
  config.aaa.server.forEach((server, index) =>
    once(['aaa', 'server', index, 'name'], server.name, servers, 'another server'),
  );
  if (config.timers.retransmit > config.timers.retransmitMax) {
    fault(['timers', 'retransmit'], 'must not be longer than retransmitMax');
  }
  if (config.timers.probe >= config.timers.retransmit) {
    fault(
      ['timers', 'probe'],
      `must be shorter than retransmit (${config.timers.retransmit} ms): an sDBU would be repeated during the probe`,
    );
  }

  const scheme = findScheme(config.scheme.name);
  if (scheme === undefined) fault(['scheme', 'name'], `must be one of ${schemeNames().join(', ')}`);
  for (const { key, remedy } of scheme?.check(config.scheme.options) ?? []) {
    fault(['scheme', 'options', key], remedy);
  }
  if (scheme?.needs?.includes('lm') === true && config.lm === undefined) {
    fault(['lm'], `must be a table, [lm]: scheme "${scheme.name}" asks servers of location management`);
  }
  if (config.lm !== undefined) locationFaults(config, fault);
  return faults;
}

/** With servers of location management, MAARs redirect each other's packets: each pair of them needs a key too. */
function locationFaults(config: Sections, fault: (path: PropertyKey[], message: string) => void): void {
  config.peer.forEach((peer, index) => {
    if (!isProtected(peer)) fault(['peer', index, 'key'], ASSOCIATION_REMEDY);
  });
  const others = new Set([config.address, ...config.peer.map(({ address }) => address)]);
  config.lm?.server.forEach((server, index) => {
    if (others.has(server.address)) {
      fault(['lm', 'server', index, 'address'], 'must not be that of a MAAR or of another server');
    }
    others.add(server.address);
  });
}

/** A prefix or address that the sections have already found fault with would only fail again. */
export const maarSchema = sections.superRefine((config, context) => {
  for (const { path, message } of crossFaults(config)) context.addIssue({ code: 'custom', path, message });
});

export type MaarFile = z.output<typeof maarSchema>;

const DEFAULT_STATE = '/var/lib/maar';

/** Where the control socket is. */
export function stateDirectory(file: MaarFile): string {
  return file.stateDirectory ?? `${DEFAULT_STATE}/${file.name}`;
}

/** The file of the leases; undefined where they are not kept. */
export function leaseFile(file: MaarFile): string | undefined {
  const { store } = file.pool;
  if (store === MEMORY) return undefined;
  return store === undefined ? `${stateDirectory(file)}/leases.db` : store.slice(SQLITE.length);
}

/** What a host of the machine needs of the file, wherever the router is. */
function hostConfig(file: MaarFile): Omit<LinuxConfig, 'coreInterface' | 'dataPlane' | 'access'> {
  return {
    name: file.name,
    address: file.address,
    stateDirectory: stateDirectory(file),
    coreMtu: file.core.mtu,
    clampMss: file.tunnel.clampMss,
    pool: file.pool.prefix,
    activity: file.buffer.silence > 0,
  };
}

/** What the Linux host needs of a file that names no agent, and so all interfaces. */
export function linuxConfig(file: MaarFile): LinuxConfig {
  return {
    ...hostConfig(file),
    coreInterface: file.core.interface!,
    dataPlane: file.dataplane,
    access: file.access.map(({ linkLocal, mac, ...access }, link) => ({
      link,
      interface: access.interface!,
      linkLocal,
      mac,
    })),
  };
}

/** What is needed of a file to drive an agent; undefined where it names none. */
export function agentConfig(file: MaarFile): AgentConfig | undefined {
  if (file.agent === undefined) return undefined;
  return {
    ...hostConfig(file),
    agent: agentAddress(file.agent),
    access: file.access.map(({ linkLocal, mac }, link) => ({ link, linkLocal, mac })),
    lifetime: file.timers.bindingSeconds * 1000,
    settle: file.agent.settle,
  };
}

/** What the control plane needs of it. */
export function controlConfig(file: MaarFile): MaarConfig {
  const { name, address, scheme, aaa, mnRealm, core, hold, buffer } = file;
  const { encapsulationLimit } = file.tunnel;
  return {
    name,
    address,
    scheme,
    links: file.access.map(({ linkLocal, mac, mtu }, id) => ({ id, linkLocal, mac, mtu })),
    pool: controlPool(file.pool),
    peers: file.peer.map((peer) => ({
      ...{ name: peer.name, address: peer.address, prefixes: peer.prefixes },
      ...(peer.stateful === undefined ? {} : { stateful: peer.stateful }),
    })),
    aaa: {
      originHost: aaa.originHost,
      originRealm: aaa.originRealm,
      destinationRealm: aaa.destinationRealm,
      vendorId: aaa.vendorId,
      servers: aaa.server.map((server) => ({ name: server.name, host: server.address, port: server.port })),
    },
    mnRealm,
    coreMtu: core.mtu,
    ...(encapsulationLimit === undefined ? {} : { encapsulationLimit }),
    timers: file.timers,
    hold,
    buffer,
    ...(file.lm === undefined ? {} : { lm: locationConfig(file.lm, file.peer.map(channelPeer)) }),
  };
}
