import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import type { StreamEvent } from '../../host/core/machine.ts';
import { Scheduler } from '../../host/sim/scheduler.ts';
import { StreamFabric } from '../../host/sim/streams.ts';
import type { StreamNode } from '../../host/sim/streams.ts';

const DELAY = 10;
const PORT = 3868;

class Node implements StreamNode {
  readonly name: string;
  readonly address: string;
  readonly listens: number | undefined;
  running = true;
  readonly log: string[] = [];
  readonly #scheduler: Scheduler;
  last = '';

  constructor(name: string, address: string, scheduler: Scheduler, listens?: number) {
    this.name = name;
    this.address = address;
    this.#scheduler = scheduler;
    this.listens = listens;
  }

  streamEvent(event: StreamEvent): void {
    this.last = event.stream;
    const detail =
      event.type === 'stream.data'
        ? new TextDecoder().decode(event.data)
        : event.type === 'stream.closed'
          ? event.reason
          : event.remote;
    this.log.push(`${this.#scheduler.now} ${event.type.slice(7)} ${detail}`);
  }
}

function setup(): {
  scheduler: Scheduler;
  fabric: StreamFabric;
  maar: Node;
  aaa: Node;
  path: { up: boolean };
  losses: boolean[];
} {
  const scheduler = new Scheduler(() => setImmediate());
  const path = { up: true };
  /** Fate of the next segments on each link: true loses one. */
  const losses: boolean[] = [];
  const fabric = new StreamFabric(scheduler, {
    path: () => ({ delay: DELAY, up: path.up }),
    offer: () => losses.shift() !== true,
  });
  const maar = new Node('a1', '2001:db8::1', scheduler);
  const aaa = new Node('aaa', '2001:db8::a', scheduler, PORT);
  fabric.register(maar);
  fabric.register(aaa);
  return { scheduler, fabric, maar, aaa, path, losses };
}

const text = (value: string): Uint8Array => new TextEncoder().encode(value);

test('a stream opens after one round trip and carries bytes in order', async () => {
  const { scheduler, fabric, maar, aaa } = setup();
  fabric.open(maar, 's', aaa.address, PORT);
  await scheduler.sleep(20);
  fabric.send(maar, 's', text('one'));
  fabric.send(maar, 's', text('two'));
  await scheduler.sleep(11);
  fabric.send(aaa, aaa.last, text('answer'));
  await scheduler.sleep(11);
  assert.deepEqual(maar.log, ['20 opened 2001:db8::a', '41 data answer']);
  assert.deepEqual(aaa.log, ['30 opened 2001:db8::1', '30 data one', '30 data two']);
});

test('nobody listens: refused; a cut path: timed out', async () => {
  const { scheduler, fabric, maar, aaa, path } = setup();
  fabric.open(maar, 'wrong port', aaa.address, 1);
  aaa.running = false;
  fabric.open(maar, 'down', aaa.address, PORT);
  path.up = false;
  fabric.open(maar, 'cut', aaa.address, PORT);
  await scheduler.sleep(6000);
  assert.deepEqual(maar.log, [
    '20 closed connection refused',
    '20 closed connection refused',
    '5000 closed timed out',
  ]);
});

test('bytes wait out a short cut, in order, and a long one ends the stream', async () => {
  const { scheduler, fabric, maar, aaa, path } = setup();
  fabric.open(maar, 's', aaa.address, PORT);
  await scheduler.sleep(100);
  fabric.send(maar, 's', text('in flight'));
  await scheduler.sleep(5);
  path.up = false;
  fabric.send(maar, 's', text('while cut'));
  await scheduler.sleep(1000);
  path.up = true;
  fabric.send(maar, 's', text('after'));
  await scheduler.sleep(500);
  assert.deepEqual(
    aaa.log.slice(1).map((line) => line.replace(/^\d+ /, '')),
    ['data in flight', 'data while cut', 'data after'],
  );
  path.up = false;
  fabric.send(maar, 's', text('never'));
  await scheduler.sleep(6000);
  assert.match(maar.log.at(-1)!, /closed timed out/);
  // The listener does not know, until it sends.
  assert.doesNotMatch(aaa.log.at(-1)!, /closed/);
  path.up = true;
  fabric.send(aaa, aaa.last, text('anybody there?'));
  await scheduler.sleep(100);
  assert.match(aaa.log.at(-1)!, /closed connection reset/);
});

test('an orderly close delivers what was sent before; a dead node resets', async () => {
  const { scheduler, fabric, maar, aaa } = setup();
  fabric.open(maar, 's', aaa.address, PORT);
  fabric.open(maar, 't', aaa.address, PORT);
  await scheduler.sleep(100);
  fabric.send(maar, 's', text('last words'));
  fabric.close(maar, 's');
  await scheduler.sleep(11);
  assert.deepEqual(aaa.log.slice(2), ['110 data last words', '110 closed end of stream']);
  maar.running = false;
  fabric.reset(maar);
  await scheduler.sleep(11);
  assert.equal(aaa.log.at(-1), '121 closed connection reset');
  assert.equal(maar.log.length, 2);
});

test('segments that a fault takes off a link are sent again, and those behind them wait', async () => {
  const { scheduler, fabric, maar, aaa, losses } = setup();
  fabric.open(maar, 's', aaa.address, PORT);
  await scheduler.sleep(100);
  for (const lost of [[true], [false, false, true]]) {
    losses.push(...lost);
    for (const word of ['one', 'two', 'three']) fabric.send(maar, 's', text(word));
    await scheduler.sleep(1000);
  }
  assert.deepEqual(
    aaa.log.slice(1).map((line) => line.replace(/^\d+ data /, '')),
    ['one', 'two', 'three', 'one', 'two', 'three'],
  );
  assert.match(aaa.log[1]!, /^310 /);
});
