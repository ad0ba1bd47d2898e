import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import type { StreamEvent } from '../../host/core/machine.ts';
import { Streams } from '../../host/io/streams.ts';

/** Streams whose events can be awaited in order. */
function watched(t: TestContext): { readonly streams: Streams; readonly next: () => Promise<StreamEvent> } {
  const events: StreamEvent[] = [];
  const waiting: ((event: StreamEvent) => void)[] = [];
  const streams = new Streams((event) => {
    const taker = waiting.shift();
    if (taker === undefined) events.push(event);
    else taker(event);
  }, '::1');
  t.after(() => streams.close());
  return {
    streams,
    next: () => {
      const event = events.shift();
      return event === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(event);
    },
  };
}

test('octets pass both ways, and what was sent before a close arrives', async (t) => {
  const [a, b] = [watched(t), watched(t)];
  const port = await b.streams.listen('::1', 0, 'in/');
  a.streams.handle({ type: 'stream.open', stream: 'out', host: '::1', port });
  assert.equal((await a.next()).type, 'stream.opened');
  const opened = await b.next();
  assert.deepEqual([opened.type, opened.stream], ['stream.opened', 'in/1']);
  a.streams.handle({ type: 'stream.send', stream: 'out', data: Uint8Array.of(1, 2, 3) });
  a.streams.handle({ type: 'stream.close', stream: 'out' });
  const data = await b.next();
  assert.deepEqual(data.type === 'stream.data' && [...data.data], [1, 2, 3]);
  assert.equal((await b.next()).type, 'stream.closed');
});

test('a refused connection is a closed stream with the reason', async (t) => {
  const [a, b] = [watched(t), watched(t)];
  const port = await b.streams.listen('::1', 0, 'in/');
  b.streams.close();
  a.streams.handle({ type: 'stream.open', stream: 'out', host: '::1', port });
  const event = await a.next();
  assert.ok(event.type === 'stream.closed');
  assert.match(event.reason, /ECONNREFUSED/);
});

test('a peer that stops reading is cut off at the budget', async (t) => {
  const { streams, next } = watched(t);
  const port = await streams.listen('::1', 0, 'in/');
  const lazy = connect({ host: '::1', port }).pause();
  t.after(() => lazy.destroy());
  assert.equal((await next()).type, 'stream.opened');
  const block = new Uint8Array(1 << 18);
  for (let sent = 0; sent < 128; sent++) {
    streams.handle({ type: 'stream.send', stream: 'in/1', data: block });
    await new Promise(setImmediate);
  }
  const event = await next();
  assert.ok(event.type === 'stream.closed');
  assert.match(event.reason, /unread/);
});

test('an address that cannot be bound is an error', async (t) => {
  await assert.rejects(watched(t).streams.listen('2001:db8::1', 0, 'in/'), /EADDRNOTAVAIL/);
});
