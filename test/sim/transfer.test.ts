import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { AccessLink } from '../../host/sim/access-link.ts';
import { Host } from '../../host/sim/host/host.ts';
import { Transfer } from '../../host/sim/host/transfer.ts';
import { seededRandom } from '../../host/sim/random.ts';
import { Scheduler } from '../../host/sim/scheduler.ts';
import { Taps } from '../../host/sim/taps.ts';
import { linkLocalOf } from '../../host/wire/address.ts';

const NOBODY = { address: 'fe80::1', mac: '02:00:00:00:00:01' };

/** Two hosts on one lossy segment, by their link-local addresses. */
function setup(loss: number) {
  const scheduler = new Scheduler(() => setImmediate());
  const taps = new Taps(
    () => scheduler.now,
    () => undefined,
  );
  const medium = { scheduler, taps, random: seededRandom(5, 'links'), delay: 10, loss };
  const segment = new AccessLink('segment', medium, { name: 'router', receiveFrame: () => undefined });
  const end = (name: string, mac: string, port: number) => {
    const host = new Host({ name, mac, aware: false }, scheduler, seededRandom(5, name), taps);
    segment.plug(name, host);
    host.plug({ peer: 'segment', transmit: (frame) => segment.fromStation(name, frame) });
    host.configure(`2001:db8::${port}`, NOBODY);
    host.setCarrier(true);
    return { host, address: linkLocalOf(mac), port };
  };
  return {
    scheduler,
    taps,
    from: end('A', '02:00:00:00:00:0a', 1000),
    to: end('B', '02:00:00:00:00:0b', 2000),
  };
}

const random = seededRandom(9, 'data');
const DATA = Uint8Array.from({ length: 300_000 }, () => random() * 256);

for (const loss of [0, 0.02, 0.2]) {
  test(`octets arrive whole and in order over a link that loses ${100 * loss} %`, async () => {
    const { scheduler, from, to } = setup(loss);
    const transfer = new Transfer(from, to, DATA, scheduler);
    await scheduler.until('the end of the transfer', 1_800_000, () => transfer.finished);
    assert.deepEqual(transfer.received, DATA);
    if (loss === 0) assert.equal(transfer.duplicates, 0);
  });
}

test('a transfer outlives a silence and is not finished by half its octets', async () => {
  const { scheduler, from, to } = setup(0);
  const transfer = new Transfer(from, to, DATA, scheduler, 20);
  await scheduler.sleep(1000);
  to.host.setCarrier(false);
  const before = transfer.receivedOctets;
  assert.ok(before > 0 && before < DATA.length);
  await scheduler.sleep(3000);
  assert.equal(transfer.receivedOctets, before);
  assert.equal(transfer.finished, false);
  to.host.setCarrier(true);
  await scheduler.until('the end of the transfer', 60_000, () => transfer.finished);
  assert.deepEqual(transfer.received, DATA);
});

test('the retransmission timer backs off', async () => {
  const { scheduler, taps, from, to } = setup(0);
  const transfer = new Transfer(from, to, DATA, scheduler, 20);
  await scheduler.sleep(1000);
  to.host.setCarrier(false);
  await scheduler.sleep(20_000);
  transfer.abort();
  const sent = taps.packets.filter(({ link, at, data }) => link === 'host-A' && at > 2000 && data[6] === 6);
  const pauses = sent.slice(1).map(({ at }, index) => at - sent[index]!.at);
  assert.ok(pauses.length >= 3, `${pauses.length} pauses`);
  for (const [index, pause] of pauses.slice(1).entries()) {
    assert.ok(Math.abs(pause / pauses[index]! - 2) < 0.01, `pauses ${pauses.join(', ')}`);
  }
});
