import {
  ADJACENCY_KIND_DELIVER,
  ADJACENCY_KIND_FREE,
  ADJACENCY_KIND_TUNNEL,
} from '../../bindings/generated/abi.as';
import { adjacencyAcquire, adjacencyKind, adjacencyRelease } from '../../assembly/table/adjacency';
import { address, makeInstance } from './instance';

makeInstance(4, 8, 8, 4);

describe('adjacencies', () => {
  it('holds the same next hop once and different ones apart', () => {
    const hop = address(1, 1);
    const first = adjacencyAcquire(ADJACENCY_KIND_DELIVER, 0, 0x0202, hop);
    expect<u32>(adjacencyAcquire(ADJACENCY_KIND_DELIVER, 0, 0x0202, hop)).toBe(first);
    expect<u32>(adjacencyAcquire(ADJACENCY_KIND_DELIVER, 1, 0x0202, hop)).not.toBe(first);
    expect<u32>(adjacencyAcquire(ADJACENCY_KIND_DELIVER, 0, 0x0402, hop)).not.toBe(first);
    expect<u32>(adjacencyAcquire(ADJACENCY_KIND_TUNNEL, 255, 0, hop)).not.toBe(first);
    expect<u32>(adjacencyAcquire(ADJACENCY_KIND_DELIVER, 0, 0x0202, address(1, 2))).not.toBe(first);
    for (let index: u32 = 0; index < 5; index++) adjacencyRelease(index);
    expect<u32>(adjacencyKind(first)).toBe(ADJACENCY_KIND_DELIVER);
    adjacencyRelease(first);
    expect<u32>(adjacencyKind(first)).toBe(ADJACENCY_KIND_FREE);
  });

  it('uses freed records again, so churn never runs out of them', () => {
    let highest: u32 = 0;
    for (let round: u32 = 0; round < 1000; round++) {
      const one = adjacencyAcquire(ADJACENCY_KIND_TUNNEL, 255, 0, address(2, round));
      const two = adjacencyAcquire(ADJACENCY_KIND_TUNNEL, 255, 0, address(3, round));
      highest = max(highest, max(one, two));
      adjacencyRelease(one);
      adjacencyRelease(two);
    }
    expect<i32>(i32(highest < 17)).toBe(1);
  });
});
