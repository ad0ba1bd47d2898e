import { unreadable } from '../../io/agent/credentials.ts';
import { shortages } from '../../io/preflight.ts';
import type { Shortage } from '../../io/preflight.ts';
import { agentConfig, linuxConfig } from '../config/maar.ts';
import type { MaarFile } from '../config/maar.ts';

/** What a MAAR with this configuration would miss on this machine. */
export function lacking(file: MaarFile): Shortage[] {
  const agent = agentConfig(file);
  return agent === undefined ? shortages(linuxConfig(file)) : unreadable(agent.agent);
}
