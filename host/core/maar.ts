import { RESULT } from '../wire/diameter/generated.ts';
import { AaaClient, AAA_PREFIX, type AaaAnswer, type AaaOutput } from '../aaa/client.ts';
import type { Address, DataPlaneEvent } from '../../bindings/entries.ts';
import { Forwarding } from '../functions/fm/forwarding.ts';
import { HAA_TIMER, HomeAddressAllocator } from '../functions/haa/allocator.ts';
import type { LeaseRecord } from '../functions/haa/lease.ts';
import { leasesView } from '../functions/haa/view.ts';
import { LM_PREFIX, LocationService } from '../functions/lm/client/service.ts';
import { Domain } from '../functions/lm/domain.ts';
import { LocationManager } from '../functions/lm/location.ts';
import { hear, type MobileNode } from '../functions/lm/node.ts';
import { AccessLinks } from '../functions/proxy/access.ts';
import { Attachment } from '../functions/proxy/attachment.ts';
import { findScheme, schemeNames } from '../schemes/registry.ts';
import type { Operations } from '../schemes/scheme.ts';
import type { MaarConfig } from './config.ts';
import { Context } from './context.ts';
import type { Machine, Random, StreamEvent, TimerEvent } from './machine.ts';
import type { MaarEffect, MaarEvent } from './maar-io.ts';
import { Signalling } from './signalling.ts';
import type { MaarView } from './view.ts';

/**
 * The control plane of one MAAR: the logical functions, the scheme that the configuration names, and the AAA client,
 * joined into one sans-IO machine.
 */
export class Maar implements Machine<MaarEvent, MaarEffect> {
  readonly #context: Context;
  readonly #location = new LocationManager();
  readonly #forwarding: Forwarding;
  readonly #allocator: HomeAddressAllocator;
  readonly #attachment: Attachment;
  readonly #aaa: AaaClient;
  readonly #signalling: Signalling;
  readonly #scheme: Operations;
  readonly #lm: LocationService | undefined;
  /** The attachment under which each MN is registered now; answers about earlier ones are void. */
  readonly #registrations = new Map<string, string>();
  #registrationNumber = 0;

  /**
   * `startedAt` is in milliseconds since 1970: peers tell from it that a MAAR has restarted (RFC 6733 8.16). `leases` are
   * those of a store, which then takes the `leases` effects; without, leases end with the process.
   * Throws if the configuration names a scheme that does not exist; the configuration check says so first.
   */
  constructor(config: MaarConfig, random: Random, startedAt = 0, leases?: readonly LeaseRecord[]) {
    const scheme = findScheme(config.scheme.name);
    if (scheme === undefined) {
      throw new Error(`no scheme "${config.scheme.name}"; there are ${schemeNames().join(', ')}`);
    }
    const context = new Context(config, random);
    const location = this.#location;
    const domain = new Domain(config);
    const forwarding = new Forwarding(context);
    const allocator = new HomeAddressAllocator(context, leases);
    const access = new AccessLinks(context);
    const functions = { context, domain, location, forwarding, allocator, access };
    this.#context = context;
    this.#forwarding = forwarding;
    this.#allocator = allocator;
    this.#attachment = new Attachment(functions, {
      register: (node) => {
        this.#register(node);
      },
      deregister: (node) => {
        this.#deregister(node);
      },
      registered: (node, previous) => this.#scheme.registered?.(node, previous),
      detached: (node) => this.#scheme.detached?.(node),
      departed: (node) => this.#scheme.departed?.(node),
      heard: (node, home, address) => this.#scheme.heard?.(node, home, address),
      claimed: (node, address) => this.#scheme.claimed?.(node, address),
      settled: (node) => this.#scheme.settled?.(node) ?? node.state === 'attached',
    });
    const needed = scheme.needs?.includes('lm') === true ? config.lm : undefined;
    this.#lm = needed === undefined ? undefined : new LocationService(context, needed);
    const lm = this.#lm === undefined ? {} : { lm: this.#lm };
    this.#scheme = scheme.create(
      { ...functions, ...lm, attachment: this.#attachment },
      config.scheme.options,
    );
    this.#signalling = new Signalling(context, domain, this.#scheme, this.#lm);
    this.#aaa = new AaaClient({
      ...config.aaa,
      address: config.address,
      random,
      originStateId: Math.floor(startedAt / 1000),
    });
  }

  step(event: MaarEvent, now: number): MaarEffect[] {
    this.#context.now = now;
    this.#handle(event);
    for (let told = this.#lm?.take(); told !== undefined; told = this.#lm?.take())
      this.#scheme.located?.(told);
    return this.#context.take();
  }

  view(now: number): MaarView {
    const { config, counters } = this.#context;
    return {
      name: config.name,
      address: config.address,
      scheme: config.scheme.name,
      now,
      nodes: this.#location.nodeViews((session, node) => this.#scheme.tunnelled?.(session, node) ?? false),
      anchored: this.#location.anchoredViews(),
      released: this.#location.releasedViews(),
      peers: config.peers.map(({ name, address }) => ({ name, address })),
      ...(this.#lm === undefined ? {} : { cached: this.#lm.cached }),
      counters: Object.fromEntries([...counters, ...(this.#lm?.counters() ?? [])]),
      leases: leasesView(this.#allocator, this.#location, config.address, now),
    };
  }

  #handle(event: MaarEvent): void {
    switch (event.type) {
      case 'start':
        this.#forwarding.start();
        this.#allocator.start();
        this.#takeAaa(this.#aaa.start(this.#context.now));
        this.#lm?.start();
        this.#attachment.start();
        this.#scheme.start?.();
        return;
      case 'stop':
        this.#scheme.stop?.();
        for (const node of this.#location.nodes.values()) this.#deregister(node);
        this.#takeAaa(this.#aaa.stop(this.#context.now));
        return;
      case 'frame':
        this.#attachment.frame(event.link, event.port, event.data);
        return;
      case 'port':
        this.#attachment.port(event.link, event.port, event.up);
        return;
      case 'station':
        this.#attachment.station(event.link, event.port, event.mac, event.present);
        return;
      case 'leaving':
        this.#attachment.leaving(event.link, event.port, event.mac);
        return;
      case 'mobility':
        this.#signalling.receive(event);
        return;
      case 'applied':
        this.#forwarding.applied(event.batch, event.statuses);
        return;
      case 'dataplane':
        this.#dataplane(event.event);
        return;
      case 'leases':
        this.#allocator.written(event.write, event.fault);
        return;
      case 'usage':
        this.#location.noteUse(event);
        this.#scheme.usage?.(event);
        return;
      case 'activity':
        this.#attachment.silence.judge(event.stations);
        return;
      case 'timer':
        this.#timer(event);
        return;
      default:
        this.#aaaEvent(event);
    }
  }

  #timer(event: TimerEvent): void {
    if (event.id.startsWith(AAA_PREFIX)) this.#aaaEvent(event);
    else if (event.id.startsWith(LM_PREFIX)) this.#lm?.timer(event.id);
    else if (event.id.startsWith(HAA_TIMER)) this.#allocator.timer();
    else if (event.id.startsWith('proxy:')) this.#attachment.timer(event.id);
    else this.#scheme.timer?.(event.id);
  }

  #dataplane(event: DataPlaneEvent): void {
    if (event.kind === 'unknown-source') this.#attachment.unknownSource(event.src, event.link, event.mac);
    else if (event.kind === 'flow') this.#flow(event.src, event.dst);
    else if (event.kind === 'hold-drop') this.#context.count('hold-drop');
    this.#scheme.dataplane?.(event);
  }

  #flow(src: Address, dst: Address): void {
    for (const [own, other] of [
      [src, dst],
      [dst, src],
    ] as const) {
      const found = this.#location.find(own);
      if (found === undefined || found.node.state !== 'attached') continue;
      found.home.lastUsed = this.#context.now;
      // Anybody may send to an address nobody has; only the MN sends from one.
      if (own === src && hear(found.home, `${own}/128`))
        this.#scheme.heard?.(found.node, found.home, `${own}/128`);
      this.#scheme.flow?.(found.node, found.home, `${other}/128`);
    }
  }

  #register(node: MobileNode): void {
    this.#deregister(node);
    const id = `${node.mnId} ${++this.#registrationNumber}`;
    this.#registrations.set(node.mnId, id);
    const { mnId } = node;
    this.#takeAaa(this.#aaa.attach({ id, mnId, maar: this.#context.config.address }, this.#context.now));
  }

  #deregister(node: MobileNode): void {
    const id = this.#registrations.get(node.mnId);
    if (id === undefined) return;
    this.#registrations.delete(node.mnId);
    this.#takeAaa(this.#aaa.detach(id, this.#context.now));
  }

  #aaaEvent(event: StreamEvent | TimerEvent): void {
    this.#takeAaa(this.#aaa.handle(event, this.#context.now));
  }

  #takeAaa({ effects, answers }: AaaOutput): void {
    for (const effect of effects) this.#context.emit(effect);
    for (const answer of answers) {
      if (this.#registrations.get(answer.mnId) === answer.id) this.#answered(answer);
    }
  }

  #answered(answer: AaaAnswer): void {
    const { mnId } = answer;
    const node = this.#location.nodes.get(mnId);
    switch (answer.result) {
      case 'ok':
        this.#attachment.answered(mnId, { previous: answer.previous, counter: answer.counter });
        return;
      case 'unknown':
      case 'refused':
        this.#context.count(`aaa-${answer.result}`);
        this.#registrations.delete(mnId);
        this.#attachment.answered(mnId, { refused: answer.reason });
        return;
      case 'unreachable':
        this.#context.count('aaa-unreachable');
        this.#context.trace('aaa-unreachable', { detail: { mnId, reason: answer.reason } });
        // Not even queued: forgotten, so that the station's next frame starts over.
        if (answer.code === RESULT.TOO_BUSY && node?.state === 'authorising') this.#attachment.forget(node);
        return;
      case 'aborted':
        this.#registrations.delete(mnId);
        if (node !== undefined) this.#attachment.detach(node, 'the AAA server ended the session');
        return;
      case 'detached':
        return;
    }
  }
}
