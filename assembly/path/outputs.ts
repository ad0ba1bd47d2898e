/** Verdicts, and the list of what a batch puts out. Neighbouring fields of a descriptor are written with one store. */
import {
  AREA_OUTPUTS,
  COUNTER_DELIVERED,
  COUNTER_PASSED,
  DESCRIPTOR_ADJACENCY_AT,
  DESCRIPTOR_INPUT_AT,
  DESCRIPTOR_LENGTH_AT,
  DESCRIPTOR_OFFSET_AT,
  DESCRIPTOR_VERDICT_AT,
  NONE,
  REASON_NONE,
  VERDICT_CORE,
  VERDICT_DELIVER,
  VERDICT_DROP,
  VERDICT_HOLD,
  VERDICT_PASS,
} from '../../bindings/generated/abi.as';
import { areaBase, capacities, descriptorAt, firstMade } from '../mem/areas';
import { count, countDrop } from '../stats/counters';

let outputs: u32 = 0;
let made: u32 = 0;

export function clearOutputs(): void {
  outputs = 0;
  made = 0;
}

export function outputCount(): u32 {
  return outputs;
}

/** Descriptor index of an output. */
export function outputAt(position: u32): u32 {
  return load<u32>(areaBase(AREA_OUTPUTS) + (position << 2));
}

export function emit(index: u32, input: u32): void {
  store<u32>(areaBase(AREA_OUTPUTS) + (outputs << 2), index);
  outputs++;
  const descriptor = descriptorAt(index);
  store<u64>(descriptor, (input as u64) | ((NONE as u64) << 32), DESCRIPTOR_INPUT_AT);
}

/** Takes the latest output back. */
export function unemit(): void {
  outputs--;
}

/** Puts out a frame that the module fills itself; there is one for every packet that a batch can hold. */
export function emitMade(): u32 {
  const index = firstMade(capacities) + made++;
  emit(index, NONE);
  return index;
}

function setVerdict(descriptor: usize, verdict: u32, reason: u32): void {
  store<u16>(descriptor, (verdict | (reason << 8)) as u16, DESCRIPTOR_VERDICT_AT);
}

export function drop(descriptor: usize, reason: u32): void {
  setVerdict(descriptor, VERDICT_DROP, reason);
  countDrop(reason);
}

export function pass(descriptor: usize): void {
  setVerdict(descriptor, VERDICT_PASS, REASON_NONE);
  count(COUNTER_PASSED);
}

/** `pass` for a message of our own, which `passed` does not count. */
export function passMade(descriptor: usize): void {
  setVerdict(descriptor, VERDICT_PASS, REASON_NONE);
}

export function deliver(descriptor: usize, adjacency: u32): void {
  setVerdict(descriptor, VERDICT_DELIVER, REASON_NONE);
  store<u32>(descriptor, adjacency, DESCRIPTOR_ADJACENCY_AT);
  count(COUNTER_DELIVERED);
}

export function toCore(descriptor: usize, adjacency: u32): void {
  setVerdict(descriptor, VERDICT_CORE, REASON_NONE);
  store<u32>(descriptor, adjacency, DESCRIPTOR_ADJACENCY_AT);
}

export function onHold(descriptor: usize): void {
  setVerdict(descriptor, VERDICT_HOLD, REASON_NONE);
}

export function setPacket(descriptor: usize, offset: u32, length: u32): void {
  store<u32>(descriptor, (offset & 0xffff) | (length << 16), DESCRIPTOR_OFFSET_AT);
}

export function offsetOf(descriptor: usize): u32 {
  return load<u16>(descriptor, DESCRIPTOR_OFFSET_AT);
}

export function lengthOf(descriptor: usize): u32 {
  return load<u16>(descriptor, DESCRIPTOR_LENGTH_AT);
}
