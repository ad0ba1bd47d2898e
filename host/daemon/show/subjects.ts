import type { NodeView, StatusView } from '../../core/view.ts';
import { table } from './table.ts';

interface Presentation {
  /** What `--json` prints. */
  select(status: StatusView): unknown;
  text(status: StatusView): string;
}

function counters({ maar, dataplane }: StatusView): Record<string, number> {
  return { ...maar.counters, ...dataplane.counters };
}

function bindings(
  nodes: readonly NodeView[],
): { mnId: string; list: string; hoa: string; at: string; state: string }[] {
  return nodes.flatMap((node) => [
    ...node.internal.map(({ hoa, maar, tunnelled }) => ({
      mnId: node.mnId,
      list: 'internal',
      hoa,
      at: maar,
      state: tunnelled ? 'tunnelled' : 'native',
    })),
    ...node.external.map(({ hoa, coa, anchor }) => ({
      mnId: node.mnId,
      list: 'external',
      hoa,
      at: coa,
      state: `anchor ${anchor}`,
    })),
  ]);
}

function seconds(milliseconds: number): string {
  return `${Math.max(0, Math.round(milliseconds / 1000))} s`;
}

/** What `maar show` can show. */
export const SUBJECTS = {
  status: {
    select: (status) => status,
    text: ({ maar, dataplane, agent }) => {
      const { destinations, sources, peers } = dataplane.entries;
      return [
        `${maar.name}  ${maar.address}  scheme ${maar.scheme}`,
        ...(agent === undefined
          ? []
          : [
              `Agent at ${agent.address}: ${agent.connected ? 'connected' : `not connected, ${agent.reason}`}`,
            ]),
        `MNs attached: ${maar.nodes.length}, anchored elsewhere: ${maar.anchored.length}, released: ${maar.released.length}`,
        `Data plane: ${destinations.length} destinations, ${sources.length} sources, ${peers.length} peers`,
        '',
        table(
          ['MN', 'MAC', 'link', 'state', 'prefix'],
          maar.nodes.map((node) => [node.mnId, node.mac, String(node.link), node.state, node.prefix]),
          'no MN attached',
        ),
      ].join('\n');
    },
  },
  bindings: {
    select: ({ maar }) => ({
      nodes: maar.nodes.map(({ mnId, internal, external }) => ({ mnId, internal, external })),
      anchored: maar.anchored,
      released: maar.released,
    }),
    text: ({ maar }) =>
      [
        table(
          ['MN', 'list', 'HoA', 'at', 'state'],
          bindings(maar.nodes).map(({ mnId, list, hoa, at, state }) => [mnId, list, hoa, at, state]),
          'no bindings',
        ),
        table(
          ['anchored HoA', 'MN', 'serving MAAR', 'expires in'],
          maar.anchored.map(({ hoa, mnId, serving, expires }) => [
            hoa,
            mnId,
            serving,
            seconds(expires - maar.now),
          ]),
          'no home address anchored for an MN elsewhere',
        ),
      ].join('\n'),
  },
  sessions: {
    select: ({ maar }) =>
      maar.nodes.flatMap(({ mnId, internal }) => internal.map((session) => ({ mnId, ...session }))),
    text: ({ maar }) =>
      table(
        ['MN', 'correspondent', "correspondent's MAAR", 'path'],
        maar.nodes.flatMap(({ mnId, internal }) =>
          internal.map((session) => [
            mnId,
            session.hoa,
            session.maar,
            session.tunnelled ? 'tunnel' : 'native',
          ]),
        ),
        'no sessions',
      ),
  },
  leases: {
    select: ({ maar }) => maar.leases,
    text: ({ maar }) =>
      [
        table(
          ['network', 'prefix', 'mode', 'leased', 'of'],
          maar.leases.networks.map(({ name, prefix, mode, leased, size }) => [
            ...[name, prefix, mode],
            ...[String(leased), String(size)],
          ]),
          'no networks',
        ),
        table(
          ['lease', 'MN', 'network', 'served by', 'expires in'],
          maar.leases.leases.map(({ prefix, mnId, network, serving, until }) => [
            ...[prefix, mnId, network, serving ?? 'nobody'],
            seconds(until - maar.now),
          ]),
          'no leases',
        ),
        ...maar.leases.refusals.map(
          ({ mnId, network, since }) =>
            `Nothing left of network ${network} for ${mnId} since ${seconds(maar.now - since)}`,
        ),
        ...(maar.leases.stored ? [] : ['Leases are not stored: a restart forgets them']),
      ].join('\n'),
  },
  peers: {
    select: ({ maar }) => maar.peers,
    text: ({ maar }) =>
      table(
        ['peer', 'address'],
        maar.peers.map(({ name, address }) => [name, address]),
        'no peers',
      ),
  },
  counters: {
    select: counters,
    text: (status) =>
      table(
        ['counter', 'value'],
        Object.entries(counters(status))
          .filter(([, value]) => value !== 0)
          .sort(([a], [b]) => a.localeCompare(b))
          .map(([name, value]) => [name, String(value)]),
        'every counter is 0',
      ),
  },
} as const satisfies Record<string, Presentation>;

export type Subject = keyof typeof SUBJECTS;
