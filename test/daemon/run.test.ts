import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { namespaced } from '../io/support/namespace.ts';

const MAIN = fileURLToPath(new URL('../../host/daemon/main.ts', import.meta.url));
const FILE = '/run/maar.toml';

function maar(command: string): { code: number | null; lines: string[] } {
  const { status, stderr } = spawnSync(process.execPath, [MAIN, command, '--config', FILE], {
    encoding: 'utf8',
  });
  return { code: status, lines: stderr.trim().split('\n') };
}

namespaced(import.meta.url, () => {
  test('what the machine lacks is said in one line each, exit code 2', () => {
    writeFileSync(
      FILE,
      `
        name = "a1"
        address = "2001:db8:0:1::1"
        mnRealm = "mn.example.org"
        core = { interface = "absent0" }
        dataplane = { engine = "wasmtime-cli", wasmtime = "/bin/true" }
        access = [{ interface = "absent1", linkLocal = "fe80::1", mac = "02:00:5e:10:00:00" }]
        pool = { prefix = "2001:db8:11::/48" }
        [aaa]
        originHost = "a1.example.org"
        originRealm = "example.org"
        destinationRealm = "example.org"
        server = [{ name = "aaa.example.org", address = "2001:db8::aaa" }]
      `,
    );
    for (const command of ['check', 'run']) {
      const { code, lines } = maar(command);
      assert.equal(code, 2);
      assert.deepEqual(lines, [
        `${FILE}: core.interface = "absent0": must be an interface of this machine`,
        `${FILE}: access[0].interface = "absent1": must be an interface of this machine`,
        `${FILE}: address = "2001:db8:0:1::1": must be set on an interface of this machine`,
        `${FILE}: dataplane.wasmtime = "/bin/true": must be the program wasmtime`,
      ]);
    }
  });
});
