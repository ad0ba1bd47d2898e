import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parseCapture } from '../../../host/wire/capture.ts';
import { parseEthernet } from '../../../host/wire/ethernet.ts';
import { parseIpv6, walkExtensions } from '../../../host/wire/ipv6.ts';
import type { Ipv6Packet, UpperLayer } from '../../../host/wire/ipv6.ts';
import { emitMobility, parseMobility } from '../../../host/wire/mobility/message.ts';
import { BU_FLAGS, flagLetters } from '../../../host/wire/mobility/registry.ts';
import type { Parsed } from '../../../host/wire/result.ts';
import { hasPath } from '../../support/tools.ts';

/** Captures of the Zeek project, which none of this project's authors made. */
const VECTORS = new URL('../../../../shared/vectors/zeek/', import.meta.url);

function must<T>(result: Parsed<T>): T {
  assert.ok(result.ok, result.ok ? '' : JSON.stringify(result.fault));
  return result.value;
}

function packetsOf(name: string): { packet: Ipv6Packet; walk: Parsed<UpperLayer> }[] {
  const result = parseCapture(readFileSync(new URL(name, VECTORS)));
  assert.ok(result.ok && result.capture.packets.length > 0);
  return result.capture.packets.map(({ data }) => {
    const packet = must(parseIpv6(must(parseEthernet(data)).payload));
    return { packet, walk: walkExtensions(packet) };
  });
}

test('Binding Update, Acknowledgement, Error and Refresh Request of a foreign capture', (t) => {
  if (!hasPath(t, VECTORS)) return;
  const expected = {
    'mip6_bu.pcap': { kind: 'BU', sequence: 37, flags: 0xd000, lifetime: 3, options: [] },
    'mip6_back.pcap': { kind: 'BA', status: 0, flags: 0x80, sequence: 42, lifetime: 8, options: [] },
    'mip6_brr.pcap': { kind: 'BRR', options: [] },
    'mip6-good-mh-chksum.pcap': { kind: 'BE', status: 1, home: '2001:78:1:32::1', options: [] },
  };
  for (const [name, fields] of Object.entries(expected)) {
    for (const { packet, walk } of packetsOf(name)) {
      const upper = must(walk);
      assert.equal(upper.nextHeader, 135);
      const message = must(parseMobility(upper.payload, packet.src, packet.dst));
      assert.deepEqual(message, fields, name);
      assert.deepEqual(emitMobility(message, packet.src, packet.dst), Uint8Array.from(upper.payload), name);
    }
  }
  assert.equal(flagLetters(BU_FLAGS, 0xd000), 'AHK');
});

test('return routability messages are named, and answered as unknown types', (t) => {
  if (!hasPath(t, VECTORS)) return;
  const names = { hoti: 'Home Test Init', coti: 'Care-of Test Init', hot: 'Home Test', cot: 'Care-of Test' };
  for (const [file, name] of Object.entries(names)) {
    for (const { packet, walk } of packetsOf(`mip6_${file}.pcap`)) {
      const result = parseMobility(must(walk).payload, packet.src, packet.dst);
      assert.deepEqual(result, { ok: false, fault: { reason: 'type-unknown', offset: 2, what: name } });
    }
  }
});

test('routing header type 2 and home address option are walked past', (t) => {
  if (!hasPath(t, VECTORS)) return;
  const seen = (name: string): unknown[] =>
    packetsOf(name).map(({ walk }) =>
      walk.ok ? [walk.value.extensions[0]?.type, walk.value.nextHeader] : walk.fault.reason,
    );
  assert.deepEqual(seen('ipv6-mobile-routing.pcap'), [[43, 17]]);
  // The second header of this capture states more octets than its packet has.
  assert.deepEqual(seen('ipv6-mobility-dst-opts.pcap'), [[60, 17], 'truncated', [60, 17]]);
});
