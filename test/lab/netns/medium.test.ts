import assert from 'node:assert/strict';
import { test } from 'node:test';
import { startStream } from '../../../host/lab/netns/streams.ts';
import { TrafficProcess } from '../../../host/lab/netns/traffic.ts';
import { cutCoreLink } from '../../../host/lab/netns/topology.ts';
import { CN } from '../../../host/lab/plan.ts';
import type { Stream } from '../../../host/lab/lab.ts';
import { NEXT_HEADER } from '../../../host/wire/ipv6.ts';
import { STATIC_ADDRESS, hasNetns, plainDomain } from './support.ts';
import type { PlainDomain } from './support.ts';

const INTERVAL = 5;
const GAP = 200;
/** Where a datagram of a stream has its number: behind the headers of IPv6 and UDP. */
const SEQUENCE_AT = 48;

function uplink({ sandbox, captures, start }: PlainDomain): Promise<Stream> {
  return startStream(
    { name: 'uplink', from: 'A', to: 'cn', kind: 'udp', intervalMs: INTERVAL },
    {
      id: 0,
      from: { address: STATIC_ADDRESS, traffic: new TrafficProcess(sandbox, 'A', start) },
      to: { address: CN.address, traffic: new TrafficProcess(sandbox, 'cn', start) },
      captured: () => captures.packets(),
    },
  );
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

async function dropsByReversePath({ sandbox }: PlainDomain): Promise<number> {
  const text = await sandbox.shell('core').run('nft -j list counter inet lab reverse-path');
  return Number(/"packets": (\d+)/.exec(text)?.[1]);
}

/** When the datagrams of the uplink passed a link, by their numbers. */
async function datagrams(
  { captures }: PlainDomain,
  link: string,
  sender: string,
): Promise<Map<number, number>> {
  const packets = (await captures.packets()).filter(
    (packet) => packet.link === link && packet.sender === sender && packet.data[6] === NEXT_HEADER.udp,
  );
  return new Map(packets.map(({ data, at }) => [Buffer.from(data).readUInt32BE(SEQUENCE_AT), at]));
}

test('a silent move loses what is sent while there is no link, and nobody is told', async (t) => {
  if (!hasNetns(t)) return;
  const domain = await plainDomain(t);
  const { sandbox, medium } = domain;
  const stream = await uplink(domain);
  await sleep(500);
  const carrier = 'cat /sys/class/net/eth0/carrier_changes';
  const before = await sandbox.shell('A').run(carrier);
  // The core would drop what comes from a2 with a source of a1's pool.
  await sandbox.shell('core').run(`ip route replace ${STATIC_ADDRESS}/128 via fe80::2 dev a2`);
  const begun = performance.now();
  await medium.move('A', 'a2', 'silent', GAP);
  const taken = performance.now() - begun;
  await sleep(500);
  assert.equal(await sandbox.shell('A').run(carrier), before, 'carrier changes at the host');
  const { sent, received, lost, duplicated, reordered } = await stream.finish();
  assert.equal(received + lost, sent);
  assert.deepEqual([duplicated, reordered], [0, 0]);
  const left = await datagrams(domain, 'host-A', 'A');
  const arrived = await datagrams(domain, 'core-cn', 'core');
  const numbers = [...arrived.keys()].sort((one, other) => one - other);
  const steps = numbers.slice(1).map((next, index) => ({ last: numbers[index]!, next }));
  const leaps = steps.filter(({ last, next }) => next > last + 1);
  assert.equal(lost, leaps[0] === undefined ? 0 : leaps[0].next - leaps[0].last - 1, 'all at once');
  // By when they left: a sender that is held up makes up for it later, so that their number says nothing.
  const away = Math.max(...steps.map(({ last, next }) => left.get(next)! - left.get(last)!));
  assert.ok(away >= GAP, `nothing of ${away} ms came through: as long as there was no link`);
  for (const { last, next } of leaps) {
    const spread = left.get(next - 1)! - left.get(last + 1)!;
    assert.ok(spread <= taken, `lost for ${spread} ms: only while there was no link, of ${taken} ms`);
  }
});

test('a carrier move flaps the host and takes carrier from one MAAR to the other', async (t) => {
  if (!hasNetns(t)) return;
  const { sandbox, medium } = await plainDomain(t);
  const changes = async (): Promise<number> =>
    Number(await sandbox.shell('A').run('cat /sys/class/net/eth0/carrier_changes'));
  const carrierAt = async (maar: string): Promise<string> =>
    (await sandbox.shell(maar).run('cat /sys/class/net/port-A/carrier')).trim();
  assert.deepEqual([await carrierAt('a1'), await carrierAt('a2')], ['1', '0']);
  const before = await changes();
  await medium.move('A', 'a2', 'carrier', 50);
  assert.equal((await changes()) - before, 2, 'down and up');
  assert.deepEqual([await carrierAt('a1'), await carrierAt('a2')], ['0', '1']);
  assert.match(await sandbox.shell('A').run('ip -6 address show dev eth0'), /2001:db8:11::a/);
  await medium.leave('A');
  assert.equal(await carrierAt('a2'), '0');
});

test("an administrative move flushes the host's addresses", async (t) => {
  if (!hasNetns(t)) return;
  const { sandbox, medium } = await plainDomain(t);
  await medium.move('A', 'a2', 'admin', 50);
  assert.doesNotMatch(await sandbox.shell('A').run('ip -6 address show dev eth0'), /2001:db8:11::a/);
});

test('the core drops and counts packets that come from where their source is not routed to', async (t) => {
  if (!hasNetns(t)) return;
  const domain = await plainDomain(t);
  const { sandbox, medium } = domain;
  await sandbox.shell('A').run(`ping -c 1 -W 10 ${CN.address}`);
  assert.equal(await dropsByReversePath(domain), 0);
  await medium.move('A', 'a2', 'silent', 0);
  await assert.rejects(sandbox.shell('A').run(`ping -c 2 -i 0.1 -W 1 ${CN.address}`));
  assert.equal(await dropsByReversePath(domain), 2);
});

test('every link that a packet crosses shows it, with its sender', async (t) => {
  if (!hasNetns(t)) return;
  const { sandbox, captures } = await plainDomain(t);
  await sandbox.shell('A').run(`ping -c 1 -s 99 -W 10 ${CN.address}`);
  // As by streams that end together: each request is owed an answer.
  const asked = Array.from({ length: 50 }, () => captures.packets());
  const seen = (await Promise.all(asked))[0]!.filter(({ data }) => data.length === 40 + 8 + 99);
  assert.deepEqual(
    seen.map(({ link, sender }) => [link, sender]),
    [
      ['host-A', 'A'],
      ['access-a1', 'A'],
      ['core-a1', 'a1'],
      ['core-cn', 'core'],
      ['core-cn', 'cn'],
      ['core-a1', 'core'],
      ['access-a1', 'a1'],
      ['host-A', undefined],
    ],
  );
  assert.equal(captures.lost, 0);
});

test('a transfer that lost packets on the way still arrives whole', async (t) => {
  if (!hasNetns(t)) return;
  const { sandbox, captures, medium, start } = await plainDomain(t);
  const stream = await startStream(
    { name: 'bulk', from: 'A', to: 'cn', kind: 'tcp', bytes: 3_000_000 },
    {
      id: 0,
      from: { address: STATIC_ADDRESS, traffic: new TrafficProcess(sandbox, 'A', start) },
      to: { address: CN.address, traffic: new TrafficProcess(sandbox, 'cn', start) },
      captured: () => captures.packets(),
    },
  );
  await medium.leave('A');
  await sleep(100);
  await medium.move('A', 'a1', 'carrier', 0);
  const { intact, sent, received } = await stream.finish();
  assert.equal(intact, true);
  // Of at most 1,428 octets of payload each: no super-frames, which would make these counts meaningless.
  assert.ok(received >= 3_000_000 / 1_428, `${received} segments`);
  assert.ok(sent >= received);
});

test('a cut MAAR is out of reach on all its links, and back as it was', async (t) => {
  if (!hasNetns(t)) return;
  const { sandbox, medium } = await plainDomain(t);
  const reached = async (seconds: number): Promise<boolean[]> => {
    const reaches = async (netns: string, address: string): Promise<boolean> => {
      const ping = `ping -c 1 -W ${seconds} ${address} >/dev/null && echo yes || echo no`;
      return (await sandbox.shell(netns).run(ping)) === 'yes\n';
    };
    return [await reaches('A', 'fe80::1%eth0'), await reaches('a2', '2001:db8:0:1::1')];
  };
  assert.deepEqual(await reached(10), [true, true]);
  await cutCoreLink(sandbox, 'a1', true);
  await medium.partition('a1', true);
  assert.deepEqual(await reached(1), [false, false]);
  assert.equal((await sandbox.shell('a1').run('cat /sys/class/net/port-A/carrier')).trim(), '1');
  await cutCoreLink(sandbox, 'a1', false);
  await medium.partition('a1', false);
  assert.deepEqual(await reached(10), [true, true]);
});
