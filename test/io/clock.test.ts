import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clockFrom, clockOrigin } from '../../host/io/clock.ts';

const DAY = 1_700_000_000_000;

for (const stalled of [1, 2, 3]) {
  test(`a process that is held up before reading ${stalled} of the clocks is not late for ever`, () => {
    let [time, readings] = [5_000, 0];
    const read = (): number => {
      readings += 1;
      time += readings === stalled ? 120 : 0.001;
      return time;
    };
    const origin = clockOrigin(() => DAY + read(), read);
    assert.ok(Math.abs(origin - DAY) < 0.01, `${origin - DAY} ms off`);
  });
}

test('the clock is that of the machine', () => {
  const off = clockFrom(clockOrigin())() - (performance.timeOrigin + performance.now());
  assert.ok(Math.abs(off) < 1_000, `${off} ms off`);
});
