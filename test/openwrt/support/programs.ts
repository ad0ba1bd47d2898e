/** Stand for programs of a router that the scripts of the package call: `uci`, `validate_data`, `jshn`. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatUci, parseRule, parseUci, uciCommand, validate } from './uci.ts';

const [name, ...args] = process.argv.slice(2);
const fileOf = (config: string): string => join(process.env['REPLAY']!, 'config', config);

function sectionsOf(config: string): ReturnType<typeof parseUci> {
  return existsSync(fileOf(config)) ? parseUci(readFileSync(fileOf(config), 'utf8')) : [];
}

function quoted(value: string): string {
  return `'${value.replaceAll("'", `'\\''`)}'`;
}

function uci(words: readonly string[]): number {
  const [verb, path = '', type] = words.filter((word) => word !== '-q');
  const [config, section, option] = path.split('.');
  switch (verb) {
    case 'sections': {
      const found = sectionsOf(path).filter((each) => each.type === type);
      console.log(found.map((each) => each.name).join('\n'));
      return 0;
    }
    case 'get': {
      const found = sectionsOf(config!).find((each) => each.name === section);
      const value = option === undefined ? found?.type : found?.options.get(option)?.values.join(' ');
      if (value === undefined) return 1;
      console.log(value);
      return 0;
    }
    case 'batch': {
      const sections = sectionsOf('firewall');
      const refused = readFileSync(0, 'utf8')
        .split('\n')
        .filter((line) => !uciCommand(sections, line));
      writeFileSync(fileOf('firewall'), formatUci(sections));
      if (refused.length > 0) console.error(`uci: ${refused.join('; ')}`);
      return refused.length > 0 ? 1 : 0;
    }
    default:
      console.error(`uci: ${verb}`);
      return 255;
  }
}

function validateData([config, type, section, ...texts]: readonly string[]): number {
  const rules = texts.map(parseRule);
  if (section === '') {
    const schema = rules.map((rule) => `json_add_string ${rule.option} ${quoted(rule.type)}; `);
    console.log(
      `json_add_object; json_add_string package ${config}; json_add_string type ${type}; json_add_object data; ` +
        `${schema.join('')}json_close_object; json_close_object; `,
    );
    return 0;
  }
  const { values, invalid } = validate(
    sectionsOf(config!).find((each) => each.name === section),
    rules,
  );
  const words = [...values].map(([option, value]) =>
    value === undefined ? `unset -v ${option}; ` : `${option}=${quoted(value)}; `,
  );
  console.log(words.join(''));
  return invalid.length > 0 ? 255 : 0;
}

function jshn([text]: readonly string[]): number {
  const lines = ['json_init'];
  const walk = (at: string, value: unknown): void => {
    if (typeof value !== 'object' || value === null) {
      lines.push(`JSON_VALUE${at}=${quoted(String(typeof value === 'boolean' ? Number(value) : value))}`);
      return;
    }
    lines.push(`JSON_TYPE${at}=${Array.isArray(value) ? 'array' : 'object'}`);
    const keys = Object.keys(value).map((key) => key.replace(/\W/g, '_'));
    lines.push(`JSON_KEYS${at}=${quoted(keys.map((key) => ` ${key}`).join(''))}`);
    Object.values(value).forEach((member, index) => walk(`${at}__${keys[index]}`, member));
  };
  try {
    walk('', JSON.parse(text!));
  } catch {
    console.error('Failed to parse message data');
    return 1;
  }
  console.log(lines.join('\n'));
  return 0;
}

const programs: Record<string, (words: readonly string[]) => number> = {
  uci,
  validate_data: validateData,
  jshn,
};
process.exitCode = programs[name!]!(args);
