import { NLA, NLMSG } from './constants.ts';

/** One message as the kernel sent it; `body` begins after the netlink header. */
export interface NetlinkMessage {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly body: Uint8Array;
}

/** Attribute types to values (views); of a repeated attribute the last. */
export type Attributes = ReadonlyMap<number, Uint8Array>;

function align(length: number): number {
  return (length + 3) & ~3;
}

/** Writes one message: header, the fixed part of its family, attributes. Grows as needed; integers are host order unless said. */
export class MessageWriter {
  #data = new Uint8Array(256);
  #view = new DataView(this.#data.buffer);
  #length: number = NLMSG.headerSize;

  constructor(type: number, flags: number, fixed: Uint8Array) {
    this.#view.setUint16(4, type, true);
    this.#view.setUint16(6, flags, true);
    this.#append(fixed);
  }

  attribute(type: number, value: Uint8Array): this {
    const header = new Uint8Array(4);
    const view = new DataView(header.buffer);
    view.setUint16(0, 4 + value.length, true);
    view.setUint16(2, type, true);
    this.#append(header);
    this.#append(value);
    return this;
  }

  u8(type: number, value: number): this {
    return this.attribute(type, Uint8Array.of(value));
  }

  u32(type: number, value: number): this {
    return this.attribute(type, new Uint8Array(Uint32Array.of(value).buffer));
  }

  /** A zero-terminated string. */
  string(type: number, value: string): this {
    return this.attribute(type, Buffer.from(`${value}\0`));
  }

  nested(type: number, fill: (writer: this) => void): this {
    const start = this.#length;
    this.attribute(type | NLA.nested, new Uint8Array(0));
    fill(this);
    this.#view.setUint16(start, this.#length - start, true);
    return this;
  }

  /** The message with its length and sequence number in place. */
  finish(sequence: number): Uint8Array {
    this.#view.setUint32(0, this.#length, true);
    this.#view.setUint32(8, sequence, true);
    return this.#data.subarray(0, this.#length);
  }

  #append(octets: Uint8Array): void {
    const end = this.#length + align(octets.length);
    if (end > this.#data.length) {
      const larger = new Uint8Array(2 * end);
      larger.set(this.#data);
      this.#data = larger;
      this.#view = new DataView(larger.buffer);
    }
    this.#data.set(octets, this.#length);
    this.#length = end;
  }
}

/** The messages of one datagram; a malformed rest is left out. */
export function parseMessages(data: Uint8Array): NetlinkMessage[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const messages: NetlinkMessage[] = [];
  for (let at = 0; at + NLMSG.headerSize <= data.length;) {
    const length = view.getUint32(at, true);
    if (length < NLMSG.headerSize || at + length > data.length) break;
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      body: data.subarray(at + NLMSG.headerSize, at + length),
    });
    at += align(length);
  }
  return messages;
}

/** The attributes that follow `offset` octets of fixed part, in order; a malformed rest is left out. */
export function parseAttributeList(body: Uint8Array, offset = 0): { type: number; value: Uint8Array }[] {
  const attributes: { type: number; value: Uint8Array }[] = [];
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  for (let at = offset; at + 4 <= body.length;) {
    const length = view.getUint16(at, true);
    if (length < 4 || at + length > body.length) break;
    const type = view.getUint16(at + 2, true) & NLA.typeMask;
    attributes.push({ type, value: body.subarray(at + 4, at + length) });
    at += align(length);
  }
  return attributes;
}

export function parseAttributes(body: Uint8Array, offset = 0): Attributes {
  return new Map(parseAttributeList(body, offset).map(({ type, value }) => [type, value]));
}

/** Integer of an attribute in host order, or undefined where it is absent or short. */
export function attributeU32(attributes: Attributes, type: number): number | undefined {
  const value = attributes.get(type);
  if (value === undefined || value.length < 4) return undefined;
  return new DataView(value.buffer, value.byteOffset).getUint32(0, true);
}

/** Zero-terminated text of an attribute. */
export function attributeString(attributes: Attributes, type: number): string | undefined {
  const value = attributes.get(type);
  if (value === undefined) return undefined;
  const end = value.indexOf(0);
  return Buffer.from(value.subarray(0, end < 0 ? value.length : end)).toString();
}
