import type { Capture, CapturedPacket, CaptureInterface, CaptureResult } from './capture.ts';

/** pcapng: draft-ietf-opsawg-pcapng, sections 4.1 to 4.4. Blocks not listed here are skipped. */
const BLOCK = { section: 0x0a0d0d0a, interface: 1, simplePacket: 3, enhancedPacket: 6 } as const;
const OPTION = { end: 0, comment: 1, interfaceName: 2, timeResolution: 9, timeOffset: 14 } as const;
const BYTE_ORDER_MAGIC = 0x1a2b3c4d;
const VERSION_MAJOR = 1;
/** Type and total length before the body, total length again after it. */
const BLOCK_OVERHEAD = 12;
const SECTION_BODY = 16;
const INTERFACE_BODY = 8;
const ENHANCED_BODY = 20;
const SIMPLE_BODY = 4;
const MICROSECONDS = 6;
const NANOSECONDS = 9;
const NANOSECONDS_PER_SECOND = 1_000_000_000n;
const LENGTH_UNSPECIFIED = 0xffff_ffff_ffff_ffffn;

const utf8 = { decoder: new TextDecoder(), encoder: new TextEncoder() };

interface TimeBase {
  /** Ticks in one second. */
  readonly ticks: bigint;
  /** Seconds to add to each time. */
  readonly offset: bigint;
}

interface Block {
  readonly type: number;
  readonly body: DataView;
  /** Octets from the first of the block to the first of the next. */
  readonly size: number;
}

/** What is wrong with one block, if anything. */
type Fault = string | undefined;

/**
 * Reads a pcapng file, any number of sections of either byte order; interfaces are numbered through all sections.
 * Packet data are views into `file`. Never throws; a damaged file yields the fault and the packets before it.
 */
export function parsePcapng(file: Uint8Array): CaptureResult {
  return new Reader(file).read();
}

class Reader {
  readonly #file: Uint8Array;
  readonly #view: DataView;
  readonly #interfaces: CaptureInterface[] = [];
  readonly #times: TimeBase[] = [];
  readonly #packets: CapturedPacket[] = [];
  #little = true;
  /** Index of the section's first interface. */
  #first = 0;

  constructor(file: Uint8Array) {
    this.#file = file;
    this.#view = new DataView(file.buffer, file.byteOffset, file.byteLength);
  }

  read(): CaptureResult {
    const capture = { interfaces: this.#interfaces, packets: this.#packets };
    let offset = 0;
    do {
      const block = this.#block(offset);
      if (typeof block === 'string') return { ok: false, fault: block, offset, capture };
      const fault = this.#take(block);
      if (fault !== undefined) return { ok: false, fault, offset, capture };
      offset += block.size;
    } while (offset < this.#file.length);
    return { ok: true, capture };
  }

  #block(offset: number): Block | string {
    const left = this.#file.length - offset;
    if (left < BLOCK_OVERHEAD) return `block header needs ${BLOCK_OVERHEAD} octets, has ${left}`;
    // The section type reads the same in both byte orders; the order of all that follows is in its body.
    if (this.#view.getUint32(offset) === BLOCK.section) {
      const magic = this.#view.getUint32(offset + 8, true);
      this.#little = magic === BYTE_ORDER_MAGIC;
      if (!this.#little && this.#view.getUint32(offset + 8) !== BYTE_ORDER_MAGIC)
        return 'unknown byte-order magic';
    } else if (offset === 0) {
      return 'file does not begin with a section header block';
    }
    const size = this.#view.getUint32(offset + 4, this.#little);
    if (size < BLOCK_OVERHEAD || size % 4 !== 0)
      return `block of ${size} octets, not a multiple of 4 from 12 up`;
    if (size > left) return `block of ${size} octets cut short, has ${left}`;
    if (this.#view.getUint32(offset + size - 4, this.#little) !== size)
      return 'block lengths before and after differ';
    return {
      type: this.#view.getUint32(offset, this.#little),
      body: new DataView(this.#view.buffer, this.#view.byteOffset + offset + 8, size - BLOCK_OVERHEAD),
      size,
    };
  }

  #take(block: Block): Fault {
    switch (block.type) {
      case BLOCK.section:
        return this.#section(block.body);
      case BLOCK.interface:
        return this.#interface(block.body);
      case BLOCK.enhancedPacket:
        return this.#enhancedPacket(block.body);
      case BLOCK.simplePacket:
        return this.#simplePacket(block.body);
      default:
        return undefined;
    }
  }

  #section(body: DataView): Fault {
    if (body.byteLength < SECTION_BODY) return 'section header cut short';
    const major = body.getUint16(4, this.#little);
    if (major !== VERSION_MAJOR) return `pcapng version ${major}, expected ${VERSION_MAJOR}`;
    this.#first = this.#interfaces.length;
    return undefined;
  }

  #interface(body: DataView): Fault {
    if (body.byteLength < INTERFACE_BODY) return 'interface description cut short';
    let name: string | undefined;
    let ticks = 10n ** BigInt(MICROSECONDS);
    let offset = 0n;
    for (const [code, value] of this.#options(body, INTERFACE_BODY)) {
      if (code === OPTION.interfaceName) name = text(value);
      else if (code === OPTION.timeResolution && value.byteLength >= 1)
        ticks = ticksPerSecond(value.getUint8(0));
      else if (code === OPTION.timeOffset && value.byteLength >= 8)
        offset = value.getBigInt64(0, this.#little);
    }
    this.#times.push({ ticks, offset });
    this.#interfaces.push({
      linkType: body.getUint16(0, this.#little),
      snapLength: body.getUint32(4, this.#little),
      ...(name === undefined ? {} : { name }),
    });
    return undefined;
  }

  #enhancedPacket(body: DataView): Fault {
    if (body.byteLength < ENHANCED_BODY) return 'enhanced packet cut short';
    const number = body.getUint32(0, this.#little);
    const index = this.#first + number;
    const base = this.#times[index];
    if (base === undefined) return `packet on interface ${number}, which no block describes`;
    const stamp = (BigInt(body.getUint32(4, this.#little)) << 32n) | BigInt(body.getUint32(8, this.#little));
    const kept = body.getUint32(12, this.#little);
    const length = body.getUint32(16, this.#little);
    if (kept > body.byteLength - ENHANCED_BODY) return `packet of ${kept} octets in a shorter block`;
    if (kept > length) return `packet keeps ${kept} octets of ${length}`;
    const comments: string[] = [];
    for (const [code, value] of this.#options(body, ENHANCED_BODY + padded(kept))) {
      if (code === OPTION.comment) comments.push(text(value));
    }
    this.#packets.push({
      interface: index,
      time: base.offset * NANOSECONDS_PER_SECOND + (stamp * NANOSECONDS_PER_SECOND) / base.ticks,
      data: octets(body, ENHANCED_BODY, kept),
      length,
      ...(comments.length === 0 ? {} : { comments }),
    });
    return undefined;
  }

  /** A simple packet belongs to the section's first interface, has no time, and is cut at that interface's limit. */
  #simplePacket(body: DataView): Fault {
    if (body.byteLength < SIMPLE_BODY) return 'simple packet cut short';
    const itf = this.#interfaces[this.#first];
    if (itf === undefined) return 'simple packet before any interface description';
    const length = body.getUint32(0, this.#little);
    const kept = Math.min(length, itf.snapLength === 0 ? length : itf.snapLength);
    if (kept > body.byteLength - SIMPLE_BODY) return `packet of ${kept} octets in a shorter block`;
    this.#packets.push({ interface: this.#first, time: 0n, data: octets(body, SIMPLE_BODY, kept), length });
    return undefined;
  }

  /** Options from `start` to the end mark or to the first that does not fit; options are never worth a refusal. */
  *#options(body: DataView, start: number): Generator<[code: number, value: DataView]> {
    let at = start;
    while (at + 4 <= body.byteLength) {
      const code = body.getUint16(at, this.#little);
      const length = body.getUint16(at + 2, this.#little);
      if (code === OPTION.end || length > body.byteLength - at - 4) return;
      yield [code, new DataView(body.buffer, body.byteOffset + at + 4, length)];
      at += 4 + padded(length);
    }
  }
}

/** `if_tsresol`: a power of ten, or with the highest bit a power of two. */
function ticksPerSecond(resolution: number): bigint {
  const exponent = BigInt(resolution & 0x7f);
  return (resolution & 0x80) === 0 ? 10n ** exponent : 2n ** exponent;
}

function padded(length: number): number {
  return (length + 3) & ~3;
}

function octets(body: DataView, offset: number, length: number): Uint8Array {
  return new Uint8Array(body.buffer, body.byteOffset + offset, length);
}

function text(value: DataView): string {
  return utf8.decoder.decode(octets(value, 0, value.byteLength));
}

/** The block that begins a file, little-endian; a capture that grows is this, its interfaces, then packets. */
export function pcapngSection(): Uint8Array {
  const body = new Uint8Array(SECTION_BODY);
  const view = new DataView(body.buffer);
  view.setUint32(0, BYTE_ORDER_MAGIC, true);
  view.setUint16(4, VERSION_MAJOR, true);
  view.setBigUint64(8, LENGTH_UNSPECIFIED, true);
  return block(BLOCK.section, [body]);
}

/** One interface description, with nanoseconds; interfaces are numbered in the order of their blocks, from 0. */
export function pcapngInterface(description: CaptureInterface): Uint8Array {
  const body = new Uint8Array(INTERFACE_BODY);
  const view = new DataView(body.buffer);
  view.setUint16(0, description.linkType, true);
  view.setUint32(4, description.snapLength, true);
  const options = [option(OPTION.timeResolution, Uint8Array.of(NANOSECONDS))];
  if (description.name !== undefined) {
    options.unshift(option(OPTION.interfaceName, utf8.encoder.encode(description.name)));
  }
  return block(BLOCK.interface, [body, ...options, option(OPTION.end, new Uint8Array())]);
}

/** One packet. Throws a RangeError for a time before 1970 or beyond 64 bits of nanoseconds. */
export function pcapngPacket(packet: CapturedPacket): Uint8Array {
  if (packet.time < 0n || packet.time > 0xffff_ffff_ffff_ffffn) {
    throw new RangeError(`time ${packet.time} ns does not fit a pcapng packet`);
  }
  const head = new Uint8Array(ENHANCED_BODY);
  const view = new DataView(head.buffer);
  view.setUint32(0, packet.interface, true);
  view.setUint32(4, Number(packet.time >> 32n), true);
  view.setUint32(8, Number(packet.time & 0xffff_ffffn), true);
  view.setUint32(12, packet.data.length, true);
  view.setUint32(16, packet.length, true);
  const data = new Uint8Array(padded(packet.data.length));
  data.set(packet.data);
  const comments = (packet.comments ?? []).map((comment) =>
    option(OPTION.comment, utf8.encoder.encode(comment)),
  );
  const end = comments.length === 0 ? [] : [option(OPTION.end, new Uint8Array())];
  return block(BLOCK.enhancedPacket, [head, data, ...comments, ...end]);
}

/** Writes a whole pcapng file: one section, its interfaces, its packets in the order given. */
export function writePcapng(capture: Capture): Uint8Array {
  return concatenated([
    pcapngSection(),
    ...capture.interfaces.map(pcapngInterface),
    ...capture.packets.map(pcapngPacket),
  ]);
}

function option(code: number, value: Uint8Array): Uint8Array {
  if (value.length > 0xffff) throw new RangeError(`pcapng option of ${value.length} octets, at most 65535`);
  const result = new Uint8Array(4 + padded(value.length));
  const view = new DataView(result.buffer);
  view.setUint16(0, code, true);
  view.setUint16(2, value.length, true);
  result.set(value, 4);
  return result;
}

function block(type: number, parts: readonly Uint8Array[]): Uint8Array {
  const body = concatenated(parts);
  const result = new Uint8Array(BLOCK_OVERHEAD + body.length);
  const view = new DataView(result.buffer);
  view.setUint32(0, type, true);
  view.setUint32(4, result.length, true);
  result.set(body, 8);
  view.setUint32(result.length - 4, result.length, true);
  return result;
}

function concatenated(parts: readonly Uint8Array[]): Uint8Array {
  const result = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    result.set(part, offset);
    offset += part.length;
  }
  return result;
}
