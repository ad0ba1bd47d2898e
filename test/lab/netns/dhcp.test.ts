import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { createNetnsLab } from '../../../host/lab/netns/netns-lab.ts';
import type { NetnsLab } from '../../../host/lab/netns/netns-lab.ts';
import { netnsObstacle } from '../../../host/lab/netns/sandbox.ts';
import { maarPool } from '../../../host/lab/plan.ts';
import { defaultScheme } from '../../../host/schemes/registry.ts';
import { contains } from '../../../host/wire/address.ts';
import { missing } from '../../support/tools.ts';

/** Renewal comes after half of the preferred lifetime. */
const POOL = { mode: 'stateful', preferredSeconds: 10, validSeconds: 120 } as const;
const PATIENCE = 40_000;

/** What a distribution's script does with an address, and nothing to the files of the machine. */
const SCRIPT = `#!/bin/sh
[ -z "$new_ip6_address" ] || ip -6 address replace "$new_ip6_address/128" dev "$interface" \\
  preferred_lft "$new_preferred_life" valid_lft "$new_max_life"
`;

/** It gives up at once where its link-local address is still tentative. */
const READY = 'until ip -6 -o address show dev eth0 scope link -tentative | grep -q .; do sleep 0.2; done';

/** The DHCPv6 client of ISC on a host, with the memory of earlier runs; what it says is in `said`. */
class Client {
  readonly said: string[] = [];
  readonly #process: ChildProcess;

  constructor(lab: NetnsLab) {
    const { inside, outside } = lab.directory;
    writeFileSync(join(outside, 'dhclient-script'), SCRIPT, { mode: 0o755 });
    const files = ['-lf', 'leases', '-pf', 'pid', '-sf', 'dhclient-script'];
    const paths = files.map((file) => (file.startsWith('-') ? file : join(inside, file)));
    const argv = ['dhclient', '-6', '-d', '-v', '-cf', '/dev/null', ...paths, 'eth0'];
    this.#process = lab.launch('A', ['sh', '-c', `${READY}; exec "$@"`, 'sh', ...argv]);
    for (const stream of [this.#process.stdout!, this.#process.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => this.said.push(text));
    }
  }

  async kill(): Promise<void> {
    const ended = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await ended;
  }
}

test("ISC's client gets an address, keeps it through a move, and gets another where it then is", async (t) => {
  const absent = spawnSync('dhclient', ['--version'], {
    env: { PATH: `${process.env['PATH']}:/usr/sbin:/sbin` },
  }).error;
  const obstacle = absent === undefined ? netnsObstacle() : 'dhclient';
  if (obstacle !== undefined) {
    missing(t, obstacle);
    return;
  }
  const lab = await createNetnsLab({ scheme: defaultScheme, seed: 1, pool: POOL });
  let client: Client | undefined;
  const from = async (maar: 'a1' | 'a2'): Promise<{ address: string; deprecated: boolean }[]> =>
    (await lab.addresses('A')).filter(
      ({ address, tentative }) => !tentative && contains(maarPool(maar), address),
    );
  try {
    await lab.move('A', 'a1');
    client = new Client(lab);
    await lab.until('A has an address of a1', PATIENCE, async () => (await from('a1')).length > 0);
    const [first] = await from('a1');
    const session = { name: 'ping', kind: 'ping', from: 'A', to: 'cn', fromAddress: first!.address } as const;
    const ping = await lab.stream(session);
    await lab.sleep(1_000);
    await lab.move('A', 'a2');
    // The client's script is run for one address after the other.
    await lab.until(
      'A has an address of a2, and prefers it',
      PATIENCE,
      async () => (await from('a2')).length > 0 && (await from('a1')).every(({ deprecated }) => deprecated),
    );
    const second = await from('a2');
    assert.equal(second.length, 1, 'the host forms no address of its own');
    assert.equal(second[0]!.deprecated, false);
    assert.deepEqual(await from('a1'), [{ ...first, deprecated: true, tentative: false }]);
    assert.match(client.said.join(''), /XMT: Renew[^]*RCV: Reply/);
    await client.kill();
    client = new Client(lab);
    await lab.until('the client has confirmed both', PATIENCE, () =>
      client!.said.join('').includes('Success'),
    );
    assert.match(client.said.join(''), /(?:XMT:.*Confirm Address[^]*){2}RCV: Reply/);
    const again = await lab.stream({ ...session, name: 'again' });
    await lab.sleep(1_000);
    for (const { spec, sent, received } of [await ping.finish(), await again.finish()]) {
      assert.ok(received > sent / 2, `${spec.name}: ${received} of ${sent}`);
    }
    const { counters } = (await lab.show('a2')).maar;
    assert.equal(counters['dhcp-other-server'] ?? 0, 0, 'one server of all MAARs');
  } catch (error) {
    throw new Error(client?.said.join(''), { cause: error });
  } finally {
    await lab.close();
  }
});
