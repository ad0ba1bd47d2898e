import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { FILES, Router, SHELLS } from './support/router.ts';
import { parseUci } from './support/uci.ts';
import type { Section } from './support/uci.ts';

/** The zones of a router as it comes. */
const BLANK = `
config zone
	option name 'lan'
	list network 'lan'

config zone
	option name 'wan'
	list network 'wan'
	list network 'wan6'
`;

function defaulted(firewall: string): Section[] {
  const router = new Router(SHELLS[0].command);
  after(() => router.remove());
  router.record('config/firewall', firewall);
  const { status, stderr } = router.run('etc/uci-defaults/90-maar');
  assert.deepEqual([status, stderr], [0, '']);
  return parseUci(router.text('config/firewall'));
}

const value = ({ options }: Section, option: string): string | undefined =>
  options.get(option)?.values.join(' ');
const added = (): Section[] => defaulted(BLANK).filter(({ name }) => name.startsWith('maar'));

test('stations and the devices of the data plane are one zone', () => {
  const [zone, ...others] = added().filter(({ type }) => type === 'zone');
  assert.equal(others.length, 0);
  assert.equal(value(zone!, 'network'), 'maar');
  // fw4 takes a + at the end for any name that begins so: maar0, maar0a0.
  assert.equal(value(zone!, 'device'), 'maar+');
  assert.equal(value(zone!, 'forward'), 'ACCEPT');
  assert.equal(value(zone!, 'input'), 'REJECT');
  const ways = added()
    .filter(({ type }) => type === 'forwarding')
    .map((way) => `${value(way, 'src')} to ${value(way, 'dest')}`);
  assert.deepEqual(ways, ['maar to wan', 'wan to maar']);
});

test('the core reaches the router with what a MAAR needs, and nothing else', () => {
  const rules = added().filter(({ type }) => type === 'rule');
  assert.ok(rules.every((rule) => value(rule, 'target') === 'ACCEPT' && value(rule, 'family') === 'ipv6'));
  const from = (zone: string): string[] =>
    rules
      .filter((rule) => value(rule, 'src') === zone)
      .map((rule) =>
        [value(rule, 'proto'), value(rule, 'dest_port') ?? value(rule, 'icmp_type')].join(' ').trim(),
      );
  assert.deepEqual(from('wan'), [
    '41',
    '135',
    'icmp destination-unreachable packet-too-big time-exceeded parameter-problem',
    'tcp 7077',
  ]);
  assert.deepEqual(from('maar'), ['icmp']);
});

test('control is let in once its address is known', () => {
  const off = added().filter((section) => value(section, 'enabled') === '0');
  assert.deepEqual(
    off.map(({ name }) => name),
    ['maar_control'],
  );
});

test('the port that is open is the one that the agent is shipped with', () => {
  const shipped = parseUci(readFileSync(join(FILES, 'etc/config/maar'), 'utf8'));
  const port = value(
    shipped.find(({ name }) => name === 'control')!,
    'port',
  );
  assert.equal(
    value(
      added().find(({ name }) => name === 'maar_control')!,
      'dest_port',
    ),
    port,
  );
});

test('what is there already stays, however it was changed', () => {
  const edited = `${BLANK}
config zone 'maar'
	option name 'maar'
	option input 'ACCEPT'
`;
  assert.deepEqual(defaulted(edited), parseUci(edited));
});
