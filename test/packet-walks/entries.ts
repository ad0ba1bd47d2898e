import type { Command } from '../../bindings/entries.ts';
import { DELIVER, MN, PEERING, THIRD, fromCore, put, tunnelled } from '../bindings/node/support.ts';
import type { Walk, Walks } from './walk.ts';
import { buffer, hold, toMn } from './walk.ts';

const prefix = `${MN}/128`;

/** A packet is on hold; the walk is the commands, and what the next `process` puts out. */
const commanded = (entries: readonly Command[], commands: readonly Command[]): Walk => ({
  before: (plane) => {
    plane.apply([PEERING, ...entries], 0);
    plane.process([fromCore(tunnelled(toMn()))], 0);
  },
  walk: (plane) => {
    plane.apply(commands, 0);
    return plane.process([], 200);
  },
});

/** Likewise, of a packet that came natively from the core. */
const buffered = (commands: readonly Command[]): Walk => ({
  ...commanded([], commands),
  before: (plane) => {
    plane.apply([buffer()], 0);
    plane.process([fromCore(toMn())], 0);
  },
});

export const walks: Walks = {
  'put-deliver': buffered([DELIVER]),
  'put-tunnel': buffered([put({ kind: 'tunnel', prefix, locator: THIRD })]),
  'put-buffer': buffered([buffer({ packets: 1 })]),
  'put-hold': commanded([hold('to')], [hold('to', { packets: 1 })]),
  release: commanded([hold('to')], [DELIVER, { op: 'release', direction: 'to', prefix }]),
  discard: commanded([hold('to')], [{ op: 'discard', direction: 'to', prefix }]),
  'delete-hold': commanded([hold('to')], [{ op: 'delete', kind: 'hold', direction: 'to', prefix: '::/0' }]),
  'delete-buffer': buffered([{ op: 'delete', kind: 'destination', prefix }]),
};
