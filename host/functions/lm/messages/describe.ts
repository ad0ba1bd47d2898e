import type { MobilityMessage } from '../../../wire/mobility/message.ts';
import { EXPERIMENT } from './constants.ts';
import type { LocationMessage } from './message.ts';
import { parseLocation } from './parse.ts';

/**
 * What only location management can read in a captured Mobility Header: an experiment of ours, or a message with a
 * registration counter, an option that nobody else has. All others speak for themselves.
 */
export function describeLocation(mobility: MobilityMessage): LocationMessage | undefined {
  const result = parseLocation(mobility);
  if (result === 'other' || !result.ok) return undefined;
  const message = result.value;
  return message.kind in EXPERIMENT || 'counter' in message || 'binding' in message ? message : undefined;
}
