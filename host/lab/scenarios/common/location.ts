import { NEXT_HEADER, parseIpv6 } from '../../../wire/ipv6.ts';
import { parseMobility } from '../../../wire/mobility/message.ts';
import type { CapturedPacket, HostName, Lab, LmName, MaarName, Stream, StreamReport } from '../../lab.ts';
import { lmAddress, maarAddress, mnId } from '../../plan.ts';
import type { Checks } from './checks.ts';
import { attachBoth, awaitAddress, settle } from './domain.ts';
import { handover } from './handover.ts';
import { INTERVAL_MS } from './traffic.ts';

/** Packets of the session that keeps a home in use are this far apart, in ms. */
const KEEPING_MS = 50;

/** A, whose home is at a1, at another MAAR; its session with B at b1 keeps the home in use. */
export interface Away {
  readonly home: string;
  readonly peer: string;
  /** Ping from A to B. */
  readonly session: Stream;
}

export async function goAway(lab: Lab, to: MaarName = 'a2'): Promise<Away> {
  const { a: home, b: peer } = await attachBoth(lab);
  const session = await lab.stream({
    name: 'ping A>B',
    from: 'A',
    to: 'B',
    kind: 'ping',
    intervalMs: KEEPING_MS,
    fromAddress: home,
    toAddress: peer,
  });
  await settle(lab);
  await handover(lab, 'A', 'a1', to);
  await awaitAddress(lab, 'A', to);
  await settle(lab);
  return { home, peer, session };
}

/** UDP from B to A's home that begins now: what is lost of it is lost by what the scenario does from here on. */
export function watch(lab: Lab, { home, peer }: Away): Promise<Stream> {
  return lab.stream({
    name: 'udp B>A',
    from: 'B',
    to: 'A',
    kind: 'udp',
    intervalMs: INTERVAL_MS,
    fromAddress: peer,
    toAddress: home,
  });
}

/** What a server has registered of a host, without what changes by itself. */
export async function registrationOf(
  lab: Lab,
  host: HostName,
  server: LmName = 'lm1',
): Promise<{ locator: string; counter: number; prefixes: readonly string[] } | undefined> {
  const { registrations } = await lab.showLm(server);
  const found = registrations.find((registration) => registration.mnId === mnId(host));
  if (found === undefined) return undefined;
  const { locator, counter, prefixes } = found;
  return { locator, counter, prefixes };
}

export async function lmCounter(lab: Lab, name: string, server: LmName = 'lm1'): Promise<number> {
  return (await lab.showLm(server)).counters[name] ?? 0;
}

/** Messages of one kind that were sent from `since` on, each as "node sends message to peer". */
export function sent(lab: Lab, message: string, since: number): string[] {
  return lab
    .trace()
    .filter((record) => record.at >= since && record.what === 'send' && record.message === message)
    .map(({ node, to }) => `${node} sends ${message} to ${to ?? 'all'}`);
}

/** A session that lost nothing, saw nothing twice, and nothing out of order beyond `reordered`. */
export function checkStream(
  checks: Checks,
  { spec, lost, duplicated, reordered }: StreamReport,
  bound: { readonly lost?: number; readonly reordered?: number } = {},
): void {
  checks.atMost(`${spec.name}: packets lost`, lost, Math.floor(bound.lost ?? 0));
  checks.equal(`${spec.name}: packets duplicated`, duplicated, 0);
  checks.atMost(`${spec.name}: packets reordered`, reordered, Math.floor(bound.reordered ?? 0));
}

/** Binding Updates from a MAAR to a server that were captured as they left it, the last one last. */
export async function updatesFrom(
  lab: Lab,
  maar: MaarName,
  server: LmName = 'lm1',
): Promise<CapturedPacket[]> {
  return (await lab.captured()).filter((packet) => {
    const parsed = parseIpv6(packet.data);
    if (packet.link !== `core-${maar}` || !parsed.ok) return false;
    const { src, dst, nextHeader, payload } = parsed.value;
    if (nextHeader !== NEXT_HEADER.mobility || src !== maarAddress(maar) || dst !== lmAddress(server))
      return false;
    const message = parseMobility(payload, src, dst);
    return message.ok && message.value.kind === 'BU';
  });
}
