import { NEXT_HEADER, parseIpv6, type Ipv6Packet } from '../../../wire/ipv6.ts';
import type { CapturedPacket, Lab, MaarName } from '../../lab.ts';
import { nameOf } from './domain.ts';

export interface DataPacket {
  readonly at: number;
  readonly link: string;
  readonly src: string;
  readonly dst: string;
  readonly nextHeader: number;
  /** Names of the MAARs at the ends of the tunnel it is in, if it is in one. */
  readonly tunnel: { readonly from: string; readonly to: string } | undefined;
}

/** Every sighting of packets between two addresses, in either direction, tunnelled or not, from `since` on. */
export async function sightings(
  lab: Lab,
  ends: readonly [string, string],
  since: number,
): Promise<DataPacket[]> {
  const found: DataPacket[] = [];
  for (const captured of await lab.captured()) {
    if (captured.at < since) continue;
    const packet = read(captured);
    if (packet === undefined) continue;
    if (ends.includes(packet.src) && ends.includes(packet.dst)) found.push(packet);
  }
  return found;
}

function read({ at, link, data }: CapturedPacket): DataPacket | undefined {
  const outer = parseIpv6(data);
  if (!outer.ok) return undefined;
  if (outer.value.nextHeader !== NEXT_HEADER.ipv6)
    return { at, link, ...facts(outer.value), tunnel: undefined };
  const inner = parseIpv6(outer.value.payload);
  if (!inner.ok) return undefined;
  const tunnel = { from: nameOf(outer.value.src), to: nameOf(outer.value.dst) };
  return { at, link, ...facts(inner.value), tunnel };
}

function facts({ src, dst, nextHeader }: Ipv6Packet): { src: string; dst: string; nextHeader: number } {
  return { src, dst, nextHeader };
}

/** How packets cross the core: "a3>b2" for each tunnel, "native" for none, each once, sorted. */
export function pathsOf(packets: readonly DataPacket[]): string[] {
  const core = packets.filter(({ link }) => link.startsWith('core-'));
  return [
    ...new Set(core.map(({ tunnel }) => (tunnel === undefined ? 'native' : `${tunnel.from}>${tunnel.to}`))),
  ].sort();
}

/** Packets that were put into the core at a MAAR at or after `since`: their path cannot depend on anything older. */
export function enteredAt(packets: readonly DataPacket[], maar: MaarName, since: number): DataPacket[] {
  return packets.filter(
    ({ at, link, tunnel }) => at >= since && link === `core-${maar}` && tunnel?.from === maar,
  );
}
