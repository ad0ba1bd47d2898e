import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { messageOf } from '../../core/error-message.ts';
import { describeLocation } from '../../functions/lm/messages/describe.ts';
import { findScheme, schemeNames } from '../../schemes/registry.ts';
import { parseCapture } from '../../wire/capture.ts';
import type { Capture, CapturedPacket } from '../../wire/capture.ts';
import { dissect } from '../../wire/dissect.ts';
import type { DescribeMobility, Dissection, Layer } from '../../wire/dissect.ts';

const USAGE = 'usage: maar decode FILE.pcap [--json]\n';
const NANOSECONDS = 1_000_000_000n;

/**
 * `maar decode`: one line per packet of a capture, or with --json one document.
 * Resolves to the exit code: 0, 1 if the file is damaged (what stands before the damage is shown), 2 for usage.
 */
export async function decodeCommand(args: readonly string[]): Promise<number> {
  let file: string | undefined;
  let json = false;
  let data: Uint8Array;
  try {
    const options = { json: { type: 'boolean', default: false } } as const;
    const { values, positionals } = parseArgs({ args: [...args], options, allowPositionals: true });
    json = values.json;
    if (positionals.length === 1) file = positionals[0];
    if (file === undefined) {
      process.stderr.write(USAGE);
      return 2;
    }
    data = readFileSync(file);
  } catch (error) {
    process.stderr.write(`maar decode: ${messageOf(error)}\n`);
    return 2;
  }
  const result = parseCapture(data);
  await write(json ? jsonDocument(result.capture) : textLines(result.capture));
  if (result.ok) return 0;
  process.stderr.write(`maar decode: ${file}: ${result.fault}, at octet ${result.offset}\n`);
  return 1;
}

/** Waits for a pipe to take everything: exiting at once would cut it short. A reader that has seen enough is no fault. */
function write(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.once('error', (error: NodeJS.ErrnoException) =>
      error.code === 'EPIPE' ? resolve() : reject(error),
    );
    process.stdout.write(text, (error) => {
      if (!error) resolve();
    });
  });
}

const describe: DescribeMobility = (message) => {
  for (const name of schemeNames()) {
    const described = findScheme(name)?.describe?.(message);
    if (described !== undefined) return described;
  }
  return describeLocation(message);
};

function dissectPacket(capture: Capture, packet: CapturedPacket): Dissection {
  return dissect(packet.data, capture.interfaces[packet.interface]?.linkType ?? 0, describe);
}

function jsonDocument(capture: Capture): string {
  const packets = capture.packets.map((packet, index) => ({
    number: index + 1,
    time: seconds(packet.time),
    interface: packet.interface,
    length: packet.length,
    ...dissectPacket(capture, packet),
  }));
  return `${JSON.stringify({ interfaces: capture.interfaces, packets }, jsonValue, 2)}\n`;
}

function jsonValue(_: string, value: unknown): unknown {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  return typeof value === 'bigint' ? String(value) : value;
}

/** Seconds with nine decimals. */
function seconds(time: bigint): string {
  return `${time / NANOSECONDS}.${String(time % NANOSECONDS).padStart(9, '0')}`;
}

function textLines(capture: Capture): string {
  const start = capture.packets[0]?.time ?? 0n;
  return capture.packets
    .map((packet, index) => {
      const time = packet.time >= start ? seconds(packet.time - start) : `-${seconds(start - packet.time)}`;
      return `${index + 1}\t${time}\t${line(dissectPacket(capture, packet))}\n`;
    })
    .join('');
}

/** "outer source -> destination > inner source -> destination: message field=value ...". */
function line({ layers, fault }: Dissection): string {
  const headers = layers.filter((layer) => layer.protocol === 'IPv6');
  const path = headers.map(({ fields }) => `${String(fields['src'])} -> ${String(fields['dst'])}`);
  const last = layers.findLastIndex((layer) => layer.protocol === 'IPv6' || layer.protocol === 'Ethernet');
  const content = layers.slice(last + 1).map(layerText);
  if (fault !== undefined) content.push(`fault ${fault.reason} at octet ${fault.offset}: ${fault.what}`);
  return `${path.join(' > ')}${path.length > 0 ? ': ' : ''}${content.join('; ')}`;
}

function layerText({ protocol, name, fields }: Layer): string {
  const title = name === undefined ? protocol : `${protocol} ${name}`;
  const text = fieldsText(fields);
  return text === '' ? title : `${title} ${text}`;
}

/** Fields that are false, absent or empty go without saying. */
function fieldsText(fields: object): string {
  return Object.entries(fields)
    .filter(([, value]) => value !== false && value !== undefined && value !== '')
    .filter(([, value]) => !Array.isArray(value) || value.length > 0)
    .map(([key, value]) => (value === true ? key : `${key}=${valueText(value)}`))
    .join(' ');
}

function valueText(value: unknown): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('hex');
  if (Array.isArray(value)) return `[${value.map(valueText).join(', ')}]`;
  if (typeof value !== 'object' || value === null) return String(value);
  // Options and AVPs are named by one of their fields, which then stands before the rest.
  const { kind, name, ...rest } = value as { kind?: string; name?: string };
  const title = kind ?? name;
  const text = fieldsText(rest);
  return title === undefined ? `{${text}}` : text === '' ? title : `${title}{${text}}`;
}
