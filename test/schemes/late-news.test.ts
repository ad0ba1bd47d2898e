import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MaarEffect, MaarEvent } from '../../host/core/maar-io.ts';
import { Maar } from '../../host/core/maar.ts';
import type { TimerEvent } from '../../host/core/machine.ts';
import { realParts, SimLab } from '../../host/lab/sim-lab.ts';
import { schemeNames } from '../../host/schemes/registry.ts';
import type { MaarMachine } from '../../host/sim/maar-node.ts';
import { wasm } from '../support/sim-lab.ts';

/** The scheme that hands nothing over. */
const NATIVE = 'none';
const INTERVAL = 10;
/** Until the new MAAR has asked, has been answered, and the answer stands everywhere. */
const HANDED_OVER = 1_000;

/** A MAAR that hears of a port that went down only once another MAAR has asked for who was there. */
class LateNews implements MaarMachine {
  readonly #maar: Maar;
  readonly #late: MaarEvent[] = [];

  constructor(maar: Maar) {
    this.#maar = maar;
  }

  step(event: MaarEvent | TimerEvent, now: number): MaarEffect[] {
    if (event.type === 'port' && !event.up) {
      this.#late.push(event);
      return [];
    }
    const effects = this.#maar.step(event, now);
    if (event.type !== 'mobility') return effects;
    return [...effects, ...this.#late.splice(0).flatMap((late) => this.#maar.step(late, now))];
  }

  view(now: number): ReturnType<Maar['view']> {
    return this.#maar.view(now);
  }
}

for (const scheme of schemeNames().filter((name) => name !== NATIVE)) {
  test(`${scheme}: an old MAAR that learns of the cut after it was asked keeps nothing back`, async () => {
    const options = { scheme, seed: 3 };
    const parts = realParts(options, wasm);
    const lab = new SimLab(options, {
      ...parts,
      maar: (config, random, leases) => {
        const maar = new Maar(config, random, 0, leases);
        return config.name === 'a1' ? new LateNews(maar) : maar;
      },
    });
    await lab.up();
    await lab.move('A', 'a1');
    await lab.move('B', 'b1');
    await lab.sleep(5_000);
    const stream = await lab.stream({ name: 'down', kind: 'udp', from: 'B', to: 'A', intervalMs: INTERVAL });
    await lab.sleep(1_000);
    const cut = lab.now();
    await lab.move('A', 'a2');
    await lab.sleep(HANDED_OVER);
    const lostAtOnce = lab
      .trace()
      .filter(({ at, node, what }) => at >= cut && node === 'a1' && what === 'link-lost');
    assert.equal(lostAtOnce.length, 1);
    const { entries, counters } = (await lab.show('a1')).dataplane;
    assert.deepEqual(
      entries.destinations.filter(({ action }) => action === 'buffer'),
      [],
    );
    assert.equal(counters['held'], counters['released']);
    const { gaps } = await stream.finish();
    assert.deepEqual(
      gaps.filter(({ at, length }) => at + length > cut + HANDED_OVER),
      [],
    );
    await lab.close();
  });
}
