import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Maar } from '../../../host/core/maar.ts';
import type { MaarEvent } from '../../../host/core/maar-io.ts';
import { emitFrame } from '../../../host/wire/ethernet.ts';
import { NEXT_HEADER } from '../../../host/wire/ipv6.ts';
import { testConfig } from '../../support/maar-config.ts';

const STATION = '02:00:00:00:00:0a';
const OWN = testConfig().links[0]!;

function started(): Maar {
  const maar = new Maar(testConfig(), () => 0.5);
  maar.step({ type: 'start' }, 0);
  return maar;
}

function frame(srcMac: string, src: string): MaarEvent {
  const fields = {
    srcMac,
    dstMac: OWN.mac,
    src,
    dst: '2001:db8:99::1',
    hopLimit: 64,
    nextHeader: NEXT_HEADER.udp,
  };
  return { type: 'frame', link: 0, port: 'p', data: emitFrame({ ...fields, payload: new Uint8Array(8) }) };
}

function port(up: boolean): MaarEvent {
  return { type: 'port', link: 0, port: 'p', up };
}

function attached(maar: Maar, now: number): boolean {
  return maar.view(now).nodes.length > 0;
}

for (const [what, loop] of [
  ['our own MAC', frame(OWN.mac, '2001:db8:12:1::a')],
  ['our own address', frame('02:00:00:00:00:0b', OWN.linkLocal)],
] as const) {
  test(`a port that hears ${what} is disabled until it has been down`, () => {
    const maar = started();
    maar.step(loop, 1);
    maar.step(frame(STATION, '2001:db8:12:1::a'), 2);
    assert.equal(attached(maar, 2), false);
    assert.equal(maar.view(2).counters['port-looped'], 1);
    maar.step(port(false), 3);
    maar.step(port(true), 4);
    maar.step(frame(STATION, '2001:db8:12:1::a'), 5);
    assert.equal(attached(maar, 5), true);
  });
}

test('a frame that was queued when its port went down is no sign of presence', () => {
  const maar = started();
  maar.step(port(false), 1);
  maar.step(frame(STATION, '2001:db8:12:1::a'), 2);
  assert.equal(attached(maar, 2), false);
  assert.equal(maar.view(2).counters['frame-port-down'], 1);
  maar.step(frame(STATION, '2001:db8:12:1::a'), 500);
  assert.equal(attached(maar, 500), true);
});

test('a leaving that is announced for nobody is answered at once', () => {
  const effects = started().step({ type: 'leaving', link: 0, port: 'p', mac: STATION }, 1);
  assert.deepEqual(effects, [{ type: 'buffering', mac: STATION }]);
});
