import {
  AREA_COMMANDS,
  COMMAND_ADDRESS_AT,
  COMMAND_DELETE_DESTINATION,
  COMMAND_FLAGS_AT,
  COMMAND_FLAG_FLOW,
  COMMAND_OP_AT,
  COMMAND_PREFIX_AT,
  COMMAND_PROTOCOL_AT,
  COMMAND_PUT_TUNNEL,
  COMMAND_SIZE,
  COMMAND_SOURCE_AT,
  COMMAND_SOURCE_PORT_AT,
  COMMAND_STATUS_AT,
  NONE,
  STATUS_ABSENT,
  STATUS_FULL,
  STATUS_OK,
} from '../../bindings/generated/abi.as';
import { areaBase } from '../../assembly/mem/areas';
import { copy16 } from '../../assembly/mem/words';
import { applyCommands } from '../../assembly/path/commands';
import { destinationOf } from '../../assembly/path/lookup';
import { adjacencyAddress } from '../../assembly/table/adjacency';
import { FLOW_ENTRIES } from '../../assembly/table/tables';
import { COMMAND_KEY, setPair } from '../../assembly/table/tuple';
import { prefixFind } from '../../assembly/table/prefix';
import { address, makeInstance, zeroed } from './instance';

const UDP: u8 = 17;
const CAPACITY: u32 = 100;

const src = address(1, 1);
const dst = address(2, 2);
const packet = zeroed(64);

function command(op: u32, port: u32, locator: u32): u32 {
  const at = areaBase(AREA_COMMANDS);
  memory.fill(at, 0, COMMAND_SIZE);
  store<u8>(at, op as u8, COMMAND_OP_AT);
  store<u8>(at, COMMAND_FLAG_FLOW as u8, COMMAND_FLAGS_AT);
  store<u8>(at, UDP, COMMAND_PROTOCOL_AT);
  store<u16>(at, port as u16, COMMAND_SOURCE_PORT_AT);
  copy16(at + COMMAND_SOURCE_AT, src);
  copy16(at + COMMAND_PREFIX_AT, dst);
  copy16(at + COMMAND_ADDRESS_AT, address(9, locator));
  applyCommands(1);
  return load<u8>(at, COMMAND_STATUS_AT);
}

/** The host part of the locator that a packet of the flow with this source port goes to; 0 for none. */
function locatorOf(port: u32): u32 {
  store<u8>(packet, 0x60);
  store<u16>(packet, bswap<u16>(24), 4);
  store<u8>(packet, UDP, 6);
  copy16(packet + 8, src);
  copy16(packet + 24, dst);
  store<u16>(packet, bswap<u16>(port as u16), 40);
  const adjacency = destinationOf(0, packet + 24);
  return adjacency == NONE ? 0 : bswap<u32>(load<u32>(adjacencyAddress(adjacency), 12));
}

describe('flow entries', () => {
  it('follow a model through puts, replacements and deletions up to full', () => {
    makeInstance(1, CAPACITY, 4, 1);
    const model = new StaticArray<u32>(300);
    let state: u32 = 7;
    let faults: u32 = 0;
    let used: u32 = 0;
    for (let step: u32 = 1; step < 5000; step++) {
      state = state * 1664525 + 1013904223;
      const port = (state >> 8) % 300;
      const known = model[port] != 0;
      if ((state >> 20) % 3 == 0) {
        const status = command(COMMAND_DELETE_DESTINATION, port, 0);
        faults += (status != (known ? STATUS_OK : STATUS_ABSENT)) as u32;
        used -= known as u32;
        model[port] = 0;
      } else {
        const locator = 1 + (step % 5);
        const fits = known || used < CAPACITY;
        faults += (command(COMMAND_PUT_TUNNEL, port, locator) != (fits ? STATUS_OK : STATUS_FULL)) as u32;
        used += (fits && !known) as u32;
        if (fits) model[port] = locator;
      }
      faults += (FLOW_ENTRIES.count != used) as u32;
      const other = (state >> 4) % 300;
      faults += (locatorOf(other) != model[other]) as u32;
    }
    expect<u32>(faults).toBe(0);
    for (let port: u32 = 0; port < 300; port++) command(COMMAND_DELETE_DESTINATION, port, 0);
    expect<u32>(FLOW_ENTRIES.count).toBe(0);
  });

  it('never answer for a flow whose addresses have the same hash', () => {
    makeInstance(1, CAPACITY, 4, 1);
    expect<u32>(command(COMMAND_PUT_TUNNEL, 5, 1)).toBe(STATUS_OK);
    expect<u32>(locatorOf(5)).toBe(1);
    setPair(prefixFind(FLOW_ENTRIES, COMMAND_KEY, 128, 0), src, address(3, 3));
    expect<u32>(locatorOf(5)).toBe(0);
    expect<u32>(command(COMMAND_DELETE_DESTINATION, 5, 0)).toBe(STATUS_ABSENT);
    expect<u32>(command(COMMAND_PUT_TUNNEL, 5, 2)).toBe(STATUS_FULL);
    expect<u32>(FLOW_ENTRIES.count).toBe(1);
  });
});
