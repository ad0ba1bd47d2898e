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
import { localHomes, newHome } from '../../../host/functions/lm/node.ts';
import { AccessLinks } from '../../../host/functions/proxy/access.ts';
import { Attachment } from '../../../host/functions/proxy/attachment.ts';
import { readFrame } from '../../../host/functions/proxy/heard.ts';
import { contains, linkLocalOf, multicastMac } from '../../../host/wire/address.ts';
import { emitDhcp, parseDhcp } from '../../../host/wire/dhcpv6/message.ts';
import type { DhcpMessage } from '../../../host/wire/dhcpv6/message.ts';
import { emitFrame } from '../../../host/wire/ethernet.ts';
import { NEXT_HEADER } from '../../../host/wire/ipv6.ts';
import { emitUdp, parseUdp } from '../../../host/wire/udp.ts';
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

  constructor(disk?: readonly LeaseRecord[], networks = NETWORKS) {
    const peers = testConfig().peers.map((peer) => ({ ...peer, stateful: ['2001:db8:12::/49'] }));
    const config = testConfig({ peers, pool: { ...testConfig().pool, networks } });
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

  /** A station's DHCPv6 message; returns the answers, and the flag M of advertisements meanwhile. */
  dhcp(mac: string, message: DhcpMessage): { answers: DhcpMessage[]; managed: boolean[] } {
    this.#effects = [];
    const [src, dst] = [linkLocalOf(mac), 'ff02::1:2'];
    const payload = emitUdp(546, 547, emitDhcp(message), src, dst);
    const fields = { srcMac: mac, dstMac: multicastMac(dst), src, dst, hopLimit: 1 };
    this.#attachment.frame(0, 'p', emitFrame({ ...fields, nextHeader: NEXT_HEADER.udp, payload }));
    const { mnId } = this.location.byMac(mac)!;
    this.timer(`proxy:advertise ${mnId}`);
    const frames = this.#effects.flatMap((effect) => (effect.type === 'frame' ? [effect.data] : []));
    const answers = frames.flatMap((data) => {
      const udp = data[20] === NEXT_HEADER.udp ? parseUdp(data.subarray(54), 'fe80::1', src) : undefined;
      const parsed = udp?.ok ? parseDhcp(udp.value.payload) : undefined;
      return parsed?.ok ? [parsed.value] : [];
    });
    const managed = frames.flatMap((data) => {
      const heard = readFrame(0, 'p', data);
      const advertisement = heard.ok ? heard.value.message : undefined;
      return advertisement?.kind === 'RA' ? [advertisement.managed] : [];
    });
    return { answers, managed };
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

test('of a stateful network nothing is advertised but that there is DHCPv6, which gives the address', () => {
  const bench = new Bench(undefined, [NETWORKS[0]!, { ...NETWORKS[1]!, mode: 'stateful' }]);
  const mac = '02:00:00:00:00:0a';
  const node = bench.location.nodes.get(bench.attach(mac))!;
  const [large, small] = localHomes(node);
  assert.deepEqual(bench.advertised(), [[`${large!.prefix} 60 120`]]);
  node.foreign.set('2001:db8:12:1::/64', {
    ...newHome('2001:db8:12:1::/64', '2001:db8:0:2::1', 0),
    validUntil: 9e4,
  });
  node.foreign.set('2001:db8:13:1::/64', {
    ...newHome('2001:db8:13:1::/64', '2001:db8:0:3::1', 0),
    validUntil: 9e4,
  });
  const solicit: DhcpMessage = {
    ...{ kind: 'solicit', transaction: 5 },
    options: [
      { kind: 'client-id', duid: '00030001020000000001' },
      { kind: 'ia-na', iaid: 1, t1: 0, t2: 0, options: [] },
    ],
  };
  const { answers, managed } = bench.dhcp(mac, solicit);
  assert.deepEqual([answers.length, answers[0]?.kind, answers[0]?.transaction], [1, 'advertise', 5]);
  const ia = answers[0]!.options.find((option) => option.kind === 'ia-na')!;
  const given = ia.options.flatMap((option) => (option.kind === 'ia-address' ? [option] : []));
  assert.equal(given.length, 1, 'only of the stateful network');
  assert.ok(contains(small!.prefix, given[0]!.address));
  assert.deepEqual([given[0]!.preferredSeconds, given[0]!.validSeconds], [30, 120]);
  assert.deepEqual(managed, [true]);
  assert.deepEqual(bench.advertised(), [[`${large!.prefix} 60 120`, '2001:db8:13:1::/64 0 90']]);
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
