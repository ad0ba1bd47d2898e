import { readFileSync } from 'node:fs';

const DROPPED = 1;

/**
 * Packets that this machine has dropped for want of room in the backlog of a processor, which every veth puts them into
 * (`net.core.netdev_max_backlog`, 1,000 unless set): where what a process sends at once is more than the kernel gets to.
 */
export function backlogDrops(): number {
  const lines = readFileSync('/proc/net/softnet_stat', 'utf8').trim().split('\n');
  return lines.reduce((sum, line) => sum + parseInt(line.split(' ')[DROPPED]!, 16), 0);
}
