import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { seededRandom } from '../../host/sim/random.ts';
import { Scheduler } from '../../host/sim/scheduler.ts';

const settle = (): Promise<void> => setImmediate();

test('events run in order of time, and of scheduling within one instant', async () => {
  const scheduler = new Scheduler(settle);
  const random = seededRandom(1, 'order');
  const planned = Array.from({ length: 500 }, (_, serial) => ({ at: Math.floor(random() * 50), serial }));
  const ran: { at: number; serial: number }[] = [];
  for (const item of planned) {
    scheduler.at(item.at, () => {
      assert.equal(scheduler.now, item.at);
      ran.push(item);
    });
  }
  await scheduler.sleep(100);
  const expected = planned.toSorted((a, b) => a.at - b.at || a.serial - b.serial);
  assert.deepEqual(ran, expected);
});

test('a cancelled event does not run, and what is due in the past runs now', async () => {
  const scheduler = new Scheduler(settle);
  const ran: string[] = [];
  const cancel = scheduler.after(10, () => ran.push('cancelled'));
  scheduler.after(5, () => {
    cancel();
    scheduler.at(1, () => ran.push(`late at ${scheduler.now}`));
  });
  await scheduler.sleep(20);
  assert.deepEqual(ran, ['late at 5']);
});

test('time stands still while nobody sleeps', async () => {
  const scheduler = new Scheduler(settle);
  let ran = false;
  scheduler.after(1, () => (ran = true));
  await setImmediate();
  assert.equal(ran, false);
  assert.equal(scheduler.now, 0);
});

test('a task that wakes runs before the next event, however many promises it awaits', async () => {
  const scheduler = new Scheduler(settle);
  const log: string[] = [];
  const task = async (name: string, ms: number): Promise<void> => {
    await scheduler.sleep(ms);
    for (let turn = 0; turn < 20; turn++) await Promise.resolve();
    log.push(`${name} at ${scheduler.now}`);
  };
  scheduler.at(10, () => log.push('event at 10'));
  await Promise.all([task('first', 10), task('second', 30), task('third', 5)]);
  assert.deepEqual(log, ['third at 5', 'event at 10', 'first at 10', 'second at 30']);
});

test('what an event throws reaches every sleeper, present and future', async () => {
  const scheduler = new Scheduler(settle);
  scheduler.after(3, () => {
    throw new Error('broken event');
  });
  const sleepers = [scheduler.sleep(10), scheduler.sleep(20)];
  for (const sleeper of sleepers) await assert.rejects(sleeper, /broken event/);
  await assert.rejects(scheduler.sleep(1), /broken event/);
});

test('until names what did not come about', async () => {
  const scheduler = new Scheduler(settle);
  await scheduler.until('seven', 10, () => scheduler.now >= 7);
  assert.equal(scheduler.now, 7);
  await assert.rejects(
    scheduler.until('the sun rises', 10, () => false),
    /the sun rises: not within 10 ms/,
  );
});

test('one seed gives one run; another seed or label gives another', async () => {
  const run = async (seed: number): Promise<number[]> => {
    const scheduler = new Scheduler(settle);
    const random = seededRandom(seed, 'walk');
    const seen: number[] = [];
    const walk = (): void => {
      seen.push(scheduler.now);
      scheduler.after(random() * 10, walk);
    };
    walk();
    walk();
    await scheduler.sleep(1000);
    return seen;
  };
  assert.deepEqual(await run(7), await run(7));
  assert.notDeepEqual(await run(7), await run(8));
  assert.notEqual(seededRandom(7, 'a')(), seededRandom(7, 'b')());
});

test('random numbers are spread evenly', () => {
  const random = seededRandom(3, 'spread');
  const bins = new Array<number>(10).fill(0);
  for (let draw = 0; draw < 10_000; draw++) bins[Math.floor(random() * 10)]!++;
  // Standard deviation of a bin is 30.
  for (const count of bins) assert.ok(Math.abs(count - 1000) < 150, `bin of ${count}`);
});
