import type { Verdict } from '../../../bindings/dataplane.ts';
import { LINKTYPE_IPV6 } from '../../wire/capture.ts';
import type { Capture, CapturedPacket, CaptureInterface } from '../../wire/capture.ts';
import type { Replay, ReplayedPacket } from './replay.ts';

/** Longest packet that leaves is far below this; the value that tcpdump writes. */
const SNAP_LENGTH = 262_144;

/** `drop hop-limit`, `deliver link 0 via fe80::a 02:00:00:00:00:0a`, `core 2001:db8::2`. */
export function verdictText(verdict: Verdict): string {
  switch (verdict.action) {
    case 'deliver':
      return `deliver link ${verdict.link} via ${verdict.nextHop} ${verdict.mac}`;
    case 'core':
      return `core ${verdict.locator}`;
    case 'drop':
      return `drop ${verdict.reason}`;
    default:
      return verdict.action;
  }
}

/** What leaves, as one interface without names: for a classic pcap file. */
export function leavingCapture({ packets }: Replay): Capture {
  return {
    interfaces: [{ linkType: LINKTYPE_IPV6, snapLength: SNAP_LENGTH }],
    packets: leaving(packets).map((packet) => captured(packet, 0)),
  };
}

/** What leaves, by where it leaves, each packet with its verdict as comment: for a pcapng file. */
export function leavingByInterface({ packets }: Replay): Capture {
  const interfaces: CaptureInterface[] = [];
  const shown = leaving(packets).map((packet) => {
    const name = interfaceName(packet.verdict);
    let index = interfaces.findIndex((itf) => itf.name === name);
    if (index < 0) index = interfaces.push({ linkType: LINKTYPE_IPV6, snapLength: SNAP_LENGTH, name }) - 1;
    const origin = packet.number === undefined ? 'made or released' : `packet ${packet.number}`;
    return { ...captured(packet, index), comments: [`${origin}: ${verdictText(packet.verdict)}`] };
  });
  return { interfaces, packets: shown };
}

function leaving(packets: readonly ReplayedPacket[]): readonly ReplayedPacket[] {
  return packets.filter(({ verdict }) => verdict.action !== 'drop' && verdict.action !== 'hold');
}

function interfaceName(verdict: Verdict): string {
  return verdict.action === 'deliver' ? `access${verdict.link}` : verdict.action;
}

function captured({ time, data }: ReplayedPacket, index: number): CapturedPacket {
  return { interface: index, time, data, length: data.length };
}

/** How many packets got each verdict, drops by reason. */
export function verdictCounts({ packets }: Replay): Readonly<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { verdict } of packets) {
    const name = verdict.action === 'drop' ? verdictText(verdict) : verdict.action;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}
