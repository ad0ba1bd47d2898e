/**
 * A MAAR without a mind in a process of its own, for tests that end it. Arguments: its state directory, and the program
 * wasmtime if its data plane is to run there. SIGUSR2 makes the main thread fail.
 */
import { openBench, NATIVE, PEER, STATION_LINK_LOCAL, STATION_MAC, CORRESPONDENT } from './bench.ts';

const [stateDirectory = '', wasmtime] = process.argv.slice(2);
const bench = await openBench({
  stateDirectory,
  ...(wasmtime === undefined ? {} : { dataPlane: { engine: 'wasmtime-cli', wasmtime } }),
});
await bench.apply(
  { op: 'put', entry: { kind: 'peer', address: PEER } },
  {
    op: 'put',
    entry: { kind: 'deliver', prefix: NATIVE, link: 0, nextHop: STATION_LINK_LOCAL, mac: STATION_MAC },
  },
  { op: 'put', entry: { kind: 'tunnel', prefix: `${CORRESPONDENT}/128`, locator: PEER } },
  { op: 'put', entry: { kind: 'source', prefix: NATIVE, link: 0, mac: STATION_MAC } },
);
process.once('SIGTERM', () => void bench.host.stop().then((faults) => process.exit(faults.length)));
process.once('SIGUSR2', () => {
  throw new Error('thrown in the main thread');
});
process.stdout.write('ready\n');
