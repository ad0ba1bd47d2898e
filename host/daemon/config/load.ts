import { readFileSync } from 'node:fs';
import { TomlError, parse } from 'smol-toml';
import type { z } from 'zod';
import { messageOf } from '../../core/error-message.ts';
import { parseAddress, parsePrefix } from '../../wire/address.ts';

/** One thing wrong with a configuration file, and what would be right. */
export interface ConfigFault {
  readonly file: string;
  /** "peer[1].address", or "line 3, column 7" where the file is no TOML; empty for the file itself. */
  readonly key: string;
  /** What stands there; undefined where something is missing. */
  readonly value: unknown;
  readonly remedy: string;
}

export type LoadedConfig<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly faults: readonly ConfigFault[] };

/**
 * Reads a TOML file and checks it against a schema, whose messages say what a value must be.
 * Every fault is returned, not only the first.
 */
export function loadConfig<S extends z.ZodType>(file: string, schema: S): LoadedConfig<z.output<S>> {
  const fault = (key: string, value: unknown, remedy: string): ConfigFault => ({ file, key, value, remedy });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return { ok: false, faults: [fault('', undefined, `must be a readable file: ${messageOf(error)}`)] };
  }
  let raw: unknown;
  try {
    raw = parse(text);
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [what = 'not TOML'] = error.message.split('\n', 1);
    const line = text.split('\n')[error.line - 1];
    return { ok: false, faults: [fault(`line ${error.line}, column ${error.column}`, line, what)] };
  }
  return checkConfig(file, raw, schema);
}

/** Checks what a file held, whatever its notation, against a schema; `file` names it in the faults. */
export function checkConfig<S extends z.ZodType>(
  file: string,
  raw: unknown,
  schema: S,
): LoadedConfig<z.output<S>> {
  const fault = (key: string, value: unknown, remedy: string): ConfigFault => ({ file, key, value, remedy });
  const checked = schema.safeParse(raw);
  if (checked.success) return { ok: true, value: checked.data };
  const faults = checked.error.issues.flatMap((issue) => {
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) =>
        fault(
          keyText([...issue.path, key]),
          valueAt(raw, [...issue.path, key]),
          'is no key of this table: remove it',
        ),
      );
    }
    return [fault(keyText(issue.path), valueAt(raw, issue.path), issue.message)];
  });
  return { ok: false, faults };
}

/** One line for each fault, for the terminal. */
export function formatFaults(faults: readonly ConfigFault[]): string {
  return faults
    .map(({ file, key, value, remedy }) => {
      const place = key === '' ? file : `${file}: ${key}`;
      const found = value === undefined ? '' : ` = ${JSON.stringify(value)}`;
      return `${place}${found}: ${remedy}\n`;
    })
    .join('');
}

/** "must be an IPv6 address ..." as a check for a string of the schema, to canonical text. */
export function canonicalAddress(text: string, context: z.RefinementCtx): string {
  const address = parseAddress(text);
  if (address === undefined) context.addIssue('must be an IPv6 address, like "2001:db8::1"');
  return address ?? text;
}

export function canonicalPrefix(text: string, context: z.RefinementCtx): string {
  const prefix = parsePrefix(text);
  if (prefix === undefined)
    context.addIssue('must be an IPv6 prefix without host bits, like "2001:db8:1::/48"');
  return prefix ?? text;
}

function keyText(path: readonly PropertyKey[]): string {
  return path
    .map((part, index) => (typeof part === 'number' ? `[${part}]` : (index === 0 ? '' : '.') + String(part)))
    .join('');
}

function valueAt(raw: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>(
    (value, part) =>
      typeof value === 'object' && value !== null ? (value as Record<PropertyKey, unknown>)[part] : undefined,
    raw,
  );
}
