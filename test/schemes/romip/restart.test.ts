import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Lab, LabOptions, MaarName, Stream } from '../../../host/lab/lab.ts';
import { assertWholeFrom, openPair } from './support.ts';

/** `A` has been at a1 and is at a2 now, and only receives: one stream for each of its two homes. */
async function receiving(
  options: Partial<LabOptions> = {},
): Promise<{ lab: Lab; first: Stream; second: Stream }> {
  const lab = await openPair({ seed: 3, ...options });
  const first = await lab.stream({ name: 'first', kind: 'udp', from: 'B', to: 'A', intervalMs: 20 });
  await lab.sleep(500);
  await lab.move('A', 'a2');
  await lab.sleep(6_000);
  const second = await lab.stream({ name: 'second', kind: 'udp', from: 'B', to: 'A', intervalMs: 20 });
  await lab.sleep(4_000);
  return { lab, first, second };
}

async function restart(lab: Lab, maar: MaarName): Promise<void> {
  await lab.kill(maar);
  await lab.sleep(1_000);
  await lab.start(maar);
}

test('what a stale peer says of a host that still waits for the AAA server changes nothing', async () => {
  const { lab, first, second } = await receiving({ timers: { bindingSeconds: 8 } });
  await lab.fault.partition('aaa', true);
  await lab.move('A', 'a1');
  await lab.sleep(5_000);
  assert.deepEqual(
    (await lab.show('a1')).maar.nodes.map(({ state }) => state),
    ['authorising'],
  );
  await lab.fault.partition('aaa', false);
  const answered = lab.now();
  await lab.sleep(20_000);
  for (const stream of [first, second]) assertWholeFrom(answered + 1_000, await stream.finish());
  await lab.close();
});

test('a session that only receives survives the restart of its serving MAAR', async () => {
  const { lab, second } = await receiving();
  await lab.move('A', 'a1');
  await lab.sleep(5_000);
  await restart(lab, 'a1');
  const restarted = lab.now();
  await lab.sleep(20_000);
  assertWholeFrom(restarted + 1_000, await second.finish());
  await lab.close();
});

test('a MAAR that is killed between the AAA answer and its sDBU fetches the bindings when it is back', async () => {
  const { lab, second } = await receiving();
  const since = lab.now();
  await lab.move('A', 'a1');
  const registered = (): boolean =>
    lab.trace().some(({ at, node, what }) => at > since && node === 'a1' && what === 'registered');
  await lab.until('the AAA answer', 1_000, registered);
  await restart(lab, 'a1');
  const restarted = lab.now();
  await lab.sleep(20_000);
  assertWholeFrom(restarted + 1_000, await second.finish());
  await lab.close();
});
