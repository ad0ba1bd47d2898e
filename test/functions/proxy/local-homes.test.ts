import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NetworkConfig } from '../../../host/core/config.ts';
import { Context } from '../../../host/core/context.ts';
import type { MaarEffect } from '../../../host/core/maar-io.ts';
import { Forwarding } from '../../../host/functions/fm/forwarding.ts';
import { HomeAddressAllocator } from '../../../host/functions/haa/allocator.ts';
import type { LeaseRecord } from '../../../host/functions/haa/lease.ts';
import { Domain } from '../../../host/functions/lm/domain.ts';
import { LocationManager } from '../../../host/functions/lm/location.ts';
import { localHomes } from '../../../host/functions/lm/node.ts';
import { AccessLinks } from '../../../host/functions/proxy/access.ts';
import { Attachment } from '../../../host/functions/proxy/attachment.ts';
import { readFrame } from '../../../host/functions/proxy/heard.ts';
import { testConfig } from '../../support/maar-config.ts';

const TERMS = { mode: 'stateless', mnId: '*', preferredSeconds: 60, validSeconds: 120 } as const;
const NETWORKS: NetworkConfig[] = [
  { ...TERMS, name: 'large', prefix: '2001:db8:11::/49' },
  { ...TERMS, name: 'small', prefix: '2001:db8:11:8000::/63', preferredSeconds: 30 },
];
const LINK = { link: 0, port: 'p', present: true };

/** A MAAR's proxy whose stations are authorised, its data plane obedient; `disk` answers writes when `written` is called. */
class Bench {
  readonly context: Context;
  readonly location = new LocationManager();
  readonly #allocator: HomeAddressAllocator;
  readonly #forwarding: Forwarding;
  readonly #attachment: Attachment;
  #effects: MaarEffect[] = [];

  constructor(disk?: readonly LeaseRecord[]) {
    const config = testConfig({ pool: { ...testConfig().pool, networks: NETWORKS } });
    const context = new Context(config, () => 0.5);
    this.context = context;
    this.#allocator = new HomeAddressAllocator(context, disk);
    this.#forwarding = new Forwarding(context);
    const nothing = (): void => undefined;
    const hooks = { register: nothing, deregister: nothing, registered: nothing, detached: nothing };
    this.#attachment = new Attachment(
      {
        context,
        domain: new Domain(config),
        location: this.location,
        forwarding: this.#forwarding,
        allocator: this.#allocator,
        access: new AccessLinks(context),
      },
      { ...hooks, departed: nothing, heard: nothing, claimed: nothing, settled: () => true },
    );
  }

  /** Lets a station in; returns its MN-ID. */
  attach(mac: string): string {
    this.#attachment.station(LINK.link, LINK.port, mac, true);
    const { mnId } = this.location.byMac(mac)!;
    this.#attachment.answered(mnId, { previous: undefined, counter: 1 });
    this.#settle();
    return mnId;
  }

  timer(id: string): void {
    this.#attachment.timer(id);
    this.#settle();
  }

  written(fault?: string): void {
    for (const effect of this.#effects) {
      if (effect.type === 'leases') this.#allocator.written(effect.write, fault);
    }
    this.#settle();
  }

  /** Prefixes of the advertisements sent since last asked, with their preferred and valid lifetimes. */
  advertised(): string[][] {
    const frames = this.#effects.filter((effect) => effect.type === 'frame');
    this.#effects = [];
    return frames.flatMap(({ data }) => {
      const heard = readFrame(0, 'p', data);
      const message = heard.ok ? heard.value.message : undefined;
      if (message?.kind !== 'RA') return [];
      const information = message.options.filter((option) => option.kind === 'prefix-information');
      return [
        information.map(
          ({ prefix, preferredSeconds, validSeconds }) => `${prefix} ${preferredSeconds} ${validSeconds}`,
        ),
      ];
    });
  }

  /** Acknowledges every batch of entries. */
  #settle(): void {
    for (let taken = this.context.take(); taken.length > 0; taken = this.context.take()) {
      this.#effects.push(...taken);
      for (const effect of taken) {
        if (effect.type === 'apply')
          this.#forwarding.applied(
            effect.batch,
            effect.commands.map(() => 'ok'),
          );
      }
    }
  }
}

test('an MN is advertised a prefix of each network that is for it, on the terms of each', () => {
  const bench = new Bench();
  const mnId = bench.attach('02:00:00:00:00:0a');
  const [large, small] = localHomes(bench.location.nodes.get(mnId)!).map(({ prefix }) => prefix);
  assert.deepEqual(bench.advertised(), [[`${large} 60 120`, `${small} 30 120`]]);
  assert.equal(small, '2001:db8:11:8001::/64');
});

test('where nothing is left an MN is attached without, and gets the prefix once there is one', () => {
  const bench = new Bench();
  bench.attach('02:00:00:00:00:0a');
  bench.advertised();
  const mnId = bench.attach('02:00:00:00:00:0b');
  const node = bench.location.nodes.get(mnId)!;
  assert.deepEqual([node.state, localHomes(node).length], ['attached', 1]);
  assert.equal(bench.advertised()[0]!.length, 1);
  assert.equal(bench.context.counters.get('pool-dry'), 1);
  bench.context.now = 120_000;
  bench.timer(`proxy:advertise ${mnId}`);
  assert.deepEqual(bench.advertised()[0]!.slice(1), ['2001:db8:11:8001::/64 30 120']);
});

test('an advertisement waits for the disk, and names nothing that is not kept', () => {
  const bench = new Bench([]);
  const mnId = bench.attach('02:00:00:00:00:0a');
  const waiting = bench.context.counters.get('lease-store-failed');
  bench.written('no space');
  assert.deepEqual([waiting, bench.advertised()], [undefined, [[]]]);
  bench.timer(`proxy:advertise ${mnId}`);
  bench.written();
  assert.equal(bench.advertised()[0]!.length, 2);
});
