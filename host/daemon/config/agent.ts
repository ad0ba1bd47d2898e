import { z } from 'zod';
import type { AgentAddress, Credentials } from '../../io/agent/dial.ts';
import { parseAddress } from '../../wire/address.ts';

const text = (what: string) => z.string({ error: `must be ${what}` }).min(1, { error: `must be ${what}` });
const SHAPE = 'where the agent listens: "unix:SOCKET", "tls:[ADDRESS]:PORT" or "tcp:[ADDRESS]:PORT"';
const PORT_MAX = 65_535;
/** Long enough for every station to send something, and for AAA and the other MAARs to answer. */
const SETTLE_MILLIS = 20_000;

type Target =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tls' | 'tcp'; readonly host: string; readonly port: number };

function parseTarget(value: string): Target | undefined {
  const path = /^unix:(.+)$/.exec(value)?.[1];
  if (path !== undefined) return { kind: 'unix', path };
  const [, kind, host, digits] = /^(tls|tcp):\[([^\]]+)\]:(\d{1,5})$/.exec(value) ?? [];
  const address = host === undefined ? undefined : parseAddress(host);
  const port = Number(digits);
  if (address === undefined || port < 1 || port > PORT_MAX) return undefined;
  return { kind: kind === 'tls' ? 'tls' : 'tcp', host: address, port };
}

const FILES = ['certificate', 'key', 'authority'] as const satisfies (keyof Credentials)[];
const file = text('a file in PEM').exactOptional();

/** `[agent]`: the router is another machine, whose agent this control drives (docs/split.md). */
export const agentSection = z
  .strictObject({
    connect: text(SHAPE).transform((value, context) => {
      const target = parseTarget(value);
      if (target !== undefined) return target;
      context.addIssue(`must be ${SHAPE}`);
      return z.NEVER;
    }),
    certificate: file,
    key: file,
    authority: file,
    settle: z
      .int({ error: 'must be milliseconds' })
      .min(0, { error: 'must be milliseconds, 0 to wait for nothing' })
      .default(SETTLE_MILLIS),
  })
  .superRefine((section, context) => {
    const { kind } = section.connect;
    for (const key of FILES) {
      const given = section[key] !== undefined;
      if (given === (kind === 'tls')) continue;
      const message = given ? `is of no use with "${kind}:": remove it` : 'must be a file in PEM, for "tls:"';
      context.addIssue({ code: 'custom', path: [key], message });
    }
  });

/** Where the agent of a checked section listens, and by what both sides know each other. */
export function agentAddress({ connect, ...section }: z.output<typeof agentSection>): AgentAddress {
  if (connect.kind === 'unix') return connect;
  const { certificate = '', key = '', authority = '' } = section;
  const { kind, host, port } = connect;
  return kind === 'tls' ? { kind, host, port, certificate, key, authority } : { kind, host, port };
}
