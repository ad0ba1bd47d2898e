import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command, CommandStatus } from '../../../bindings/entries.ts';
import type { MaarEffect, MaarEvent } from '../../../host/core/maar-io.ts';
import type { Machine, TraceEffect } from '../../../host/core/machine.ts';
import { clockOrigin } from '../../../host/io/clock.ts';
import type { LinuxConfig } from '../../../host/io/linux-config.ts';
import { LinuxHost } from '../../../host/io/linux-host.ts';
import { python, sh, shell, until } from './namespace.ts';

export const MAAR = '2001:db8:0:1::1';
export const PEER = '2001:db8:0:2::1';
/** Behind the peer. */
export const CORRESPONDENT = '2001:db8:c0::2';
export const POOL = '2001:db8:11::/48';
/** Assigned by the peer to the station that is now here. */
export const FOREIGN = '2001:db8:aa::/64';
export const FOREIGN_ADDRESS = '2001:db8:aa::10';
/** Assigned here. */
export const NATIVE = '2001:db8:11:1::/64';
export const NATIVE_ADDRESS = '2001:db8:11:1::10';
export const STATION_MAC = '02:00:5e:10:01:0a';
export const STATION_LINK_LOCAL = 'fe80::5eff:fe10:10a';
export const ROUTER_MAC = '02:00:5e:10:00:00';
/** ICMPv6 types (RFC 4443 section 4). */
const [ECHO_REQUEST, ECHO_REPLY] = [128, 129];

/**
 * A station on a bridge of this namespace, and namespace "core" with the kernel's own tunnel end as the peer:
 * seg6 encap.red with one segment is plain IPv6-in-IPv6, End.DT6 takes it off again.
 */
export function buildNetwork(): void {
  sh(`
    ip netns add core; ip netns add station
    ip link add core0 type veth peer name core1 netns core
    ip link add br0 type bridge; ip link set br0 up
    ip link add port0 type veth peer name sta0 netns station
    ip link set port0 master br0 up
    sysctl -qw net.ipv6.conf.core0.accept_dad=0; ip link set core0 up
    ip addr add ${MAAR}/64 dev core0 nodad
    ip netns exec core sh -ec '
      ip link set lo up; sysctl -qw net.ipv6.conf.core1.accept_dad=0 net.ipv6.conf.all.forwarding=1
      sysctl -qw net.ipv6.conf.all.seg6_enabled=1 net.ipv6.conf.core1.seg6_enabled=1
      ip link set core1 up; ip addr add 2001:db8:0:1::2/64 dev core1 nodad
      ip addr add ${CORRESPONDENT}/128 dev lo
      ip sr tunsrc set ${PEER}
      ip -6 route add ${PEER}/128 encap seg6local action End.DT6 table 255 dev core1
      ip -6 route add ${FOREIGN} encap seg6 mode encap.red segs ${MAAR} dev core1
      ip -6 route add ${POOL} via ${MAAR}
    '
    ip -6 route add default via 2001:db8:0:1::2
    ip netns exec station sh -ec '
      ip link set lo up; ip link set sta0 address ${STATION_MAC}; sysctl -qw net.ipv6.conf.sta0.accept_dad=0
      ip link set sta0 up; ip addr add ${NATIVE_ADDRESS}/128 dev sta0 nodad; ip addr add ${FOREIGN_ADDRESS}/128 dev sta0 nodad
      ip -6 route add default via fe80::1 dev sta0
    '
  `);
}

export function station(command: string): string {
  return sh(`ip netns exec station ${command}`);
}

/**
 * What ping says of echo requests of the station that leave at once. ping ends with the last answer; it waits for that as
 * long as it would between two requests, so that requests 10 ms apart were lost to a data plane that is held up for 20.
 */
export function ping(from: string, to: string, count: number, options = ''): Promise<string> {
  return shell(
    `ip netns exec station ping -6 -q -c ${count} -l ${count} -i 3 -W 3 ${options} -I ${from} ${to}`,
  );
}

/** True if the station has an answer within a second. */
export async function reaches(from: string, to: string): Promise<boolean> {
  try {
    const said = await shell(`ip netns exec station ping -6 -q -c 1 -W 1 -I ${from} ${to}`);
    return said.includes(' 0% packet loss');
  } catch {
    return false;
  }
}

/** From asm-generic/socket.h: Python does not name it. */
const SO_RCVBUFFORCE = 33;

/**
 * Sends echo requests of the station so many milliseconds apart, and waits for all answers; resolves to how many stayed
 * away. Unlike ping, which knows how many are missing and leaves nevertheless; and with room for all answers at once, as
 * they come from a data plane that was held up.
 */
export async function lostEchoes(
  from: string,
  to: string,
  count: number,
  intervalMs: number,
): Promise<number> {
  const program = `
import select, socket, struct, time
s = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
s.bind(('${from}', 0)); s.connect(('${to}', 0))
s.setsockopt(socket.SOL_SOCKET, ${SO_RCVBUFFORCE}, 8 << 20)
away, sent, due, end = set(range(${count})), 0, 0, time.monotonic() + 20
while away and time.monotonic() < end:
    if sent < ${count} and time.monotonic() >= due:
        s.send(struct.pack('!BBHHH', ${ECHO_REQUEST}, 0, 0, 0, sent))
        sent, due = sent + 1, time.monotonic() + ${intervalMs / 1000}
    wait = due - time.monotonic() if sent < ${count} else 1
    if select.select([s], [], [], max(0, wait))[0]:
        kind, _, _, _, number = struct.unpack_from('!BBHHH', s.recv(100))
        if kind == ${ECHO_REPLY}: away.discard(number)
print(len(away))`;
  return Number(await python('station', program));
}

export function core(command: string): string {
  return sh(`ip netns exec core ${command}`);
}

/** A machine without a mind: remembers what it is told, and wants what the test wants. */
export class Puppet implements Machine<MaarEvent, MaarEffect> {
  readonly events: MaarEvent[] = [];
  readonly faults: TraceEffect[] = [];
  readonly #queue: MaarEffect[] = [];

  step(event: MaarEvent): MaarEffect[] {
    this.events.push(event);
    return this.#queue.splice(0);
  }

  want(...effects: MaarEffect[]): void {
    this.#queue.push(...effects);
  }

  of<T extends MaarEvent['type']>(type: T): Extract<MaarEvent, { type: T }>[] {
    return this.events.filter((event): event is Extract<MaarEvent, { type: T }> => event.type === type);
  }
}

export interface Bench {
  readonly host: LinuxHost;
  readonly puppet: Puppet;
  /** Carries out effects now. */
  perform(...effects: MaarEffect[]): void;
  /** Applies commands and waits until tables and kernel have them. */
  apply(...commands: Command[]): Promise<void>;
  /** The same, of commands that may be refused; their statuses. */
  try(...commands: Command[]): Promise<readonly CommandStatus[]>;
  counters(): Promise<Readonly<Record<string, number>>>;
  close(): Promise<void>;
}

export async function openBench(changes: Partial<LinuxConfig> = {}): Promise<Bench> {
  const puppet = new Puppet();
  const stateDirectory = changes.stateDirectory ?? mkdtempSync(join(tmpdir(), 'maar-test-'));
  const host = new LinuxHost({
    config: {
      name: 'a1',
      address: MAAR,
      stateDirectory,
      coreInterface: 'core0',
      coreMtu: 1500,
      clampMss: false,
      dataPlane: { engine: 'node' },
      access: [{ link: 0, interface: 'br0', linkLocal: 'fe80::1', mac: ROUTER_MAC }],
      pool: POOL,
      activity: false,
      ...changes,
    },
    machine: puppet,
    view: () => {
      throw new Error('a puppet has no view');
    },
    trace: (effect) => void puppet.faults.push(effect),
    clockOrigin: clockOrigin(),
    seed: 7n,
  });
  await host.start();
  let batch = 0;
  const perform = (...effects: MaarEffect[]): void => {
    puppet.want(...effects);
    host.dispatch({ type: 'timer', id: 'test' });
  };
  const attempt = async (commands: Command[]): Promise<readonly CommandStatus[]> => {
    const number = ++batch;
    perform({ type: 'apply', batch: number, commands });
    await until('applied', () => puppet.of('applied').some((event) => event.batch === number));
    return puppet.of('applied').find((event) => event.batch === number)!.statuses;
  };
  return {
    host,
    puppet,
    perform,
    async apply(...commands) {
      const statuses = await attempt(commands);
      if (statuses.some((status) => status !== 'ok')) throw new Error(`apply: ${statuses.join(', ')}`);
    },
    try: (...commands) => attempt(commands),
    counters: async () => (await host.dataPlane()).counters,
    async close() {
      await host.stop();
      rmSync(stateDirectory, { recursive: true });
    },
  };
}
