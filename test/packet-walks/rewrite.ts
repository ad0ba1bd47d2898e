import { DELIVER, MN, PEER, fromCore, put } from '../bindings/node/support.ts';
import { RESTORE, REWRITE, rewritten } from '../bindings/node/rewriting.ts';
import type { Walks } from './walk.ts';
import { toMn, walk } from './walk.ts';

const onward = [RESTORE, REWRITE];
const tunnel = put({ kind: 'tunnel', prefix: `${MN}/128`, locator: PEER });
const long = toMn({ payload: new Uint8Array(1461) });

export const walks: Walks = {
  hops: walk([REWRITE], fromCore(toMn({ hops: 1 }))),
  'too-big': walk([REWRITE], fromCore(long)),
  rewrite: walk([REWRITE], fromCore(toMn())),
  restore: walk([RESTORE, DELIVER], fromCore(rewritten(toMn()))),
  loop: walk(onward, fromCore(rewritten(toMn({ hops: 8 })))),
  onward: walk(onward, fromCore(rewritten(toMn()))),
  tunnel: walk([RESTORE, tunnel], fromCore(rewritten(toMn()))),
  unknown: walk([RESTORE], fromCore(rewritten(toMn()))),
};
