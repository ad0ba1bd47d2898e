import assert from 'node:assert/strict';
import { test } from 'node:test';
import { close, eventfd, write } from '../../../host/io/ffi.ts';
import { EFD } from '../../../host/io/linux.ts';
import { PollSet } from '../../../host/io/worker/poll-set.ts';

const ONE = new Uint8Array(new BigUint64Array([1n]).buffer);

test('what one handler takes out of the set is not read, though it was readable too', () => {
  const [message, port] = [eventfd(EFD.cloexec), eventfd(EFD.cloexec)];
  const polled = new PollSet();
  const called: string[] = [];
  polled.add(message, () => {
    called.push('message');
    polled.remove(port);
    close(port);
  });
  polled.add(port, () => called.push('port'));
  for (const fd of [message, port]) write(fd, ONE, 'eventfd');
  polled.wait(0);
  assert.deepEqual(called, ['message']);
  close(message);
});
