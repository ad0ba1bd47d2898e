import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Context } from '../../../host/core/context.ts';
import { Exchanges } from '../../../host/functions/lm/exchange.ts';
import { testConfig } from '../../support/maar-config.ts';

const PEER = '2001:db8:0:2::1';

class Bench {
  readonly context = new Context(testConfig(), () => 0.25);
  readonly exchanges = new Exchanges<string>(this.context, 'x:');
  readonly sent: number[] = [];
  readonly log: string[] = [];
  readonly #timers = new Map<string, number>();

  ask(subject: string, attempts = 3): void {
    this.exchanges.request({
      peer: PEER,
      subject,
      attempts,
      send: (sequence) => this.sent.push(sequence),
      answered: (answer) => this.log.push(answer),
      gaveUp: () => this.log.push('gave up'),
    });
    this.#drain();
  }

  /** Runs the timers up to `until`. */
  run(until: number): void {
    for (;;) {
      const due = [...this.#timers].filter(([, at]) => at <= until).sort((a, b) => a[1] - b[1])[0];
      if (due === undefined) break;
      this.context.now = due[1];
      this.#timers.delete(due[0]);
      this.exchanges.timer(due[0]);
      this.#drain();
    }
    this.context.now = until;
  }

  #drain(): void {
    for (const effect of this.context.take()) {
      if (effect.type !== 'timer') continue;
      if (effect.at === undefined) this.#timers.delete(effect.id);
      else this.#timers.set(effect.id, effect.at);
    }
  }
}

test('resends after 1, 2 and 4 s, each with a new number, and then gives up', () => {
  const bench = new Bench();
  bench.ask('s');
  bench.run(999);
  assert.equal(bench.sent.length, 1);
  bench.run(1_000);
  assert.equal(bench.sent.length, 2);
  bench.run(3_000);
  bench.run(7_000);
  assert.equal(bench.sent.length, 4);
  assert.equal(new Set(bench.sent).size, 4);
  assert.deepEqual(bench.log, []);
  bench.run(15_000);
  assert.deepEqual(bench.log, ['gave up']);
});

test('an answer that lost the race against a resend still counts, once', () => {
  const bench = new Bench();
  bench.ask('s');
  bench.run(1_000);
  const [first = -1, second = -1] = bench.sent;
  assert.equal(bench.exchanges.answer(PEER, first, 'yes'), true);
  assert.equal(bench.exchanges.answer(PEER, second, 'again'), false);
  bench.run(60_000);
  assert.deepEqual(bench.log, ['yes']);
  assert.equal(bench.sent.length, 2);
});

test('an answer from somebody else, or with another number, is none', () => {
  const bench = new Bench();
  bench.ask('s');
  assert.equal(bench.exchanges.answer('2001:db8:0:3::1', bench.sent[0] ?? -1, 'no'), false);
  assert.equal(bench.exchanges.answer(PEER, (bench.sent[0] ?? 0) + 1, 'no'), false);
});

test('goes on from the number that the peer says it accepted last', () => {
  const bench = new Bench();
  bench.ask('s mn');
  bench.exchanges.resynchronise(PEER, 's mn', 65_535);
  assert.equal(bench.sent[1], 0);
});

test('exchanges about different subjects with one peer do not disturb each other', () => {
  const bench = new Bench();
  bench.ask('d mn home one');
  bench.ask('d mn home two');
  assert.equal(bench.exchanges.answer(PEER, bench.sent[0] ?? -1, 'one'), true);
  assert.equal(bench.exchanges.answer(PEER, bench.sent[1] ?? -1, 'two'), true);
  bench.ask('d mn home three');
  bench.exchanges.cancel('d mn ');
  bench.run(60_000);
  assert.deepEqual(bench.log, ['one', 'two']);
});
