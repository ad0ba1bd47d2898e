import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { FILES } from './support/router.ts';
import type { Rule } from './support/uci.ts';
import { isOfType, parseRule, parseUci } from './support/uci.ts';

const script = readFileSync(join(FILES, 'etc/init.d/maar'), 'utf8');
const page = readFileSync(new URL('../../docs/openwrt.md', import.meta.url), 'utf8');
const shipped = parseUci(readFileSync(join(FILES, 'etc/config/maar'), 'utf8'));

/** The rules that the init script validates a section by, by its type. */
const validated = new Map<string, readonly Rule[]>(
  [...script.matchAll(/uci_load_validate maar (\w+) "\$1" "\$2" \\\n((?:\t\t'.*\n)+)/g)].map(
    ([, type, lines]) => [type!, [...lines!.matchAll(/'(.*)'/g)].map(([, rule]) => parseRule(rule!))],
  ),
);
const rows = [
  ...page.matchAll(/^\| `(\w+)`\s*\| `(\w+)`\s*\| `([^|]*)`\s*\| (?:`(.*)`)?\s*\| (.*?)\s*\|$/gm),
].map(([, section, option, type, fallback, meaning]) => ({ section, option, type, fallback, meaning }));

test('the page has a row for each option that is validated, with its type and default', () => {
  const expected = [...validated].flatMap(([section, rules]) => rules.map((rule) => ({ section, ...rule })));
  assert.ok(expected.length > 15);
  assert.deepEqual(
    rows.map(({ section, option, type, fallback }) => ({ section, option, type, fallback })),
    expected,
  );
  assert.ok(rows.every(({ meaning }) => meaning !== ''));
});

test('the configuration as shipped has every option, with its default', () => {
  assert.deepEqual(
    shipped.map(({ type, options }) => [type, [...options.keys()]]),
    [...validated].map(([type, rules]) => [type, rules.map(({ option }) => option)]),
  );
  for (const { type, options } of shipped) {
    for (const rule of validated.get(type)!) {
      const value = options.get(rule.option)!.values[0]!;
      if (rule.fallback !== undefined) assert.equal(value, rule.fallback, rule.option);
      if (value !== '') assert.ok(isOfType(value, rule.type), `${rule.option} '${value}'`);
    }
  }
});

test('every option that is validated is read', () => {
  const without = script.replace(/uci_load_validate[^}]*/g, '');
  for (const [type, rules] of validated) {
    for (const { option } of rules) {
      assert.match(without, new RegExp(`\\$${option}\\b`), `${type}.${option}`);
    }
  }
});
