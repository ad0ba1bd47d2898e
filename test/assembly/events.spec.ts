import {
  AREA_COUNTERS,
  COUNTER_EVENTS_LOST,
  EVENT_REDIRECT,
  EVENT_UNKNOWN_DESTINATION,
} from '../../bindings/generated/abi.as';
import { areaBase } from '../../assembly/mem/areas';
import { setNow } from '../../assembly/mem/clock';
import {
  raiseFlow,
  raiseHoldDrop,
  raiseTunnelled,
  raiseUnknownSource,
  takeEvents,
} from '../../assembly/stats/events';
import { flowHash, flowSeen } from '../../assembly/table/flow';
import { address, makeInstance } from './instance';

// A single bucket of the flow table.
makeInstance(4, 8, 4, 4);
const one = address(1, 1);
const two = address(1, 2);

function see(src: usize, dst: usize): void {
  flowSeen(src, dst, flowHash(src, dst));
}

describe('events', () => {
  it('raises one of a kind and key in 100 ms', () => {
    setNow(1000);
    raiseTunnelled(EVENT_REDIRECT, one, one, two);
    raiseTunnelled(EVENT_REDIRECT, one, one, two);
    raiseTunnelled(EVENT_UNKNOWN_DESTINATION, one, one, two);
    raiseTunnelled(EVENT_REDIRECT, two, one, two);
    raiseHoldDrop(0, one, 128);
    raiseHoldDrop(1, one, 128);
    raiseHoldDrop(1, one, 128);
    raiseUnknownSource(one, 0, true, 2);
    raiseUnknownSource(one, 0, true, 4);
    expect<u32>(takeEvents()).toBe(7);
    setNow(1099);
    raiseTunnelled(EVENT_REDIRECT, one, one, two);
    expect<u32>(takeEvents()).toBe(0);
    setNow(1100);
    raiseTunnelled(EVENT_REDIRECT, one, one, two);
    expect<u32>(takeEvents()).toBe(1);
  });

  it('counts what does not fit and starts afresh when taken', () => {
    for (let round = 0; round < 260; round++) raiseFlow(one, two);
    expect<u32>(takeEvents()).toBe(256);
    expect<u64>(load<u64>(areaBase(AREA_COUNTERS) + (COUNTER_EVENTS_LOST << 3))).toBe(4);
    expect<u32>(takeEvents()).toBe(0);
    raiseFlow(one, two);
    expect<u32>(takeEvents()).toBe(1);
  });
});

describe('flow table', () => {
  it('reports new pairs and those silent for more than a second; a fifth pair displaces the oldest', () => {
    setNow(10000);
    see(one, two);
    see(two, one);
    see(one, two);
    expect<u32>(takeEvents()).toBe(2);
    setNow(11000);
    see(one, two);
    see(one, address(1, 3));
    see(one, address(1, 4));
    expect<u32>(takeEvents()).toBe(2);
    see(one, address(1, 5));
    expect<u32>(takeEvents()).toBe(1);
    setNow(12999);
    see(one, two);
    expect<u32>(takeEvents()).toBe(0);
    see(two, one);
    expect<u32>(takeEvents()).toBe(1);
    setNow(15000);
    see(one, two);
    expect<u32>(takeEvents()).toBe(1);
  });
});
