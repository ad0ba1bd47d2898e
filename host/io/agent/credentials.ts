import { accessSync, constants } from 'node:fs';
import type { Shortage } from '../preflight.ts';
import type { AgentAddress } from './dial.ts';

/** Files of TLS that cannot be read. */
export function unreadable(address: AgentAddress): Shortage[] {
  if (address.kind !== 'tls') return [];
  return (['certificate', 'key', 'authority'] as const).flatMap((name) => {
    try {
      accessSync(address[name], constants.R_OK);
      return [];
    } catch {
      return [{ key: `agent.${name}`, value: address[name], remedy: 'must be a readable file' }];
    }
  });
}
