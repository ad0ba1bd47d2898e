import type { EndName, Lab, Stream, StreamReport } from '../../lab.ts';
import type { Checks } from './checks.ts';
import { pathsOf, sightings, type DataPacket } from './packets.ts';
import { INTERVAL_MS } from './traffic.ts';

/** A session that goes by its anchor first, until its path is the shortest. */
const SETTLED_MILLIS = 2_000;
/** Until the last packet that took another way is through. */
const UNDER_WAY_PATHS = 8;
/** How long a path is watched on real kernels, and how long it may take to become the shortest there. */
const QUIET_MILLIS = 500;
const OPTIMISED_MILLIS = 20_000;
const LEAST_PACKETS = 10;
/** One link, and what a node takes to carry entries out. */
const SMALLEST_MILLIS = 5;

export interface Talk {
  /** Waits until its path no longer changes. */
  settled(): Promise<Begun>;
  finish(): Promise<StreamReport>;
}

/** A session that has begun. */
export interface Begun {
  readonly ends: readonly [string, string];
  /** When its first packet left the sender. */
  readonly at: number;
}

/** UDP from one end to a home of another that it has left. */
export async function talk(lab: Lab, from: EndName, fromAddress: string, home: string): Promise<Talk> {
  const at = lab.now();
  const stream: Stream = await lab.stream({
    name: `udp ${from}>A`,
    from,
    to: 'A',
    kind: 'udp',
    intervalMs: INTERVAL_MS,
    fromAddress,
    toAddress: home,
  });
  return {
    settled: async () => {
      await lab.sleep(SETTLED_MILLIS);
      return { ends: [fromAddress, home], at };
    },
    finish: () => stream.finish(),
  };
}

/**
 * All packets that enter the domain `after` one-way delays from the session's beginning take one tunnel, and nothing
 * visits the anchor a1 any more once what was under way is through. Where the backend has no delays they do so in the end.
 */
export async function checkOptimised(
  lab: Lab,
  checks: Checks,
  { ends, at }: Begun,
  expected: { readonly tunnel: string; readonly after: number; readonly through?: readonly string[] },
): Promise<void> {
  const paths = [expected.tunnel, ...(expected.through ?? [])].sort();
  const since = async (time: number): Promise<DataPacket[]> =>
    (await sightings(lab, ends, time)).filter(({ src }) => src === ends[0]);
  let late = at + (expected.after + UNDER_WAY_PATHS) * lab.delay + SMALLEST_MILLIS + INTERVAL_MS;
  if (lab.backend === 'netns') {
    await lab.until(`tunnels from ${ends[0]} are ${paths.join(', ')}`, OPTIMISED_MILLIS, async () => {
      return pathsOf(await since(lab.now() - QUIET_MILLIS)).join() === paths.join();
    });
    late = lab.now();
    await lab.sleep(QUIET_MILLIS);
    // A sender that did not get the processor sends then what it owes.
    await lab.until(
      `packets from ${ends[0]}`,
      OPTIMISED_MILLIS,
      async () => (await since(late)).length >= LEAST_PACKETS,
    );
  }
  const packets = await since(late);
  checks.atLeast('packets once the path is the shortest', packets.length, LEAST_PACKETS);
  checks.equal('tunnels that they take', pathsOf(packets), paths);
  checks.equal('of these at the anchor', packets.filter(({ link }) => link === 'core-a1').length, 0);
}
