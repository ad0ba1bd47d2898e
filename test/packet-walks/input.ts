import {
  DESCRIPTOR_OFFSET_AT,
  DESCRIPTOR_MAC_AT,
  LIMIT_HEADROOM,
  REASON_NAMES,
} from '../../bindings/generated/abi.ts';
import { DataPlaneModule } from '../../bindings/node/module.ts';
import { OPTIONS, fromAccess, packet, wasm } from '../bindings/node/support.ts';
import type { WalkPlane, Walks } from './walk.ts';
import { changed, walk } from './walk.ts';

/** A host that puts its packets one octet too early, which the binding never does. */
function careless(): WalkPlane {
  const module = new DataPlaneModule(wasm(), OPTIONS);
  return {
    apply: (commands) => module.apply(commands),
    process: ([input]) => {
      module.setInput(0, input!.data.length, 0);
      const offset = module.macAt(0) - DESCRIPTOR_MAC_AT + DESCRIPTOR_OFFSET_AT;
      new DataView(module.octets.buffer).setUint16(offset, LIMIT_HEADROOM - 1, true);
      module.process(1, 0);
      const reason = REASON_NAMES[module.reason(module.output(0))]!;
      return [{ data: new Uint8Array(), verdict: { action: 'drop', reason }, input: 0 }];
    },
    events: () => module.events(),
    counters: () => module.counters(),
  };
}

export const walks: Walks = {
  descriptor: { ...walk([], fromAccess(packet())), plane: careless },
  oversized: walk([], fromAccess(packet({ payload: new Uint8Array(1861) }))),
  truncated: walk([], fromAccess(packet().subarray(0, 47))),
  version: walk([], fromAccess(changed(packet(), 0, 0x45))),
  jumbogram: walk([], fromAccess(packet({ next: 0, payload: new Uint8Array() }))),
  address: walk([], fromAccess(packet({ src: 'ff02::1' }))),
};
