import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CTA, IPCTNL, NFNL } from '../../host/io/netlink/constants.ts';
import { MessageWriter } from '../../host/io/netlink/message.ts';
import { FlowRecorder } from '../../host/io/worker/flow-recorder.ts';
import { addressBytes } from '../../host/wire/address.ts';

const POOL = '2001:db8:11::/48';
const LOCAL = '2001:db8:11:1::10';
const FOREIGN = '2001:db8:12:1::10';
const REMOTE = '2001:db8:c0::2';

/** A conntrack event as the kernel lays it out. */
function event(src: string, dst: string, family = 10): Uint8Array {
  return new MessageWriter((NFNL.conntrack << 8) | IPCTNL.new, 0, Uint8Array.of(family, 0, 0, 0))
    .nested(CTA.tupleOrig, (tuple) =>
      tuple.nested(CTA.tupleIp, (ip) =>
        ip.attribute(CTA.ipv6Src, addressBytes(src)).attribute(CTA.ipv6Dst, addressBytes(dst)),
      ),
    )
    .finish(0);
}

test('a pair is told once for a burst, and again after silence', () => {
  const recorder = new FlowRecorder(POOL);
  const flow = { kind: 'flow', src: LOCAL, dst: REMOTE };
  assert.deepEqual(recorder.read(event(LOCAL, REMOTE), 0), [flow]);
  assert.deepEqual(recorder.read(event(LOCAL, REMOTE), 900), []);
  assert.deepEqual(recorder.read(event(LOCAL, REMOTE), 1800), []);
  assert.deepEqual(recorder.read(event(LOCAL, REMOTE), 2801), [flow]);
  assert.deepEqual(recorder.read(event(REMOTE, LOCAL), 2802), [{ kind: 'flow', src: REMOTE, dst: LOCAL }]);
});

test('pairs count that have an end in the pool or behind a deliver entry', () => {
  const recorder = new FlowRecorder(POOL);
  const told = (): number => recorder.read(event(REMOTE, FOREIGN), (now += 10_000)).length;
  let now = 0;
  assert.equal(told(), 0);
  const prefix = '2001:db8:12:1::/64';
  recorder.applied([
    { op: 'put', entry: { kind: 'deliver', prefix, link: 0, nextHop: 'fe80::a', mac: '02:00:5e:10:01:0a' } },
  ]);
  assert.equal(told(), 1);
  recorder.applied([{ op: 'put', entry: { kind: 'tunnel', prefix, locator: '2001:db8::2' } }]);
  assert.equal(told(), 0);
});

test('IPv4, other subsystems and cut messages are passed over', () => {
  const recorder = new FlowRecorder(POOL);
  assert.deepEqual(recorder.read(event(LOCAL, REMOTE, 2), 0), []);
  const whole = event(LOCAL, REMOTE);
  for (let length = 0; length < whole.length; length++) {
    assert.deepEqual(recorder.read(whole.subarray(0, length), 0), []);
  }
});
