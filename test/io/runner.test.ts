import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Machine, TimerEffect, TimerEvent } from '../../host/core/machine.ts';
import { clockFrom, clockOrigin } from '../../host/io/clock.ts';
import { Runner } from '../../host/io/runner.ts';

type Event = TimerEvent | { readonly type: 'go' } | { readonly type: 'answer' };
type Effect = TimerEffect | { readonly type: 'ask' };

const clock = clockFrom(clockOrigin());

/** A runner over what `step` says; `answered` lists the events in the order that the machine saw them. */
function run(step: (event: Event, now: number) => Effect[]): {
  runner: Runner<Event, Effect>;
  seen: [Event, number][];
} {
  const seen: [Event, number][] = [];
  const machine: Machine<Event, Effect> = {
    step(event, now) {
      seen.push([event, now]);
      return step(event, now);
    },
  };
  const runner: Runner<Event, Effect> = new Runner<Event, Effect>(machine, clock, () =>
    runner.dispatch({ type: 'answer' }),
  );
  return { runner, seen };
}

const sleep = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test('a timer fires at its time and not before; arming it again moves it, undefined disarms it', async () => {
  const due = clock() + 30;
  const { runner, seen } = run((event) =>
    event.type === 'go'
      ? [
          { type: 'timer', id: 'moved', at: clock() + 5 },
          { type: 'timer', id: 'moved', at: due },
          { type: 'timer', id: 'gone', at: clock() + 5 },
          { type: 'timer', id: 'gone', at: undefined },
          { type: 'timer', id: 'far', at: clock() + 2 ** 33 },
        ]
      : [],
  );
  runner.dispatch({ type: 'go' });
  await sleep(60);
  runner.close();
  const fired = seen.slice(1);
  assert.deepEqual(
    fired.map(([event]) => event),
    [{ type: 'timer', id: 'moved' }],
  );
  assert.ok(fired[0]![1] >= due);
});

test('an effect has the time of its event, however late it is carried out', () => {
  const times: number[] = [];
  let now = 0;
  const machine: Machine<Event, Effect> = { step: () => [{ type: 'ask' }, { type: 'ask' }] };
  const runner = new Runner<Event, Effect>(
    machine,
    () => (now += 7),
    (_, time) => times.push(time),
  );
  runner.dispatch({ type: 'go' });
  runner.dispatch({ type: 'go' });
  assert.deepEqual(times, [7, 7, 14, 14]);
});

test('an event that an effect causes at once comes after all effects of its step', () => {
  let open = 0;
  const { runner, seen } = run((event) => {
    assert.equal(open++, 0, 'the machine was entered twice');
    open--;
    return event.type === 'go' ? [{ type: 'ask' }, { type: 'ask' }] : [];
  });
  runner.dispatch({ type: 'go' });
  assert.deepEqual(
    seen.map(([event]) => event.type),
    ['go', 'answer', 'answer'],
  );
});
