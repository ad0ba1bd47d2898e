import { IPV6_HEADER, NEXT_HEADER } from '../../wire/ipv6.ts';
import type { CapturedPacket, Lab, Scenario, ScenarioResult, StreamReport } from '../lab.ts';
import { handoverLoss } from './common/bounds.ts';
import { Checks, slack } from './common/checks.ts';
import { attachBoth, awaitAddress, data, settle } from './common/domain.ts';
import { handover, report } from './common/handover.ts';
import { outcome } from './common/session.ts';

/** The largest packets towards b1 and b2, where MAARs count on 1,500. */
const PATH_MTU = { b1: 1_400, b2: 1_280 } as const;
const BYTES = 400_000;
const INTERVAL_MS = 10;
const STREAM_MILLIS = 1_000;
const UDP_HEADER = 8;
/** What a host sends that heeds the MTU of the Router Advertisement, and what no path may refuse. */
const FULL = { link: 1_460, smallest: 1_280 } as const;

export const pathMtu: Scenario = {
  name: 'path-mtu',
  summary:
    'a link of the core carries less than MAARs count on: hosts are told, small packets go in fragments',
  backends: ['sim', 'netns'],
  options: { pathMtu: PATH_MTU },
  run,
};

interface Session {
  readonly from: 'A';
  readonly to: 'B';
  readonly fromAddress: string;
  readonly toAddress: string;
}

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const { a: fromAddress, b: toAddress } = await attachBoth(lab);
  const session: Session = { from: 'A', to: 'B', fromAddress, toAddress };
  // A home that no session uses is not followed when its host moves.
  const before = { name: 'udp A>B throughout', kind: 'udp', intervalMs: INTERVAL_MS, ...session } as const;
  const throughout = await lab.stream(before);
  await settle(lab);
  const moves = [await handover(lab, 'A', 'a1', 'a2')];
  await awaitAddress(lab, 'A', 'a2');
  await settle(lab);
  const streams = [await transfer(lab, checks, session)];
  // Hosts of the simulation send no fragments, and its routers put none together.
  if (lab.backend === 'netns') {
    streams.push(await datagrams(lab, session, FULL.link));
    moves.push(await handover(lab, 'B', 'b1', 'b2'));
    await awaitAddress(lab, 'B', 'b2');
    await settle(lab);
    streams.push(await datagrams(lab, session, FULL.smallest));
    checks.atLeast('a2: outer fragments', await data(lab, 'a2', 'fragments'), 2);
  }
  for (const { spec, lost } of streams.slice(1)) {
    checks.atMost(`${spec.name}: packets lost, until the MTU was known`, lost, slack(lab) / INTERVAL_MS);
  }
  const small = await throughout.finish();
  checks.atMost(`${small.spec.name}: packets lost`, small.lost, smallLost(lab));
  checks.equal(`${small.spec.name}: packets duplicated`, small.duplicated, 0);
  return outcome(
    checks,
    [small, ...streams],
    moves.map((move, index) => report(lab, move, {}, moves[index + 1]?.at)),
  );
}

async function transfer(lab: Lab, checks: Checks, session: Session): Promise<StreamReport> {
  const begun = lab.now();
  const stream = await lab.stream({ name: 'tcp A>B', kind: 'tcp', bytes: BYTES, ...session });
  const finished = await stream.finish();
  checks.equal('tcp A>B: SHA-256 of the transfer matches', finished.intact, true);
  const lengths = (await lab.captured())
    .filter((packet) => packet.at >= begun && isSegmentOfA(packet))
    .map(({ data: packet }) => packet.length);
  const most = PATH_MTU.b1 - IPV6_HEADER;
  checks.atLeast('A: longest segment', Math.max(...lengths), most + 1);
  const later = lengths.slice(lengths.length >> 1);
  checks.atMost('A: longest segment of the second half, once it was told', Math.max(...later), most);
  const told = await data(lab, 'a2', 'errors-relayed');
  checks.atLeast('a2: errors-relayed', told, 1);
  if (lab.backend === 'sim') checks.equal('tcp A>B: segments lost, A told of each', finished.lost, told);
  return finished;
}

/**
 * What the moves may cost a stream that no MTU concerns. A sends at once on its new link, where a2 holds the packets;
 * B's packets are lost from the moment its old link goes down until its old MAAR hears of it.
 */
function smallLost(lab: Lab): number {
  return lab.backend === 'sim' ? 0 : slack(lab) / INTERVAL_MS + handoverLoss(lab);
}

/** Sends UDP packets of `length` octets, IPv6 header included, for a second. */
async function datagrams(lab: Lab, session: Session, length: number): Promise<StreamReport> {
  const octets = length - IPV6_HEADER - UDP_HEADER;
  const name = `udp A>B of ${length}`;
  const stream = await lab.stream({ name, kind: 'udp', octets, intervalMs: INTERVAL_MS, ...session });
  await lab.sleep(STREAM_MILLIS);
  return stream.finish();
}

function isSegmentOfA({ link, sender, data: packet }: CapturedPacket): boolean {
  return link === 'host-A' && sender === 'A' && packet[6] === NEXT_HEADER.tcp;
}
