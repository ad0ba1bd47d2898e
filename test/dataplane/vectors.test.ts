import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { PacketOut, Port } from '../../bindings/dataplane.ts';
import type { Entry } from '../../bindings/entries.ts';
import { readAddress } from '../../host/wire/address.ts';
import { parseCapture } from '../../host/wire/capture.ts';
import { ETHERNET_HEADER } from '../../host/wire/ethernet.ts';
import { hasPath } from '../support/tools.ts';
import { BUILDS, paired } from './engines.ts';

const zeek = new URL('../../../shared/vectors/zeek/', import.meta.url);

/** The IPv6 packets of an Ethernet capture that nobody on this project made. */
function packetsOf(name: string): Uint8Array[] {
  const read = parseCapture(readFileSync(new URL(name, zeek)));
  assert.ok(read.ok);
  return read.capture.packets.map(({ data }) => data.subarray(ETHERNET_HEADER));
}

function outcome({ verdict }: PacketOut): string {
  return 'reason' in verdict ? verdict.reason : verdict.action;
}

/** Sends the first packet through both engines; `locator` and entries default to none of its addresses. */
function first(
  build: (typeof BUILDS)[number],
  data: Uint8Array,
  port: Port,
  locator = '2001:db8:ffff::1',
  entries: readonly Entry[] = [],
): PacketOut {
  const capacities = { batch: 1, destinations: 4, sources: 4, peers: 4, flows: 4, held: 1, flowEntries: 4 };
  const plane = paired(build, { capacities, locator, seed: 1n, coreMtu: 1500, hopLimitDone: false });
  const statuses = plane.apply(
    entries.map((entry) => ({ op: 'put', entry })),
    0,
  );
  assert.ok(statuses.every((status) => status === 'ok'));
  const [out] = plane.process([{ data, port }], 0);
  assert.ok(out);
  plane.events();
  return out;
}

const access: Port = { side: 'access', link: 0 };
const core: Port = { side: 'core' };

for (const build of BUILDS) {
  test(`${build}: Mobility Headers and tunnels of strangers do not come in by an access link`, (t) => {
    if (!hasPath(t, zeek)) return;
    const mobility = ['brr', 'hoti', 'coti', 'hot', 'cot', 'bu', 'back'].map((type) => `mip6_${type}.pcap`);
    for (const name of [...mobility, 'mip6-good-mh-chksum.pcap']) {
      for (const data of packetsOf(name)) {
        assert.equal(outcome(first(build, data, access)), 'access-mobility', name);
        assert.equal(outcome(first(build, data, core)), 'pass', name);
      }
    }
    for (const name of ['6in6.pcap', '6in6in6.pcap']) {
      assert.equal(outcome(first(build, packetsOf(name)[0]!, access)), 'access-tunnel', name);
    }
    const outcomes = (name: string): string[] =>
      packetsOf(name).map((data) => outcome(first(build, data, access)));
    assert.deepEqual(outcomes('ipv6-mobile-routing.pcap'), ['source-unknown']);
    // The second packet's options header claims 40 octets of a payload of 36.
    const options = ['source-unknown', 'extension', 'source-unknown'];
    assert.deepEqual(outcomes('ipv6-mobility-dst-opts.pcap'), options);
  });

  test(`${build}: a tunnel that others made is taken off and delivered`, (t) => {
    if (!hasPath(t, zeek)) return;
    for (const name of ['6in6.pcap', '6in6in6.pcap']) {
      const outer = packetsOf(name)[0]!;
      const inner = outer.subarray(40);
      const [peer, locator] = [readAddress(outer, 8), readAddress(outer, 24)];
      const deliver: Entry = {
        kind: 'deliver',
        prefix: '::/0',
        link: 0,
        nextHop: 'fe80::a',
        mac: '02:00:00:00:00:0a',
      };
      const out = first(build, outer, core, locator, [{ kind: 'peer', address: peer }, deliver]);
      assert.equal(outcome(out), 'deliver', name);
      const expected = inner.slice();
      expected[7]! -= 1;
      assert.deepEqual(out.data, expected, name);
    }
  });
}
