import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { LINKTYPE_IPV6 } from '../wire/capture.ts';
import { writePcapng } from '../wire/pcapng.ts';
import type { CapturedPacket } from './lab.ts';

const NANOSECONDS = 1_000_000;

/** Writes one pcapng file for each link; `epoch` is the time of the run's beginning, in milliseconds since 1970. */
export async function writeCaptures(
  directory: string,
  packets: readonly CapturedPacket[],
  epoch: number,
): Promise<void> {
  await mkdir(directory, { recursive: true });
  const links = Map.groupBy(packets, (packet) => packet.link);
  for (const [link, seen] of links) {
    const capture = {
      interfaces: [{ linkType: LINKTYPE_IPV6, snapLength: 0, name: link }],
      packets: seen.map(({ at, data }) => ({
        interface: 0,
        time: BigInt(epoch) * BigInt(NANOSECONDS) + BigInt(Math.round(at * NANOSECONDS)),
        data,
        length: data.length,
      })),
    };
    await writeFile(join(directory, `${link}.pcapng`), writePcapng(capture));
  }
}
