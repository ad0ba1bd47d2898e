import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { RESULT } from '../../host/wire/diameter/generated.ts';
import { Domain, MN } from './domain.ts';
import type { Maar } from './domain.ts';

type Registered = Extract<Maar['answers'][number], { result: 'ok' }>;

function registrations(maar: Maar): Registered[] {
  return maar.answers.filter((answer): answer is Registered => answer.result === 'ok');
}

test('a first attachment has no previous MAAR, the next one has the MAAR before it and a higher counter', () => {
  const domain = new Domain(1);
  const [one, two] = [domain.addMaar(1), domain.addMaar(2)];
  domain.attach(one, 'a');
  domain.run(1_000);
  domain.attach(two, 'b');
  domain.run(1_000);
  domain.detach(one, 'a');
  domain.run(1_000);
  domain.attach(one, 'c');
  domain.run(1_000);
  const [a, c] = registrations(one);
  const [b] = registrations(two);
  assert.deepEqual([a?.previous, a?.counter], [undefined, 1]);
  assert.deepEqual([b?.previous, b?.counter], ['2001:db8::1', 2]);
  assert.deepEqual([c?.previous, c?.counter], ['2001:db8::2', 3], 'the late STR of a changed nothing');
  assert.ok(one.answers.some((answer) => answer.result === 'detached' && answer.id === 'a'));
});

test('a registration is kept through the hold time after its STR, and not longer; the counter goes on', () => {
  const domain = new Domain(2);
  const [one, two] = [domain.addMaar(1), domain.addMaar(2)];
  domain.attach(one, 'a');
  domain.run(1_000);
  domain.detach(one, 'a');
  domain.run(9_000);
  domain.attach(two, 'b');
  domain.run(1_000);
  domain.detach(two, 'b');
  domain.run(11_000);
  domain.attach(one, 'c');
  domain.run(1_000);
  assert.equal(registrations(two)[0]?.previous, '2001:db8::1');
  assert.deepEqual([registrations(one)[1]?.previous, registrations(one)[1]?.counter], [undefined, 3]);
});

test('unknown, forbidden and impostor are told apart', () => {
  const domain = new Domain(3);
  const maar = domain.addMaar(1);
  const impostor = domain.addMaar(3, {}, 'maar2');
  domain.attach(maar, 'stranger', 'aa00000000bb@example.org');
  domain.attach(maar, 'forbidden', '02-00-00-00-00-66@EXAMPLE.org');
  domain.attach(impostor, 'impostor');
  domain.run(1_000);
  const told = [...maar.answers, ...impostor.answers].map((answer) => [
    answer.id,
    answer.result,
    'code' in answer ? answer.code : 0,
  ]);
  assert.deepEqual(told, [
    ['stranger', 'unknown', RESULT.USER_UNKNOWN],
    ['forbidden', 'refused', RESULT.AUTHORIZATION_REJECTED],
    ['impostor', 'refused', RESULT.AUTHORIZATION_REJECTED],
  ]);
});

test('a peer that is not configured is refused at the capabilities exchange', () => {
  const domain = new Domain(4);
  domain.addMaar(9);
  domain.run(500);
  const answer = domain.net.trace.find(({ what, message }) => what === 'send' && message === 'CEA');
  assert.equal(answer?.detail?.['result'], RESULT.UNKNOWN_PEER);
});

test('an attachment that no server takes is reported after the patience, and still succeeds later', () => {
  const domain = new Domain(5);
  domain.net.remove('aaa1');
  const maar = domain.addMaar(1);
  domain.attach(maar, 'a');
  domain.run(4_900);
  assert.deepEqual(maar.answers, []);
  domain.run(200);
  assert.deepEqual(
    maar.answers.map(({ result }) => result),
    ['unreachable'],
  );
  domain.startServer('aaa1');
  domain.run(30_000);
  assert.equal(registrations(maar).length, 1);
});

test('an attachment beyond the bound is refused to the caller at once', () => {
  const domain = new Domain(6);
  domain.net.remove('aaa1');
  const maar = domain.addMaar(1, { outstanding: 2 });
  for (const id of ['a', 'b', 'c']) domain.attach(maar, id, `0200000000${id}${id}@example.org`);
  assert.deepEqual(
    maar.answers.map((answer) => [answer.id, answer.result, 'code' in answer && answer.code]),
    [['c', 'unreachable', RESULT.TOO_BUSY]],
  );
  domain.detach(maar, 'a');
  domain.attach(maar, 'd');
  assert.equal(maar.answers.at(-1)?.result, 'detached', 'a cancelled attachment makes room');
});

test('ASR ends the session: ASA, then STR, and the caller is told', () => {
  const domain = new Domain(7);
  const maar = domain.addMaar(1);
  domain.attach(maar, 'a');
  domain.run(1_000);
  domain.net.apply('aaa1', domain.servers[0]!.step({ type: 'abort', mnId: MN }, domain.net.now));
  domain.run(1_000);
  assert.deepEqual(
    maar.answers.map(({ result }) => result),
    ['ok', 'aborted', 'detached'],
  );
  const order = domain.net.sent().filter((name) => /AS[AR]|STR/.test(name));
  assert.deepEqual(order.toSorted(), ['aaa1:ASR', 'maar1:ASA', 'maar1:STR']);
  assert.notEqual(domain.store.current(MN)?.ended, undefined);
});

test('the second server takes over with the T flag, and the answer is the same', () => {
  const domain = new Domain(8, ['aaa1', 'aaa2']);
  const maar = domain.addMaar(1);
  domain.run(500);
  let cut = false;
  domain.net.intercept = (when, to) => {
    if (cut || when !== 'after' || to !== 'aaa1' || domain.store.current(MN) === undefined) return false;
    cut = true;
    return true;
  };
  domain.attach(maar, 'a');
  domain.run(1_000);
  assert.ok(cut, 'the connection broke after the commit');
  assert.deepEqual(
    registrations(maar).map(({ previous, counter }) => [previous, counter]),
    [[undefined, 1]],
  );
  const requests = domain.net.trace.filter(({ what, message }) => what === 'receive' && message === 'AAR');
  assert.deepEqual(
    requests.map(({ node, detail }) => [node, detail?.['retransmitted']]),
    [
      ['aaa1', undefined],
      ['aaa2', true],
    ],
  );
});

test('wherever connections break and servers restart, moves are counted once each and chained (property)', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1 << 30 }),
      fc.array(
        fc.record({
          maar: fc.integer({ min: 0, max: 1 }),
          wait: fc.integer({ min: 0, max: 400 }),
          detach: fc.boolean(),
        }),
        { minLength: 1, maxLength: 8 },
      ),
      fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 12 }),
      fc.boolean(),
      (seed, moves, cuts, twoServers) => {
        const domain = new Domain(seed, twoServers ? ['aaa1', 'aaa2'] : ['aaa1']);
        const maars = [domain.addMaar(1), domain.addMaar(2)];
        let segment = 0;
        const before = new Set(cuts.filter((_, index) => index % 2 === 0));
        const after = new Set(cuts.filter((_, index) => index % 2 === 1));
        domain.net.intercept = (when, to) => {
          if (when === 'before') segment++;
          const cut = (when === 'before' ? before : after).delete(segment);
          if (cut && segment % 3 === 0 && to.startsWith('aaa')) {
            domain.net.remove(to);
            domain.startServer(to);
          }
          return cut;
        };
        let expected: string | undefined;
        moves.forEach(({ maar, wait, detach }, index) => {
          const at = maars[maar]!;
          domain.run(wait);
          domain.attach(at, `move-${index}`);
          // Until the answer is there the MN does not move on; it comes whatever broke.
          for (let round = 0; round < 200 && registrations(at).at(-1)?.id !== `move-${index}`; round++) {
            domain.run(500);
          }
          const answer = registrations(at).at(-1);
          assert.equal(answer?.id, `move-${index}`);
          assert.equal(answer.counter, index + 1);
          assert.equal(answer.previous, expected);
          expected = at.address;
          if (detach && index > 0) domain.detach(at, `move-${index - 1}`);
        });
        domain.run(60_000);
        assert.equal(domain.store.current(MN)?.counter, moves.length);
      },
    ),
    { numRuns: 150, seed: 20_120_226 },
  );
});
