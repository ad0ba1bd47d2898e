import type { MobilityMessage } from '../../../wire/mobility/message.ts';
import { parseLocation } from './parse.ts';

/** Names what only location management can read: its Experimental Mobility Headers. All others speak for themselves. */
export function describeLocation(mobility: MobilityMessage): { readonly kind: string } | undefined {
  if (mobility.kind !== 'EXP') return undefined;
  const result = parseLocation(mobility);
  return result !== 'other' && result.ok ? result.value : undefined;
}
