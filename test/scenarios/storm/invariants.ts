import { judge, type Holds } from '../../support/invariant.ts';

/** What must hold in a whole domain whatever goes wrong; the names that a run which breaks one prints. */
export const INVARIANTS = {
  loop: 'no packet goes in a circle',
  owner: "no packet of one host's is delivered to another",
  lifetime: 'no tunnel outlives the lifetime it was granted',
  explained: 'control and data plane agree',
  lease: 'what was promised survives',
  one: 'in the end one MAAR has each host, and it is where the host is',
  reachable: 'in the end every address that was given is reached',
  session: 'in the end every session that both ends hold goes on',
} as const;

export type Invariant = keyof typeof INVARIANTS;

export const holds: Holds<Invariant> = judge(INVARIANTS);
