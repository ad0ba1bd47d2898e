import {
  DIRECTION_FROM,
  NONE,
  REASON_HOLD_EXPIRED,
  REASON_HOLD_OVERFLOW,
  DESCRIPTOR_REASON_AT,
} from '../../bindings/generated/abi.as';
import { descriptorAt, frameAt } from '../../assembly/mem/areas';
import { setNow } from '../../assembly/mem/clock';
import { copy16 } from '../../assembly/mem/words';
import {
  collectReleased,
  expireHeld,
  heldDeadline,
  heldArrival,
  holdCreate,
  holdDestroy,
  holdRelease,
  holdSet,
  putOnHold,
  reclaim,
  releaseHeld,
  takeReleased,
} from '../../assembly/path/hold';
import { clearOutputs, emit, outputAt, outputCount, setPacket } from '../../assembly/path/outputs';
import { address, makeInstance, zeroed } from './instance';

makeInstance(4, 8, 4, 3);
const ANY = zeroed(16);
const NEVER: u64 = ~0;
const ANY_BYTES: u32 = ~0;

/** Begins a batch, as `process` does. */
function begin(now: u64): void {
  setNow(now);
  reclaim();
  clearOutputs();
  expireHeld();
  collectReleased();
}

/** Holds a packet from host `host`, which comes as input 0. */
function hold(entry: u32, host: u32): void {
  const packet = frameAt(0) + 128;
  copy16(packet + 8, address(1, host));
  setPacket(descriptorAt(0), 128, 40);
  emit(0, 0);
  putOnHold(0, entry, 0, 0);
}

function makeHold(packets: u32, millis: u32): u32 {
  const entry = holdCreate(ANY, 0, DIRECTION_FROM);
  holdSet(entry, packets, ANY_BYTES, millis);
  return entry;
}

/** Host of the packet in a frame. */
function hostOf(index: u32): u32 {
  return bswap<u32>(load<u32>(frameAt(index) + 128 + 20));
}

function reasonOf(position: u32): u32 {
  return load<u8>(descriptorAt(outputAt(position)), DESCRIPTOR_REASON_AT);
}

describe('hold', () => {
  it('releases in order of arrival across entries, whatever the order of the releases', () => {
    const one = makeHold(3, 1000);
    const two = makeHold(3, 1000);
    begin(0);
    hold(one, 1);
    hold(two, 2);
    hold(one, 3);
    releaseHeld(DIRECTION_FROM, address(1, 3), 128, false);
    releaseHeld(DIRECTION_FROM, address(1, 1), 128, false);
    expect<u64>(heldDeadline()).toBe(0);
    begin(1);
    expect<u32>(hostOf(takeReleased())).toBe(1);
    expect<u32>(hostOf(takeReleased())).toBe(3);
    expect<u32>(takeReleased()).toBe(NONE);
    expect<u64>(heldDeadline()).toBe(1000);
    holdDestroy(one);
    holdDestroy(two);
    expect<u64>(heldDeadline()).toBe(NEVER);
  });

  it('drops the oldest of the entry over its budget, of the pool when that is full', () => {
    const one = makeHold(2, 1000);
    const two = makeHold(2, 1000);
    begin(2);
    hold(one, 1);
    hold(one, 2);
    hold(one, 3);
    expect<u32>(outputCount()).toBe(4);
    expect<u32>(hostOf(outputAt(3))).toBe(1);
    expect<u32>(reasonOf(3)).toBe(REASON_HOLD_OVERFLOW);
    hold(two, 4);
    hold(two, 5);
    expect<u32>(outputCount()).toBe(7);
    expect<u32>(hostOf(outputAt(6))).toBe(4);
    holdDestroy(two);
    hold(one, 6);
    holdDestroy(one);
    const three = makeHold(3, 1000);
    hold(three, 7);
    hold(three, 8);
    hold(three, 9);
    const four = makeHold(1, 1000);
    hold(four, 10);
    expect<u32>(hostOf(outputAt(outputCount() - 1))).toBe(7);
    holdDestroy(three);
    holdDestroy(four);
  });

  it('expires to the millisecond and in order of arrival', () => {
    const slow = makeHold(3, 50);
    const fast = makeHold(3, 20);
    begin(100);
    hold(slow, 1);
    hold(fast, 2);
    hold(fast, 3);
    expect<u64>(heldDeadline()).toBe(120);
    begin(119);
    expect<u32>(outputCount()).toBe(0);
    begin(120);
    expect<u32>(outputCount()).toBe(2);
    expect<u32>(hostOf(outputAt(0))).toBe(2);
    expect<u32>(reasonOf(0)).toBe(REASON_HOLD_EXPIRED);
    begin(150);
    expect<u32>(hostOf(outputAt(0))).toBe(1);
    expect<u64>(heldDeadline()).toBe(NEVER);
    holdDestroy(slow);
    holdDestroy(fast);
  });

  it('keeps the outer hop limit, and takes a released packet back without a second frame', () => {
    const entry = makeHold(3, 1000);
    begin(200);
    const packet = frameAt(0) + 128;
    copy16(packet + 8, address(1, 1));
    setPacket(descriptorAt(0), 128, 40);
    emit(0, 0);
    putOnHold(0, entry, address(2, 2), 33);
    for (let round = 0; round < 100; round++) {
      releaseHeld(DIRECTION_FROM, ANY, 0, false);
      begin(201);
      const index = takeReleased();
      expect<u32>(heldArrival(index)).toBe(33);
      putOnHold(index, entry, address(2, 2), 33);
      expect<u32>(outputCount()).toBe(0);
    }
    releaseHeld(DIRECTION_FROM, ANY, 0, true);
    expect<u64>(heldDeadline()).toBe(NEVER);
    holdDestroy(entry);
  });

  it('drops the oldest over the budget of octets, and releases what is left at once', () => {
    const entry = holdCreate(ANY, 0, DIRECTION_FROM);
    holdSet(entry, 8, 100, 1000);
    begin(100);
    hold(entry, 1);
    hold(entry, 2);
    expect<u32>(outputCount()).toBe(2);
    hold(entry, 3);
    expect<u32>(outputCount()).toBe(4);
    expect<u32>(hostOf(outputAt(3))).toBe(1);
    expect<u32>(reasonOf(3)).toBe(REASON_HOLD_OVERFLOW);
    holdRelease(entry);
    holdDestroy(entry);
    begin(101);
    expect<u32>(hostOf(takeReleased())).toBe(2);
    expect<u32>(hostOf(takeReleased())).toBe(3);
    expect<u32>(takeReleased()).toBe(NONE);
  });
});
