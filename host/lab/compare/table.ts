import { table } from '../../daemon/show/table.ts';
import type { Measurement, NewSession } from './measure.ts';
import { SIGNALLING_KINDS } from './signalling.ts';

/** What one variant was measured to do. */
export interface Compared {
  readonly variant: string;
  /** One-way delay of a link in milliseconds; 0 where the backend adds none. */
  readonly delay: number;
  readonly measured: Measurement;
}

const NEVER = 'never';

/** One table: a line for each figure, a column for each variant. */
export function comparison(results: readonly Compared[]): string {
  const heads = ['', ...results.map(({ variant }) => variant)];
  const row = (what: string, cell: (result: Compared) => string): string[] => [what, ...results.map(cell)];
  const session = (what: string, of: (measured: Measurement) => NewSession): string[][] => [
    row(`first packet from ${what}`, (result) => time(of(result.measured).firstPacket, result)),
    row(`path stretch from ${what}`, ({ measured }) => {
      const { before, after } = of(measured);
      return before === undefined ? NEVER : `${ratio(before)} -> ${ratio(after)}`;
    }),
  ];
  return table(
    heads,
    [
      ...SIGNALLING_KINDS.map((kind) =>
        row(`signalling, ${kind}`, ({ measured: { signalling } }) => {
          const { messages, octets } = signalling[kind];
          return messages === 0 ? '-' : `${number(messages)} (${number(octets)} octets)`;
        }),
      ),
      row('interruption, downlink', (result) => time(result.measured.interruption.down, result)),
      row('interruption, uplink', (result) => time(result.measured.interruption.up, result)),
      ...session('an MN', ({ mobile }) => mobile),
      ...session('outside', ({ fixed }) => fixed),
      row('data plane entries', ({ measured }) => String(measured.state.entries)),
      row('bindings at a MAAR', ({ measured }) => String(measured.state.bindings)),
      row('cached locations at a MAAR', ({ measured }) => String(measured.state.cached)),
      row('registrations at a server', ({ measured }) => String(measured.state.registrations)),
      row('subscriptions at a server', ({ measured }) => String(measured.state.subscriptions)),
    ],
    '',
  );
}

/** In one-way delays, where there are such. */
function time(millis: number | undefined, { delay }: Compared): string {
  if (millis === undefined) return NEVER;
  return delay > 0 ? `${number(millis / delay)} d` : `${number(millis)} ms`;
}

function ratio(value: number | undefined): string {
  return value === undefined ? NEVER : value.toFixed(2);
}

/** A whole number as it is, others with one digit. */
function number(value: number): string {
  return Number.isInteger(value) ? String(value) : value.toFixed(1);
}
