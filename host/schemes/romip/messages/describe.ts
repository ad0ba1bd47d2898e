import type { MobilityMessage } from '../../../wire/mobility/message.ts';
import type { DistributedMessage } from './message.ts';
import { createProfile, PROFILE_NAMES } from './profile.ts';

const profiles = PROFILE_NAMES.map((name) => createProfile(name));

/**
 * The distributed message in a captured Mobility Header, of whichever profile makes sense of it; undefined if none.
 * For the reader of a capture only: the enterprise number of our options vouches for more than a flag does, but
 * a MAAR goes by its configured profile.
 */
export function describeDistributed(message: MobilityMessage): DistributedMessage | undefined {
  for (const profile of profiles) {
    const result = profile.parse(message);
    if (result !== 'not-distributed' && result.ok) return result.value;
  }
  return undefined;
}
