/** Captures in the eyes of tshark with our plugin, held against `maar decode --json`. */
import assert from 'node:assert/strict';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { LINKTYPE_IPV6 } from '../../host/wire/capture.ts';
import { emitIpv6, NEXT_HEADER } from '../../host/wire/ipv6.ts';
import { writePcapng } from '../../host/wire/pcapng.ts';
import { AVPS } from '../../host/wire/diameter/generated.ts';
import { hasTool, missing, output } from './tools.ts';

const path = (relative: string): string => fileURLToPath(new URL(`../../${relative}`, import.meta.url));
const PLUGIN = path('docs/wireshark/maar.lua');

/** True if tshark is there and reads Lua. */
export function hasPlugins(t: TestContext): boolean {
  if (!hasTool(t, 'tshark')) return false;
  const lua = /with Lua/.test(output('tshark', ['--version']));
  if (!lua) missing(t, 'tshark with Lua');
  return lua;
}

/** The fields of every packet of a capture, each with all its values in order. */
export function dissect<Field extends string>(
  capture: string,
  fields: readonly Field[],
  filter = '',
): Record<Field, string[]>[] {
  const text = output('tshark', [
    // Segments are read one by one, as maar decode reads them.
    ...['-o', 'tcp.desegment_tcp_streams:FALSE', '-o', 'tcp.analyze_sequence_numbers:FALSE'],
    ...['-X', `lua_script:${PLUGIN}`, '-r', capture, '-Y', filter, '-T', 'fields'],
    ...['-E', 'aggregator=|', ...fields.flatMap((field) => ['-e', field])],
  ]);
  return text
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const values = line.split('\t').map((value) => (value === '' ? [] : value.split('|')));
      return Object.fromEntries(fields.map((field, index) => [field, values[index] ?? []])) as Record<
        Field,
        string[]
      >;
    });
}

/** A capture of Mobility Headers, one packet each. */
export function captureOf(
  headers: readonly { readonly src: string; readonly dst: string; readonly data: Uint8Array }[],
): Uint8Array {
  const packets = headers.map(({ src, dst, data }, index) => {
    const header = {
      src,
      dst,
      hopLimit: 64,
      trafficClass: 0,
      flowLabel: 0,
      nextHeader: NEXT_HEADER.mobility,
    };
    const packet = emitIpv6(header, data);
    return { interface: 0, time: BigInt(index), data: packet, length: packet.length };
  });
  return writePcapng({ interfaces: [{ linkType: LINKTYPE_IPV6, snapLength: 0, name: 'test' }], packets });
}

/** What is told of a message, whoever tells it: values as text, in the order of their options. */
type Said = Record<string, string[]>;

const plain = (value: string): string => value;
const seconds = (units: string): string => String(Number(units) * 4);
/** The fraction on the wire is finer than a millisecond, and tshark's nanoseconds are finer than that. */
const millis = (date: string): string => {
  const fraction = Number(/\.\d+/.exec(date)?.[0] ?? 0);
  return String(Date.parse(date.replace(/\.\d+/, '')) + Math.round(fraction * 1000));
};
const truth = (value: string): string => (value === '1' || value === 'True' ? 'true' : '');

/** Fields of the dissection by what they say. */
const SAYS: Readonly<Record<string, readonly [says: string, as: (value: string) => string]>> = {
  'maar.sequence': ['sequence', plain],
  'mip6.bu.seqnr': ['sequence', plain],
  'mip6.ba.seqnr': ['sequence', plain],
  'mip6.hi.seqnr': ['sequence', plain],
  'mip6.hack.seqnr': ['sequence', plain],
  'mip6.hack.code': ['status', plain],
  'maar.status': ['status', plain],
  'mip6.ba.status': ['status', plain],
  'maar.lifetime': ['lifetime', plain],
  'mip6.bu.lifetime': ['lifetime', seconds],
  'mip6.ba.lifetime': ['lifetime', seconds],
  'maar.register': ['register', truth],
  'maar.retransmission': ['retransmission', truth],
  'maar.counter': ['counter', plain],
  'maar.ticket': ['ticket', plain],
  'maar.clock': ['clock', plain],
  'maar.remaining': ['remaining', plain],
  'maar.home_lifetime': ['home lifetime', plain],
  'maar.correspondent_counter': ["correspondent's counter", plain],
  'maar.correspondent': ['correspondent', plain],
  'maar.correspondent_maar': ["correspondent's MAAR", plain],
  'maar.part': ['part', plain],
  'maar.parts': ['parts', plain],
  'maar.address': ['address', plain],
  'mip6.acoa.acoa': ['address', plain],
  'maar.prefix': ['anchored', plain],
  'mip6.nemo.mnp.mnp': ['prefix', plain],
  'mip6.dmnp.dmnp_ipv6': ['delegated', plain],
  'mip6.mnid.identifier': ['MN', plain],
  'mip6.hi': ['handoff', plain],
  'mip6.att': ['access', plain],
  'mip6.timestamp_tmp': ['timestamp', millis],
};

const address = (prefix: unknown): string => String(prefix).replace(/\/.*/, '');
const text = (value: unknown): string => (value === false ? '' : String(value));

/** Fields of `maar decode --json` by what they say; list items have "[]" for their index. */
const MEANS: Readonly<Record<string, readonly [says: string, as: (value: unknown) => string]>> = {
  sequence: ['sequence', text],
  status: ['status', text],
  lifetimeSeconds: ['lifetime', text],
  register: ['register', text],
  retransmission: ['retransmission', text],
  counter: ['counter', text],
  'binding.counter': ['counter', text],
  ticket: ['ticket', text],
  clock: ['clock', text],
  'binding.lifetimeSeconds': ['remaining', text],
  'homes[].validSeconds': ['home lifetime', text],
  'homes[].correspondents[].counter': ["correspondent's counter", text],
  'homes[].prefix': ['prefix', address],
  'sessions[].cn': ['correspondent', text],
  'sessions[].maar': ["correspondent's MAAR", text],
  'sessions[].counter': ["correspondent's counter", text],
  // A set of bits there, a list here.
  'sessions[].homes[]': ['homes', () => ''],
  part: ['part', text],
  parts: ['parts', text],
  locator: ['address', text],
  'binding.locator': ['address', text],
  maar: ['address', text],
  moved: ['address', text],
  'homes[].correspondents[].maar': ['address', text],
  'homes[].correspondents[].hoa': ['anchored', address],
  'correspondents[]': ['anchored', address],
  where: ['prefix', address],
  'primary[]': ['prefix', address],
  'prefixes[]': ['prefix', address],
  'binding.prefixes[]': ['prefix', address],
  'homes[]': ['prefix', address],
  'homes[].hoa': ['prefix', address],
  'delegated[]': ['delegated', address],
  'binding.delegated[]': ['delegated', address],
  mnId: ['MN', text],
  handoff: ['handoff', text],
  accessTechnology: ['access', text],
  timestamp: ['timestamp', text],
};

function put(said: Said, key: string, value: string): void {
  if (value !== '') (said[key] ??= []).push(value);
}

/** Adds what a decoded value means to what is said; false if MEANS has no row for a part of it. */
function meant(value: unknown, at: string, said: Said): boolean {
  if (Array.isArray(value)) return value.every((item) => meant(item, `${at}[]`, said));
  if (typeof value === 'object' && value !== null) {
    return Object.entries(value).every(([key, item]) => meant(item, at === '' ? key : `${at}.${key}`, said));
  }
  if (at === 'statusName') return true;
  const row = MEANS[at];
  if (row !== undefined) put(said, row[0], row[1](value));
  return row !== undefined;
}

interface DecodedLayer {
  readonly protocol: string;
  readonly name?: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What `maar decode` says of the messages of one protocol in a capture, by number of the packet. */
export function decode(capture: string, protocols: readonly string[]): Map<number, DecodedLayer> {
  const document = JSON.parse(
    output(process.execPath, [path('bin/maar.js'), 'decode', capture, '--json']),
  ) as {
    packets: { number: number; layers: DecodedLayer[] }[];
  };
  return new Map(
    document.packets.flatMap(({ number, layers }) => {
      const layer = layers.find(({ protocol }) => protocols.includes(protocol));
      return layer === undefined ? [] : [[number, layer] as const];
    }),
  );
}

const DIAMETER = [
  'diameter.cmd.code',
  'diameter.flags.request',
  'diameter.hopbyhopid',
  'diameter.endtoendid',
  'diameter.avp.code',
] as const;
const FIXED = ['frame.number', 'maar.message', '_ws.malformed', '_ws.expert.message'] as const;
type Packet = Record<string, string[]>;

/**
 * Fails unless tshark gives every Mobility Header of a capture the name that `maar decode` gives it, finds nothing wrong
 * or unknown in it, and reads the same values; and unless it finds the same in Diameter messages, whose values it is not
 * asked for. A Mobility Header is compared by name alone if MEANS has no rows for its fields.
 * Returns the names of all messages, and whether their values were compared.
 */
export function assertAgreement(capture: string): Map<string, boolean> {
  const ours = decode(capture, ['Mobility', 'Diameter']);
  const names = new Map<string, boolean>();
  const packets: Packet[] = dissect(
    capture,
    [...FIXED, ...DIAMETER, ...Object.keys(SAYS)],
    // Not what an ICMPv6 error quotes.
    '(ipv6.nxt == 135 || diameter) && !icmpv6',
  );
  assert.equal(packets.length, ours.size);
  for (const packet of packets) {
    const number = Number(packet['frame.number']![0]);
    const layer = ours.get(number);
    assert.ok(layer !== undefined, `packet ${number} is no message to maar decode`);
    const { name, protocol } = layer;
    const where = `packet ${number}, ${name}`;
    assert.deepEqual(packet['_ws.malformed'], [], where);
    const compared = (protocol === 'Mobility' ? assertMobility : assertDiameter)(packet, layer, where);
    names.set(name!, compared);
  }
  return names;
}

function assertMobility(packet: Packet, { name, fields }: DecodedLayer, where: string): boolean {
  assert.deepEqual([packet['maar.message'], packet['_ws.expert.message']], [[name], []], where);
  const expected: Said = {};
  if (!meant(fields, '', expected)) return false;
  const theirs: Said = {};
  for (const [field, [says, as]] of Object.entries(SAYS)) {
    for (const value of packet[field]!) put(theirs, says, as(value));
  }
  // The lifetime of a Localized Routing message is that of its binding.
  if (name === 'LRI') {
    expected['lifetime'] = expected['remaining']!;
    delete expected['remaining'];
  }
  assert.deepEqual(theirs, expected, where);
  return true;
}

interface DecodedAvp {
  readonly name: string;
  readonly value: unknown;
}

const AVP_CODES = new Map<string, number>(AVPS.map(({ name, code }) => [name, code]));

/** Codes of AVPs, those of a group behind the group's. */
function codesOf(avps: readonly DecodedAvp[]): string[] {
  return avps.flatMap(({ name, value }) => [
    String(AVP_CODES.get(name)),
    ...(Array.isArray(value) ? codesOf(value as DecodedAvp[]) : []),
  ]);
}

function assertDiameter(packet: Packet, { fields }: DecodedLayer, where: string): boolean {
  const [command, request, hopByHop, endToEnd, codes] = DIAMETER.map((field) => packet[field]!);
  assert.deepEqual(
    {
      command: Number(command![0]),
      request: truth(request![0]!) !== '',
      hopByHop: Number(hopByHop![0]),
      endToEnd: Number(endToEnd![0]),
      codes,
    },
    {
      command: fields['command'],
      request: fields['request'],
      hopByHop: fields['hopByHop'],
      endToEnd: fields['endToEnd'],
      codes: codesOf(fields['avps'] as DecodedAvp[]),
    },
    where,
  );
  return true;
}
