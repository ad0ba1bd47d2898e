import { LIMIT_PACKET_MAX } from '../generated/abi.ts';
import type { DataPlane, EntryDump, PacketIn, PacketOut } from '../dataplane.ts';
import type { Command, CommandStatus, DataPlaneEvent } from '../entries.ts';

export interface NamedDataPlane {
  readonly name: string;
  readonly plane: DataPlane;
}

/** Two data planes that were told the same answered differently. */
export class Disagreement extends Error {
  /** What differs, such as `output 3 verdict` or `counter delivered`. */
  readonly field: string;
  /** Index in the batch of the packet concerned, or -1 where no packet of the batch is. */
  readonly input: number;

  constructor(field: string, input: number, sides: readonly string[]) {
    super(`${field}: ${sides.join(', ')}`);
    this.field = field;
    this.input = input;
  }
}

/**
 * A data plane made of two that must agree: every call goes to both, the answers of the first are returned.
 * Any call throws a `Disagreement` at the first difference; after each batch the counters and deadlines are compared too.
 */
export class PairedDataPlane implements DataPlane {
  readonly #first: NamedDataPlane;
  readonly #second: NamedDataPlane;

  constructor(first: NamedDataPlane, second: NamedDataPlane) {
    this.#first = first;
    this.#second = second;
  }

  apply(commands: readonly Command[], now: number): CommandStatus[] {
    const [a, b] = this.#both((plane) => plane.apply(commands, now));
    commands.forEach((command, index) =>
      this.#same(`status of command ${index} ${JSON.stringify(command)}`, -1, a[index], b[index]),
    );
    return a;
  }

  process(batch: readonly PacketIn[], now: number): PacketOut[] {
    const [a, b] = this.#both((plane) => plane.process(batch, now));
    for (let index = 0; index < Math.max(a.length, b.length); index++)
      this.#output(index, a[index], b[index]);
    this.counters();
    this.deadline();
    return a;
  }

  events(): DataPlaneEvent[] {
    const [a, b] = this.#both((plane) => plane.events());
    for (let index = 0; index < Math.max(a.length, b.length); index++) {
      this.#same(`event ${index}`, -1, sorted(a[index]), sorted(b[index]));
    }
    return a;
  }

  counters(): Readonly<Record<string, number>> {
    const [a, b] = this.#both((plane) => plane.counters());
    for (const name of new Set([...Object.keys(a), ...Object.keys(b)])) {
      this.#same(`counter ${name}`, -1, a[name], b[name]);
    }
    return a;
  }

  dump(): EntryDump {
    const [a, b] = this.#both((plane) => plane.dump());
    for (const table of ['destinations', 'sources', 'peers', 'flowEntries'] as const) {
      const rows = (dump: EntryDump): string[] =>
        dump[table].map((row) => JSON.stringify(sorted(row))).sort();
      this.#same(`table ${table}`, -1, rows(a), rows(b));
    }
    return a;
  }

  deadline(): number | undefined {
    const [a, b] = this.#both((plane) => plane.deadline());
    this.#same('deadline', -1, a, b);
    return a;
  }

  #both<T>(call: (plane: DataPlane) => T): [T, T] {
    return [call(this.#first.plane), call(this.#second.plane)];
  }

  #output(index: number, a: PacketOut | undefined, b: PacketOut | undefined): void {
    const input = a?.input ?? b?.input ?? -1;
    this.#same(`output ${index} input`, input, a?.input, b?.input);
    this.#same(`output ${index} verdict`, input, sorted(a?.verdict), sorted(b?.verdict));
    const [left, right] = [octets(a), octets(b)];
    if (!isEqual(left, right)) this.#same(`output ${index} octets`, input, hex(left), hex(right));
  }

  #same(field: string, input: number, a: unknown, b: unknown): void {
    const [left, right] = [JSON.stringify(a), JSON.stringify(b)];
    if (left === right) return;
    throw new Disagreement(field, input, [`${this.#first.name} ${left}`, `${this.#second.name} ${right}`]);
  }
}

/** What is compared: of a packet refused as oversized, an engine need keep no more than it takes in. */
function octets(output: PacketOut | undefined): Uint8Array | undefined {
  const oversized = output?.verdict.action === 'drop' && output.verdict.reason === 'oversized';
  return oversized ? output.data.subarray(0, LIMIT_PACKET_MAX) : output?.data;
}

function isEqual(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a?.length === b?.length && a?.every((octet, index) => octet === b?.[index]) !== false;
}

function hex(data: Uint8Array | undefined): string | undefined {
  return data && Array.from(data, (octet) => octet.toString(16).padStart(2, '0')).join('');
}

/** The same object with its keys in one order, so that texts can be compared. */
function sorted(value: object | string | undefined): object | string | undefined {
  if (typeof value !== 'object') return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
