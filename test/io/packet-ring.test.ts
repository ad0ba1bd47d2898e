import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FrameSender, PacketRing } from '../../host/io/packet-ring.ts';
import { namespaced, sh, until } from './support/namespace.ts';

const FRAMES = 100;
const HELD_UP_MS = 600;

namespaced(import.meta.url, () => {
  test('a reader that is held up loses no frame, few as they are', async () => {
    // "here" last: an end that is up before the other one drops what is sent until the kernel has taken note of its carrier.
    sh(`
      ip link add here type veth peer name there
      for name in there here; do sysctl -qw net.ipv6.conf.$name.disable_ipv6=1; ip link set $name up; done
    `);
    const ring = new PacketRing();
    const sender = new FrameSender('here');
    const frame = Uint8Array.of(
      ...Buffer.from('02005e100001', 'hex'),
      ...Buffer.from('02005e100002', 'hex'),
      0x88,
      0xb5,
      0,
      0,
    );
    for (let sent = 0; sent < FRAMES; sent++) {
      frame[15] = sent;
      sender.send(frame);
      await new Promise((resolve) => setTimeout(resolve, HELD_UP_MS / FRAMES));
    }
    const seen: number[] = [];
    await until('all of them', () => {
      ring.drain(({ data, outgoing }) => {
        if (!outgoing) seen.push(data[15]!);
      });
      return ring.lost() > 0 || seen.length === FRAMES;
    });
    assert.deepEqual(
      seen,
      Array.from({ length: FRAMES }, (_, index) => index),
    );
  });
});
