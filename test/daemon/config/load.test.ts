import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { aaaSchema } from '../../../host/daemon/config/aaa.ts';
import { formatFaults, loadConfig } from '../../../host/daemon/config/load.ts';

const GOOD = `
originHost = "aaa.example.org"
originRealm = "example.org"
database = "registrations.db"
[[listen]]
address = "2001:0db8::0001"
[[peer]]
host = "maar1.example.org"
role = "maar"
[[subscriber]]
mnId = "02:00:00:*@example.org"
`;

function load(t: TestContext, text: string) {
  const folder = mkdtempSync(join(tmpdir(), 'maar-config-'));
  t.after(() => rmSync(folder, { recursive: true }));
  writeFileSync(join(folder, 'aaa.toml'), text);
  return loadConfig(join(folder, 'aaa.toml'), aaaSchema);
}

test('a good file is completed with defaults and canonical addresses', (t) => {
  const config = load(t, GOOD);
  assert.ok(config.ok);
  assert.deepEqual(config.value.listen, [{ address: '2001:db8::1', port: 3868 }]);
  assert.deepEqual(
    [config.value.vendorId, config.value.holdSeconds, config.value.subscriber[0]?.allowed],
    [32473, 10, true],
  );
});

test('every fault is told with its key, its value and what would be right', (t) => {
  const config = load(
    t,
    GOOD.replace('2001:0db8::0001', '192.0.2.1')
      .replace('role = "maar"', 'role = "mag"\nweight = 3')
      .replace('originRealm = "example.org"', 'holdSeconds = -1'),
  );
  assert.ok(!config.ok);
  const told = config.faults.map(({ key, value }) => [key, value]);
  assert.deepEqual(
    told.toSorted((a, b) => String(a[0]).localeCompare(String(b[0]))),
    [
      ['holdSeconds', -1],
      ['listen[0].address', '192.0.2.1'],
      ['originRealm', undefined],
      ['peer[0].role', 'mag'],
      ['peer[0].weight', 3],
    ],
  );
  const text = formatFaults(config.faults);
  assert.match(text, /aaa\.toml: listen\[0\]\.address = "192\.0\.2\.1": must be an IPv6 address, like/);
  assert.match(text, /aaa\.toml: originRealm: must be the realm that it serves, like/);
});

test('a file that is no TOML is told with line and column; an absent one by name', (t) => {
  const config = load(t, 'originHost = "a"\nname = = 3\n');
  assert.ok(!config.ok);
  assert.match(formatFaults(config.faults), /aaa\.toml: line 2, column \d+ = "name = = 3": /);
  const absent = loadConfig('/nonexistent/aaa.toml', aaaSchema);
  assert.ok(!absent.ok);
  assert.match(formatFaults(absent.faults), /^\/nonexistent\/aaa\.toml: must be a readable file: ENOENT/);
});
