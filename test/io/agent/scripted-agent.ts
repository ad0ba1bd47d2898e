/** An agent's end of the channel in this process: answers as an idle router would, and says what a test wants. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { COMMAND_SIZE } from '../../../bindings/generated/abi.ts';
import {
  ANSWER_FLAG_MORE,
  HEADER_FLAGS_AT,
  HEADER_KIND_AT,
  HEADER_LENGTH_AT,
  HEADER_NUMBER_AT,
  HEADER_SIZE,
  HELLO_ABI_AT,
  HELLO_BOOT_AT,
  HELLO_CORE_MTU_AT,
  HELLO_GENERATION_AT,
  HELLO_LINKS_AT,
  HELLO_LOCATOR_AT,
  HELLO_POOL_AT,
  HELLO_POOL_LENGTH_AT,
  HELLO_PROTOCOL_AT,
  HELLO_SIZE,
  KIND_ACTIVITY,
  KIND_APPLIED,
  KIND_APPLY,
  KIND_GREETING,
  KIND_HELLO,
  KIND_PING,
  KIND_PONG,
  KIND_PRESENCE,
  KIND_STATUS,
  KIND_USAGE,
  LINK_LINK_LOCAL_AT,
  LINK_MAC_AT,
  LINK_SIZE,
  PRESENCE_MAC_AT,
  PRESENCE_PORT_AT,
  PRESENCE_SIZE,
  PRESENCE_WHAT_AT,
  STATUS_SIZE,
} from '../../../bindings/generated/cpdp.ts';
import { writeAddress, writeMac } from '../../../bindings/node/text.ts';

export const ROUTER = {
  locator: '2001:db8:0:1::1',
  pool: '2001:db8:11::/48',
  coreMtu: 1500,
  linkLocal: 'fe80::1',
  mac: '02:00:5e:10:00:00',
} as const;

export interface Said {
  readonly kind: number;
  readonly flags: number;
  readonly number: bigint;
  readonly body: Uint8Array;
}

function hello(boot: bigint, generation: bigint): Uint8Array {
  const body = new Uint8Array(HELLO_SIZE + LINK_SIZE);
  const view = new DataView(body.buffer);
  view.setUint32(HELLO_PROTOCOL_AT, 1, true);
  view.setUint32(HELLO_ABI_AT, 1, true);
  view.setBigUint64(HELLO_BOOT_AT, boot, true);
  view.setBigUint64(HELLO_GENERATION_AT, generation, true);
  view.setUint32(HELLO_CORE_MTU_AT, ROUTER.coreMtu, true);
  writeAddress(body, HELLO_LOCATOR_AT, ROUTER.locator);
  writeAddress(body, HELLO_POOL_AT, ROUTER.pool.split('/')[0]!);
  body[HELLO_POOL_LENGTH_AT] = 48;
  body[HELLO_LINKS_AT] = 1;
  writeMac(body, HELLO_SIZE + LINK_MAC_AT, ROUTER.mac);
  writeAddress(body, HELLO_SIZE + LINK_LINK_LOCAL_AT, ROUTER.linkLocal);
  return body;
}

export function presence(what: number, port: string, mac?: string): Uint8Array {
  const body = new Uint8Array(PRESENCE_SIZE);
  body[PRESENCE_WHAT_AT] = what;
  body.set(Buffer.from(port), PRESENCE_PORT_AT);
  if (mac !== undefined) writeMac(body, PRESENCE_MAC_AT, mac);
  return body;
}

export class ScriptedAgent {
  readonly directory = mkdtempSync(join(tmpdir(), 'maar-scripted-'));
  readonly path = join(this.directory, 'agent.sock');
  readonly said: Said[] = [];
  boot = 1n;
  generation = 0n;
  /** Told right after `hello`. */
  present: Uint8Array = new Uint8Array();
  /** Answer about use, a message each. */
  usage: readonly Uint8Array[] = [new Uint8Array()];
  readonly #server: Server;
  #socket: Socket | undefined;
  #octets = Buffer.alloc(0);

  constructor() {
    this.#server = createServer((socket) => {
      this.#socket = socket;
      this.#octets = Buffer.alloc(0);
      socket.on('error', () => socket.destroy());
      socket.on('data', (part) => this.#take(part));
    });
    this.#server.listen(this.path);
  }

  send(kind: number, number: bigint, body: Uint8Array, flags = 0): void {
    const header = Buffer.alloc(HEADER_SIZE);
    header.writeUInt32LE(body.length, HEADER_LENGTH_AT);
    header[HEADER_KIND_AT] = kind;
    header[HEADER_FLAGS_AT] = flags;
    header.writeBigUInt64LE(number, HEADER_NUMBER_AT);
    this.#socket?.write(Buffer.concat([header, body]));
  }

  /** What control has said of one kind. */
  all(kind: number): Said[] {
    return this.said.filter((message) => message.kind === kind);
  }

  /** Ends the connection; control may come again. */
  cut(): void {
    this.#socket?.destroy();
  }

  close(): void {
    this.cut();
    this.#server.close();
    rmSync(this.directory, { recursive: true });
  }

  #take(part: Buffer): void {
    this.#octets = Buffer.concat([this.#octets, part]);
    while (this.#octets.length >= HEADER_SIZE) {
      const end = HEADER_SIZE + this.#octets.readUInt32LE(HEADER_LENGTH_AT);
      if (this.#octets.length < end) return;
      const message = {
        kind: this.#octets[HEADER_KIND_AT]!,
        flags: this.#octets[HEADER_FLAGS_AT]!,
        number: this.#octets.readBigUInt64LE(HEADER_NUMBER_AT),
        body: new Uint8Array(this.#octets.subarray(HEADER_SIZE, end)),
      };
      this.#octets = this.#octets.subarray(end);
      this.said.push(message);
      this.#answer(message);
    }
  }

  #answer({ kind, number, body }: Said): void {
    switch (kind) {
      case KIND_GREETING:
        this.send(KIND_HELLO, 0n, hello(this.boot, this.generation));
        this.send(KIND_PRESENCE, 0n, this.present);
        return;
      case KIND_APPLY:
        this.generation = number;
        this.send(KIND_APPLIED, number, new Uint8Array(body.length / COMMAND_SIZE));
        return;
      case KIND_STATUS:
        this.send(KIND_STATUS, number, new Uint8Array(STATUS_SIZE));
        return;
      case KIND_USAGE:
        this.usage.forEach((part, index) => {
          this.send(KIND_USAGE, number, part, index < this.usage.length - 1 ? ANSWER_FLAG_MORE : 0);
        });
        return;
      case KIND_ACTIVITY:
        this.send(KIND_ACTIVITY, number, new Uint8Array());
        return;
      case KIND_PING:
        this.send(KIND_PONG, number, new Uint8Array());
    }
  }
}
