import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { cargoBuild } from '../../host/lab/cargo.ts';
import { hasTool, missing } from '../support/tools.ts';
import type { Call, Shell } from './support/router.ts';
import { FILES, Router, SHELLS, commands } from './support/router.ts';

const SHIPPED = readFileSync(join(FILES, 'etc/config/maar'), 'utf8');
/** The shipped configuration with what only the operator knows. */
const CONFIGURED = SHIPPED.replace("enabled '0'", "enabled '1'")
  .replace("locator ''", "locator '2001:db8:0:1::1'")
  .replace("pool ''", "pool '2001:db8:11::/48'");
const SECOND_LINK = `
config access
	option interface 'guests'
	option link '1'
	option link_local 'fe80::1'
	option mac '02:00:5e:10:00:00'
`;

const AGENT = [
  ['/usr/sbin/maar-dp', '--module', '/usr/lib/maar/maar.cwasm'],
  ['--locator', '2001:db8:0:1::1', '--pool', '2001:db8:11::/48'],
  ['--access', '0=br-maar,fe80::1,02:00:5e:10:00:00'],
  ['--core-mtu', '1500', '--bindings', '1024'],
  ['--stations', '/var/run/maar/stations.sock', '--user', 'nobody', '--syslog'],
].flat();
const TLS = [
  ['--control', 'tls:[::]:7077', '--certificate', '/etc/maar/router.pem'],
  ['--key', '/etc/maar/router.key', '--authority', '/etc/maar/authority.pem'],
].flat();

function router(shell: Shell, config: string): Router {
  const made = new Router(shell);
  after(() => made.remove());
  made.record('config/maar', config);
  made.record('device.maar', 'br-maar\n');
  return made;
}

const settings = (calls: readonly Call[], name: string): Call[] =>
  calls.filter(([call, what]) => call === 'set' && what === name).map((call) => call.slice(2));

for (const { name, command } of SHELLS) {
  describe(`the init script under ${name}`, () => {
    test('as shipped, it starts nothing', (t) => {
      if (!hasTool(t, command[0], ...command.slice(1), '-c', ':')) return;
      const shipped = router(command, SHIPPED);
      assert.deepEqual(shipped.init('start'), []);
      assert.deepEqual(shipped.lines('log'), []);
    });

    test('it starts the agent and the watcher, again and again', () => {
      const calls = router(command, CONFIGURED).init('start');
      const found = commands(calls);
      assert.deepEqual(found.get('agent'), [...AGENT, ...TLS]);
      const watcher = ['/usr/libexec/maar-stations', '/var/run/maar/stations.sock', 'br-maar'];
      assert.deepEqual(found.get('stations'), watcher);
      assert.deepEqual(settings(calls, 'respawn'), [
        ['3600', '1', '0'],
        ['3600', '1', '0'],
      ]);
      assert.deepEqual(settings(calls, 'netdev'), [['br-maar']]);
      const files = ['/etc/maar/router.pem', '/etc/maar/router.key', '/etc/maar/authority.pem'];
      assert.deepEqual(settings(calls, 'file'), [files]);
    });

    test('every option reaches the command line', () => {
      const config = CONFIGURED.replace("core_mtu '1500'", "core_mtu '9000'")
        .replace("clamp_mss '0'", "clamp_mss 'on'")
        .replace("activity '0'", "activity 'yes'")
        .replace("bindings '1024'", "bindings '64'")
        .replace("address '::'", "address '2001:db8:0:1::1'")
        .replace("port '7077'", "port '8443'")
        .replace('router.pem', 'other one.crt');
      const made = router(command, config + SECOND_LINK);
      made.record('device.guests', 'phy1-ap0\n');
      const line = commands(made.init('start')).get('agent')!;
      const after = (word: string): string | undefined => line[line.indexOf(word) + 1];
      assert.equal(after('--core-mtu'), '9000');
      assert.equal(after('--bindings'), '64');
      assert.equal(after('--control'), 'tls:[2001:db8:0:1::1]:8443');
      assert.equal(after('--certificate'), '/etc/maar/other one.crt');
      assert.ok(line.includes('--clamp-mss') && line.includes('--activity'));
      assert.ok(line.includes('1=phy1-ap0,fe80::1,02:00:5e:10:00:00'));
    });

    test('control by a Unix socket or plain TCP is a choice of its own', () => {
      const by = (transport: string): string[] => {
        const config = CONFIGURED.replace("transport 'tls'", `transport '${transport}'`);
        return commands(router(command, config).init('start')).get('agent')!.slice(AGENT.length);
      };
      assert.deepEqual(by('unix'), ['--control', 'unix:/var/run/maar/control.sock']);
      assert.deepEqual(by('tcp'), ['--control', 'tcp:[::]:7077']);
    });

    test('what is missing or not valid starts nothing and is logged', () => {
      for (const [change, into, word] of [
        ["locator '2001:db8:0:1::1'", "locator ''", 'section router has no locator'],
        ["pool '2001:db8:11::/48'", "pool '2001:db8:11::/129'", 'section router has an option that is not'],
        ["core_mtu '1500'", "core_mtu '1279'", 'section router has an option that is not'],
        ["port '7077'", "port '0'", 'section control has an option that is not'],
        ["transport 'tls'", "transport 'quic'", 'section control has an option that is not'],
        ["link '0'", "link '255'", 'has an option that is not'],
        ["link_local 'fe80::1'", '', 'has no link_local'],
        ["mac '02:00:5e:10:00:00'", "mac '02:00:5e:10:00'", 'has an option that is not'],
        ["interface 'maar'", "interface 'elsewhere'", 'interface elsewhere has no device yet'],
      ] as const) {
        assert.ok(CONFIGURED.includes(change), change);
        const config = CONFIGURED.replace(into === '' ? `option ${change}` : change, into);
        const made = router(command, config);
        assert.deepEqual(made.init('start'), [], word);
        const log = made.lines('log');
        assert.equal(log.length, 1, log.join('\n'));
        assert.ok(
          log[0]!.startsWith('-p daemon.err -t maar not started: ') && log[0]!.includes(word),
          log[0],
        );
      }
    });

    test('a change of the configuration, or an interface that comes up, has it look again', () => {
      const calls = router(command, CONFIGURED + SECOND_LINK).init('triggers');
      const triggers = calls.filter(([call]) => call !== 'schema');
      const up = (interfaceName: string): Call => [
        'interface',
        'interface.*.up',
        interfaceName,
        '/etc/init.d/maar',
        'reload',
      ];
      assert.deepEqual(triggers, [['reload', 'maar'], up('maar'), up('guests')]);
      const types = calls
        .filter(([call, field]) => call === 'schema' && field === 'type')
        .map((call) => call[2]);
      assert.deepEqual(types, ['router', 'control', 'access']);
    });
  });
}

test('the agent takes the command lines of the init script', async (t) => {
  const built = await cargoBuild('maar-dp');
  if ('obstacle' in built) return missing(t, built.obstacle);
  const config = CONFIGURED.replace("clamp_mss '0'", "clamp_mss '1'").replace("activity '0'", "activity '1'");
  // In a network of its own, where it has no interface. 1: it cannot run there; 2: it cannot read its options.
  const run = (words: readonly string[]): number | null =>
    spawnSync('unshare', ['-rn', built.path, ...words], { timeout: 60_000 }).status;
  for (const transport of ['tls', 'unix', 'tcp']) {
    const made = router(SHELLS[0].command, config.replace("transport 'tls'", `transport '${transport}'`));
    const [, ...words] = commands(made.init('start')).get('agent')!;
    words.push('--state', made.path('state'));
    assert.equal(run(words), 1, words.join(' '));
    assert.equal(run([...words, '--fast']), 2);
  }
});
