/** Writes leases without end and prints the number of each that is acknowledged; killed by lease-store.test.ts. */
import { SqliteLeaseStore } from '../../../host/io/haa/lease-store.ts';
import { LeaseWriter } from '../../../host/io/haa/lease-writer.ts';

const writer = new LeaseWriter(new SqliteLeaseStore(process.argv[2]!), ({ write }) => {
  process.stdout.write(`${write}\n`);
  put(write + 1);
});

function put(write: number): void {
  const prefix = `2001:db8:11:${write.toString(16)}::/64`;
  const record = { prefix, network: 'pool', mnId: `mn${write}`, until: 1e15 };
  writer.add({ type: 'leases', write, put: [record], forget: [] });
}

put(1);
