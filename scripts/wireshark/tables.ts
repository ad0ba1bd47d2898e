/** The tables of the Wireshark plugin, from the registries of the code. Pure: the plugin's text in, the new text out. */
import {
  ENTERPRISE,
  EXPERIMENT,
  EXPERIMENT_AT,
  QUERY_REGISTER,
} from '../../host/functions/lm/messages/constants.ts';
import { EXPERIMENT_ROWS, locationSignatures } from '../../host/functions/lm/messages/signatures.ts';
import { findScheme, schemeNames } from '../../host/schemes/registry.ts';
import { BODIES } from '../../host/wire/mobility/bodies.ts';
import {
  LIFETIME_UNIT,
  MH_TYPES,
  MOBILITY_OPTIONS,
  STATUSES,
  UPN_REASONS,
} from '../../host/wire/mobility/registry.ts';
import type { Row } from '../../host/wire/mobility/registry.ts';
import type { MessageSignature, Signatures, VendorRow } from '../../host/wire/mobility/signature.ts';

const BEGIN = '-- tables: begin\n';
const END = '-- tables: end\n';

type Lua = string | number | readonly Lua[] | { readonly [key: string]: Lua | undefined };

/** A Lua expression, over several lines where one does not hold it. */
function lua(value: Lua, indent = ''): string {
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return `'${value.replaceAll(/['\\]/g, '\\$&')}'`;
  const inner = `${indent}  `;
  const items: string[] = Array.isArray(value)
    ? (value as readonly Lua[]).map((item) => lua(item, inner))
    : Object.entries(value as Record<string, Lua | undefined>)
        .filter((entry): entry is [string, Lua] => entry[1] !== undefined)
        .map(([key, item]) => `${/^\d/.test(key) ? `[${key}]` : key} = ${lua(item, inner)}`);
  const line = `{ ${items.join(', ')} }`;
  if (items.length === 0) return '{}';
  return line.length + indent.length <= 90 && !line.includes('\n')
    ? line
    : `{\n${items.map((item) => `${inner}${item},\n`).join('')}${indent}}`;
}

const names = (rows: readonly Row[]): Lua =>
  Object.fromEntries(rows.map(({ number, name }) => [number, name]));

function vendorRow({ subtype, name, fields, repeated }: VendorRow): [string, Lua] {
  const again = repeated === undefined ? {} : { repeated: 1 };
  return [String(subtype), { name, fields: fields.map((field) => ({ ...field })), ...again }];
}

function messageRow({ kind, name, type, flags, options }: MessageSignature): Lua {
  return { kind, name, type, ...flags, options: options.map((option) => ({ ...option })) };
}

/**
 * Options that the plugin reads, by what their bodies hold: those of RFC 8885, which no Wireshark knows; the MAG IPv6
 * Address, of which it says that it should have 16 octets and then reads 18; and the Context Request, for whose Vendor
 * Specific requests it looks beyond the option.
 */
const LAYOUTS = {
  'context-request': 'requests',
  'mag-address': 'length-address',
  'anchored-prefix': 'prefix',
  'local-prefix': 'prefix',
  'previous-maar': 'maar-prefix',
  'serving-maar': 'address',
  'dlif-link-local': 'address',
  'dlif-link-layer': 'link-layer',
} as const satisfies Partial<Record<keyof typeof MOBILITY_OPTIONS, string>>;

/** Puts the tables into the plugin, between its marks. Throws if the marks are missing. */
export function withTables(plugin: string): string {
  const [start, end] = [plugin.indexOf(BEGIN), plugin.indexOf(END)];
  if (start < 0 || end < start) throw new Error('the plugin has no marks for its tables');
  const sources: Signatures[] = [
    locationSignatures,
    ...schemeNames().flatMap((name) => findScheme(name)?.signatures ?? []),
  ];
  const kinds = MH_TYPES.flatMap(({ number, kind }) => (kind === undefined ? [] : [[number, kind] as const]));
  const tables: Record<string, Lua> = {
    ENTERPRISE,
    LIFETIME_UNIT,
    QUERY_REGISTER,
    TYPES: names(MH_TYPES),
    KINDS: Object.fromEntries(kinds),
    OPTIONS_AT: Object.fromEntries(kinds.map(([, kind]) => [kind, BODIES[kind].optionsAt])),
    REASONS: names(UPN_REASONS),
    STATUSES: Object.fromEntries(Object.entries(STATUSES).map(([kind, rows]) => [kind, names(rows)])),
    EXPERIMENTS: Object.fromEntries(
      Object.entries(EXPERIMENT).map(([kind, code]) => [
        code,
        { kind, ...EXPERIMENT_ROWS[kind as keyof typeof EXPERIMENT] },
      ]),
    ),
    EXPERIMENT_AT: { ...EXPERIMENT_AT },
    AUTHENTICATION: MOBILITY_OPTIONS.authentication.number,
    VENDOR_SPECIFIC: MOBILITY_OPTIONS.vendor.number,
    OPTIONS: Object.fromEntries(
      Object.entries(LAYOUTS).map(([option, layout]) => {
        const { number, name } = MOBILITY_OPTIONS[option as keyof typeof LAYOUTS];
        return [number, { name, layout }];
      }),
    ),
    VENDOR: Object.fromEntries(sources.flatMap(({ vendor }) => vendor.map(vendorRow))),
    MESSAGES: sources.flatMap(({ messages }) => messages.map(messageRow)),
  };
  const text = Object.entries(tables).map(([name, value]) => `local ${name} = ${lua(value)}\n`);
  return plugin.slice(0, start + BEGIN.length) + text.join('') + plugin.slice(end);
}
