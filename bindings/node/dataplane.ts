/** The `DataPlane` of simulation, replay and tests over the WASM module: packets are copied in and out. */
import type { DataPlane, DataPlaneOptions, EntryDump, PacketIn, PacketOut, Verdict } from '../dataplane.ts';
import type { Command, CommandStatus, DataPlaneEvent } from '../entries.ts';
import {
  PORT_CORE,
  REASON_NAMES,
  VERDICT_CORE,
  VERDICT_DELIVER,
  VERDICT_DROP,
  VERDICT_HOLD,
} from '../generated/abi.ts';
import type { ModuleExports } from './exports.ts';
import { DataPlaneModule } from './module.ts';
import { writeMac } from './text.ts';

const PASS: Verdict = { action: 'pass' };
const HOLD: Verdict = { action: 'hold' };

class WasmDataPlane implements DataPlane {
  readonly #module: DataPlaneModule;
  /** Verdicts by adjacency, so that their text is made once; an `apply` may give an index another meaning. */
  readonly #adjacent = new Map<number, Verdict>();

  constructor(module: DataPlaneModule) {
    this.#module = module;
  }

  apply(commands: readonly Command[]): CommandStatus[] {
    this.#adjacent.clear();
    return this.#module.apply(commands);
  }

  process(batch: readonly PacketIn[], now: number): PacketOut[] {
    const result: PacketOut[] = [];
    let from = 0;
    do {
      const part = batch.slice(from, from + this.#module.batch);
      part.forEach((packet, index) => this.#put(index, packet));
      const outputs = this.#module.process(part.length, now);
      for (let position = 0; position < outputs; position++) result.push(this.#take(position, from));
      from += this.#module.batch;
    } while (from < batch.length);
    return result;
  }

  #put(index: number, { data, port, mac }: PacketIn): void {
    const room = this.#module.receiveView(index);
    // A packet too long for the module is cut to the first length that it refuses.
    const part = data.subarray(0, room.length);
    room.set(part);
    const link = port.side === 'core' ? PORT_CORE : port.link;
    if (port.side === 'access' && !(link >= 0 && link < PORT_CORE)) {
      throw new RangeError(`data plane: access link ${link} is not within 0 to ${PORT_CORE - 1}`);
    }
    const macAt = this.#module.macAt(index);
    if (mac !== undefined && !writeMac(this.#module.octets, macAt, mac)) {
      throw new TypeError(`data plane: ${mac} is no MAC address`);
    }
    this.#module.setInput(index, part.length, link, mac === undefined ? undefined : macAt);
  }

  #take(position: number, from: number): PacketOut {
    const index = this.#module.output(position);
    const verdict = this.#verdict(index);
    const input = this.#module.input(index);
    const data = verdict.action === 'hold' ? new Uint8Array() : this.#module.packet(index).slice();
    return { data, verdict, input: input < 0 ? -1 : from + input };
  }

  #verdict(index: number): Verdict {
    switch (this.#module.verdict(index)) {
      case VERDICT_DROP:
        return { action: 'drop', reason: REASON_NAMES[this.#module.reason(index)]! };
      case VERDICT_HOLD:
        return HOLD;
      case VERDICT_DELIVER:
        return this.#adjacentVerdict(index, true);
      case VERDICT_CORE:
        return this.#adjacentVerdict(index, false);
      default:
        return PASS;
    }
  }

  #adjacentVerdict(index: number, deliver: boolean): Verdict {
    const adjacency = this.#module.adjacency(index);
    const known = this.#adjacent.get(adjacency);
    if (known !== undefined) return known;
    const { link, mac, address } = this.#module.adjacencyDetails(adjacency);
    const verdict: Verdict = deliver
      ? { action: 'deliver', link, nextHop: address, mac }
      : { action: 'core', locator: address };
    this.#adjacent.set(adjacency, verdict);
    return verdict;
  }

  events(): DataPlaneEvent[] {
    return this.#module.events();
  }

  counters(): Readonly<Record<string, number>> {
    return this.#module.counters();
  }

  dump(): EntryDump {
    return this.#module.dump();
  }

  deadline(): number | undefined {
    return this.#module.deadline();
  }
}

/**
 * A data plane over the compiled module, whose octets the caller has read, or over one that runs elsewhere.
 * @throws {Error} where the module has another ABI version or refuses the options.
 */
export function wasmDataPlane(
  module: Uint8Array<ArrayBuffer> | ModuleExports,
  options: DataPlaneOptions,
): DataPlane {
  return new WasmDataPlane(new DataPlaneModule(module, options));
}
