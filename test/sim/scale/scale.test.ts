import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { ROUTING_DESIGNS } from '../../../host/sim/scale/designs.ts';
import type { DesignName } from '../../../host/sim/scale/designs.ts';
import { ScaleDomain } from '../../../host/sim/scale/domain.ts';
import { CELLS_PER_NETWORK } from '../../../host/sim/scale/grid.ts';
import { SCALE_PLAN, TRAFFIC } from '../../../host/sim/scale/plan.ts';
import type { ScalePlan } from '../../../host/sim/scale/plan.ts';
import { runScale } from '../../../host/sim/scale/run.ts';

const DESIGNS = Object.keys(ROUTING_DESIGNS) as DesignName[];
const SMALL: Omit<ScalePlan, 'design'> = {
  ...SCALE_PLAN,
  maars: 100,
  nodes: 1_500,
  speed: 12,
  traffic: { ...TRAFFIC, sessionEvery: 60, packetEvery: 2 },
  warmUp: 20,
  window: 20,
};

const domains = new Map<DesignName, Promise<ScaleDomain>>();

/** A domain in which all is still again. */
function ended(design: DesignName): Promise<ScaleDomain> {
  const domain = domains.get(design) ?? runToEnd(design);
  domains.set(design, domain);
  return domain;
}

async function runToEnd(design: DesignName): Promise<ScaleDomain> {
  const domain = new ScaleDomain({ ...SMALL, design }, setImmediate);
  await domain.start();
  await domain.scheduler.sleep((SMALL.warmUp + SMALL.window) * 1000);
  await domain.stop();
  return domain;
}

for (const design of DESIGNS) {
  test(`${design}: every packet finds its MN, and every look-up is counted once`, async () => {
    const { forwarding, maars, servers, population, movement, fabric } = await ended(design);
    const { counts } = forwarding;
    assert.ok(counts.sent > 1_000 && counts.hits > 0 && counts.misses > 0);
    assert.equal(counts.delivered, counts.sent);
    assert.equal(counts.lost, 0);
    assert.equal(counts.hits + counts.misses + counts.local, counts.sent);
    const counted = maars.map(({ counters }) => [
      counters.get('cache-hit') ?? 0,
      counters.get('cache-miss') ?? 0,
    ]);
    assert.equal(
      counted.flat().reduce((sum, count) => sum + count, 0),
      counts.hits + counts.misses + counts.furtherLookUps,
    );
    const { exchanges } = fabric.tally.take();
    assert.ok(movement.attachments > 200);
    assert.equal(exchanges['maar-counter'], movement.attachments);
    assert.ok(exchanges['maar-query'] <= counts.misses + counts.furtherLookUps);
    // What stands still is known: nobody is registered elsewhere than it is.
    const wrong = servers
      .flatMap((server) => server.view().registrations)
      .filter(
        ({ mnId, locator }) => population.cells[population.nodeOf(mnId)] !== population.cellOf(locator),
      );
    assert.deepEqual(wrong, []);
  });
}

for (const design of ['anycast-query', 'gateway-query'] as const) {
  test(`${design}: when all is still, no cache sends a packet to the wrong MAAR`, async () => {
    const { forwarding, maars, population } = await ended(design);
    let known = 0;
    for (let cell = 0; cell < CELLS_PER_NETWORK; cell++) {
      const router = maars[forwarding.routerOf(cell)]!;
      for (let node = 0; node < population.size; node++) {
        router.lookUp(population.addressOf(node), false, (binding) => {
          if (binding === undefined) return;
          known++;
          assert.equal(population.cellOf(binding.locator), population.cells[node]);
        });
      }
    }
    assert.ok(known > 500, `${known} known`);
  });
}

test('a seed decides a run, and another seed another one', async () => {
  const plan: ScalePlan = { ...SMALL, design: 'anycast-push' };
  const brief = { ...plan, nodes: 500 };
  const [once, again, other] = await Promise.all([
    runScale(brief, setImmediate),
    runScale(brief, setImmediate),
    runScale({ ...brief, seed: 2 }, setImmediate),
  ]);
  assert.deepEqual(once, again);
  assert.notDeepEqual(once.exchanges, other.exchanges);
});

test('what the designs differ in', async () => {
  const results = await Promise.all(DESIGNS.map((design) => runScale({ ...SMALL, design }, setImmediate)));
  const of = Object.fromEntries(results.map((result) => [result.plan.design, result]));
  const { 'anycast-query': aq, 'anycast-push': ap, 'gateway-query': gq, 'gateway-push': gp } = of;
  assert.ok(aq && ap && gq && gp);
  assert.deepEqual([aq.byHome, gq.byHome], [0, 0], 'who asks needs no home router');
  assert.ok(
    ap.byHome > 0 && gp.byHome > ap.byHome,
    'what one router is told serves all that it forwards for',
  );
  assert.ok(aq.firstHitRate > gq.firstHitRate && aq.exchanges.query < gq.exchanges.query);
  assert.ok(aq.stretch > gq.stretch && gp.stretch > gq.stretch);
  assert.ok(gp.exchanges.redirect > gq.exchanges.redirect);
  assert.equal(new Set(results.map(({ exchanges }) => exchanges.counter)).size, 1, 'they move alike');
});

test('where nobody moves nothing is pushed, and nothing goes astray', async () => {
  const result = await runScale({ ...SMALL, speed: 0, design: 'gateway-query' }, setImmediate);
  const { counter, push, redirect } = result.exchanges;
  assert.deepEqual(
    { counter, push, redirect, astray: result.astray },
    { counter: 0, push: 0, redirect: 0, astray: 0 },
  );
  assert.equal(result.stretch, 1);
  assert.equal(result.state.registrationsPerServer, SMALL.nodes / 4);
});

test('a domain that cannot be is refused', async () => {
  await assert.rejects(runScale({ ...SMALL, maars: 30, design: 'gateway-push' }, setImmediate), RangeError);
  await assert.rejects(
    runScale({ ...SMALL, nodes: 4 * 65_536 + 1, design: 'gateway-push' }, setImmediate),
    RangeError,
  );
});
