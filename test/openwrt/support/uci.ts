/** UCI: text of configurations, and the data types that `validate_data` knows, as far as the package uses them. */
import { isIPv6 } from 'node:net';

export interface Section {
  readonly type: string;
  readonly name: string;
  readonly anonymous: boolean;
  /** Values in order: one of an `option`, any number of a `list`. */
  readonly options: Map<string, { readonly list: boolean; readonly values: string[] }>;
}

const WORD = /'([^']*)'|"([^"]*)"|(\S+)/g;

export function parseUci(text: string): Section[] {
  const sections: Section[] = [];
  for (const line of text.split('\n')) {
    if (/^\s*(#|$)/.test(line)) continue;
    const [keyword, first, second] = [...line.matchAll(WORD)].map(
      (match) => match[1] ?? match[2] ?? match[3]!,
    );
    const section = sections.at(-1);
    if (keyword === 'config' && first !== undefined) {
      const name = second ?? `cfg${sections.length.toString(16).padStart(2, '0')}`;
      sections.push({ type: first, name, anonymous: second === undefined, options: new Map() });
    } else if (keyword === 'option' && section && first !== undefined && second !== undefined) {
      section.options.set(first, { list: false, values: [second] });
    } else if (keyword === 'list' && section && first !== undefined && second !== undefined) {
      const before = section.options.get(first)?.values ?? [];
      section.options.set(first, { list: true, values: [...before, second] });
    } else {
      throw new Error(`no line of UCI: ${line}`);
    }
  }
  return sections;
}

export function formatUci(sections: readonly Section[]): string {
  return sections
    .map(({ type, name, anonymous, options }) => {
      const lines = [...options].flatMap(([option, { list, values }]) =>
        values.map((value) => `\t${list ? 'list' : 'option'} ${option} '${value}'\n`),
      );
      return `config ${type}${anonymous ? '' : ` '${name}'`}\n${lines.join('')}\n`;
    })
    .join('');
}

/** Carries out one line of `uci batch` on a package; false for a line it does not know. */
export function uciCommand(sections: Section[], line: string): boolean {
  if (/^(commit\b.*)?$/.test(line.trim())) return true;
  const parts = /^(set|add_list) \w+\.(\w+)(?:\.(\w+))?=(?:'([^']*)'|(\S+))$/.exec(line.trim());
  if (!parts) return false;
  const [, verb, name, option, quoted, plain] = parts;
  const value = quoted ?? plain!;
  if (option === undefined) {
    sections.push({ type: value, name: name!, anonymous: false, options: new Map() });
    return true;
  }
  const options = sections.find((section) => section.name === name)?.options;
  if (!options) return false;
  const before = verb === 'add_list' ? (options.get(option)?.values ?? []) : [];
  options.set(option, { list: verb === 'add_list', values: [...before, value] });
  return true;
}

const BOOLEANS = new Map([
  ...['1', 'on', 'true', 'yes', 'enabled'].map((word) => [word, '1'] as const),
  ...['0', 'off', 'false', 'no', 'disabled'].map((word) => [word, '0'] as const),
]);

const CHECKS: Record<string, (value: string, args: readonly string[]) => boolean> = {
  bool: (value) => BOOLEANS.has(value),
  string: () => true,
  ip6addr: (value) => isIPv6(value),
  cidr6: (value) => {
    const [address, length, ...more] = value.split('/');
    return more.length === 0 && isIPv6(address!) && (length === undefined || Number(length) <= 128);
  },
  range: (value, [low, high]) =>
    /^-?\d+$/.test(value) && Number(value) >= Number(low) && Number(value) <= Number(high),
  or: (value, args) => args.some((arg) => arg === JSON.stringify(value)),
  uciname: (value) => /^\w*$/.test(value),
  // ether_aton of musl takes octets without their leading zero.
  macaddr: (value) => /^[0-9a-f]{1,2}(:[0-9a-f]{1,2}){5}$/i.test(value),
};

/** Whether a value is of a data type such as `range(1,2)`; a type that is not known is a fault of the script. */
export function isOfType(value: string, type: string): boolean {
  const parts = /^(\w+)(?:\((.*)\))?$/.exec(type);
  const check = parts && CHECKS[parts[1]!];
  if (!check) throw new Error(`no data type of validate_data: ${type}`);
  return check(value, parts[2]?.split(/,\s*/) ?? []);
}

export interface Rule {
  readonly option: string;
  readonly type: string;
  readonly fallback: string | undefined;
}

/** Reads OPTION:TYPE[:DEFAULT], where the default may have colons. */
export function parseRule(text: string): Rule {
  const parts = /^(\w+):([^:]+)(?::(.*))?$/.exec(text);
  if (!parts) throw new Error(`no rule of validate_data: ${text}`);
  return { option: parts[1]!, type: parts[2]!, fallback: parts[3] };
}

/**
 * What `validate_data` does with a section: values by option, `undefined` where there is none that is valid, and the
 * options that are not. An empty value counts as none.
 */
export function validate(
  section: Section | undefined,
  rules: readonly Rule[],
): { readonly values: Map<string, string | undefined>; readonly invalid: string[] } {
  const values = new Map<string, string | undefined>();
  const invalid: string[] = [];
  for (const { option, type, fallback } of rules) {
    const value = section?.options.get(option)?.values[0] ?? '';
    if (value === '') {
      values.set(option, fallback);
    } else if (isOfType(value, type)) {
      values.set(option, type === 'bool' ? BOOLEANS.get(value) : value);
    } else {
      values.set(option, undefined);
      invalid.push(option);
    }
  }
  return { values, invalid };
}
