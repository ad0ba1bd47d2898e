import type { Address, Mac, Prefix } from '../../../bindings/entries.ts';
import type { Random } from '../../core/machine.ts';
import {
  ALL_MLDV2_ROUTERS,
  ALL_NODES,
  ALL_ROUTERS,
  eui64Address,
  isLinkLocal,
  solicitedNode,
  splitPrefix,
  UNSPECIFIED,
} from '../../wire/address.ts';
import type {
  DiscoveryMessage,
  Icmpv6Message,
  NeighborAdvertisement,
  NeighborSolicitation,
  RouterAdvertisement,
} from '../../wire/icmpv6/message.ts';
import { MLD_RECORD } from '../../wire/icmpv6/mld.ts';
import type { NdOption } from '../../wire/icmpv6/options.ts';
import type { Cancel, Scheduler } from '../scheduler.ts';
import { expiry, refresh } from './addresses.ts';
import type { AddressTable, HostAddress } from './addresses.ts';
import { LINUX } from './linux.ts';
import type { NeighbourCache } from './neighbours.ts';

const LINK_LOCAL: Prefix = 'fe80::/64';
/** RFC 3971 section 5.3.2; Linux puts one into its DAD probes, RFC 7527. */
const NONCE_OPTION = 14;
const NONCE_OCTETS = 6;

export interface DiscoveryPort {
  readonly mac: Mac;
  /** Sends an ICMPv6 message from the interface; `mac` overrides the resolution of `dst`. */
  send(message: Icmpv6Message, src: Address, dst: Address, mac?: Mac): void;
  /** Home addresses of this host and of its correspondents, for hosts that name them in their Solicitations. */
  addressList?(): { readonly homes: readonly Address[]; readonly correspondents: readonly Address[] };
}

/** Address autoconfiguration and neighbour discovery of a host: RFC 4861, RFC 4862. */
export class Discovery {
  readonly addresses: AddressTable;
  linkMtu: number = LINUX.linkMtu;
  hopLimit: number = LINUX.hopLimit;
  #router: { readonly address: Address; readonly until: number } | undefined;
  readonly #scheduler: Scheduler;
  readonly #random: Random;
  readonly #port: DiscoveryPort;
  readonly #neighbours: NeighbourCache;
  #pending = new Set<Cancel>();
  #solicitation: Cancel | undefined;

  constructor(
    scheduler: Scheduler,
    random: Random,
    port: DiscoveryPort,
    addresses: AddressTable,
    neighbours: NeighbourCache,
  ) {
    this.#scheduler = scheduler;
    this.#random = random;
    this.#port = port;
    this.addresses = addresses;
    this.#neighbours = neighbours;
  }

  /** The default router, while its lifetime lasts. */
  router(): Address | undefined {
    return this.#router !== undefined && this.#router.until > this.#scheduler.now
      ? this.#router.address
      : undefined;
  }

  setRouter(address: Address): void {
    this.#router = { address, until: Infinity };
  }

  /** The interface was taken up: link-local address first, Solicitations when it is valid. */
  up(): void {
    this.#after(LINUX.adminToReady, () => this.#configure(LINK_LOCAL, Infinity, Infinity));
  }

  /** The interface was taken down: Linux flushes addresses, routes and neighbours. */
  down(): void {
    for (const cancel of this.#pending) cancel();
    this.#pending.clear();
    this.#solicitation = undefined;
    this.addresses.clear();
    this.#neighbours.flush();
    this.#router = undefined;
    this.linkMtu = LINUX.linkMtu;
  }

  /** The carrier is back on an interface that stayed up. */
  carrierUp(): void {
    this.#after(LINUX.carrierToReport, () => {
      this.#report(this.addresses.list(this.#scheduler.now).map((own) => solicitedNode(own.address)));
      if (this.#port.addressList !== undefined) this.#solicit(LINUX.solicitCount);
    });
    if (this.#port.addressList !== undefined || this.#random() >= LINUX.carrierSolicitChance) return;
    const range = LINUX.carrierSolicitMax - LINUX.carrierSolicitMin;
    this.#after(LINUX.carrierSolicitMin + this.#random() * range, () => this.#solicit(1));
  }

  /** True for group addresses that the interface has joined. */
  joined(group: Address): boolean {
    if (group === ALL_NODES) return true;
    return this.addresses.list(this.#scheduler.now).some((own) => solicitedNode(own.address) === group);
  }

  receive(message: DiscoveryMessage, src: Address): void {
    switch (message.kind) {
      case 'RA':
        this.#advertised(message, src);
        break;
      case 'NS':
        this.#solicited(message, src);
        break;
      case 'NA':
        this.#neighbourAdvertised(message);
        break;
      case 'RS':
        break;
    }
  }

  /** Asks for the link-layer address of `target`, from the source of the packet that waits for it if that is ours. */
  resolve(target: Address, mac: Mac | undefined, wanted: Address | undefined): void {
    const now = this.#scheduler.now;
    const own = wanted === undefined ? undefined : this.addresses.find(wanted, now);
    const source = own !== undefined && !own.tentative ? wanted : this.addresses.source(LINK_LOCAL_ANY, now);
    if (source === undefined) return;
    const message = { kind: 'NS', target, options: [this.#sourceLinkLayer()] } as const;
    if (mac === undefined) this.#port.send(message, source, solicitedNode(target));
    else this.#port.send(message, source, target, mac);
  }

  #advertised(message: RouterAdvertisement, src: Address): void {
    const now = this.#scheduler.now;
    this.#solicitation?.();
    this.#solicitation = undefined;
    const lifetime = message.routerLifetimeSeconds;
    if (lifetime > 0) this.#router = { address: src, until: now + lifetime * 1000 };
    else if (this.#router?.address === src) this.#router = undefined;
    if (message.curHopLimit > 0) this.hopLimit = message.curHopLimit;
    for (const option of message.options) this.#option(option, src);
  }

  #option(option: NdOption, src: Address): void {
    switch (option.kind) {
      case 'source-link-layer':
        this.#neighbours.learn(src, option.mac);
        break;
      case 'mtu':
        if (option.mtu >= 1280 && option.mtu <= LINUX.linkMtu) this.linkMtu = option.mtu;
        break;
      case 'prefix-information':
        if (option.autonomous) this.#prefix(option);
        break;
      default:
        break;
    }
  }

  /** RFC 4862 section 5.5.3. */
  #prefix(option: {
    readonly prefix: Prefix;
    readonly preferredSeconds: number;
    readonly validSeconds: number;
  }): void {
    const now = this.#scheduler.now;
    const { prefix, preferredSeconds, validSeconds } = option;
    const { address, length } = splitPrefix(prefix);
    if (isLinkLocal(address) || length !== 64 || preferredSeconds > validSeconds) return;
    const known = this.addresses.inPrefix(prefix, now);
    if (known !== undefined) refresh(known, option, now);
    else if (validSeconds > 0) {
      this.#configure(prefix, expiry(preferredSeconds, now), expiry(validSeconds, now));
    }
  }

  /** Adds an address and probes for it, RFC 4862 section 5.4. */
  #configure(prefix: Prefix, preferredUntil: number, validUntil: number): void {
    const address = eui64Address(prefix, this.#port.mac);
    const own = { address, prefix, tentative: true, preferredUntil, validUntil };
    this.addresses.add(own);
    this.#report([solicitedNode(address)]);
    this.#after(this.#random() * LINUX.dadDelayMax, () => {
      this.#probe(own);
      this.#after(LINUX.retransTimer, () => this.#assigned(own));
    });
  }

  #probe(own: HostAddress): void {
    if (!this.#holds(own)) return;
    const nonce = Uint8Array.from({ length: NONCE_OCTETS }, () => Math.floor(this.#random() * 256));
    const options: NdOption[] = [{ kind: 'unknown', type: NONCE_OPTION, data: nonce }];
    const message = { kind: 'NS', target: own.address, options } as const;
    this.#port.send(message, UNSPECIFIED, solicitedNode(own.address));
  }

  #assigned(own: HostAddress): void {
    if (!this.#holds(own)) return;
    own.tentative = false;
    if (isLinkLocal(own.address)) this.#solicit(LINUX.solicitCount);
  }

  #holds(own: HostAddress): boolean {
    return this.addresses.find(own.address, this.#scheduler.now) === own;
  }

  #solicit(left: number): void {
    const source = this.addresses.source(LINK_LOCAL_ANY, this.#scheduler.now);
    if (source === undefined) return;
    const options: NdOption[] = [this.#sourceLinkLayer()];
    const list = this.#port.addressList?.();
    if (list !== undefined && list.homes.length > 0) options.push({ kind: 'address-list', ...list });
    this.#port.send({ kind: 'RS', options }, source, ALL_ROUTERS);
    if (left > 1) this.#solicitation = this.#after(LINUX.solicitInterval, () => this.#solicit(left - 1));
  }

  #solicited(message: NeighborSolicitation, src: Address): void {
    const { target } = message;
    const own = this.addresses.find(target, this.#scheduler.now);
    if (own === undefined) return;
    if (own.tentative) {
      // Somebody else probes for the address that we probe for.
      if (src === UNSPECIFIED) this.addresses.remove(target);
      return;
    }
    const offered = message.options.find((option) => option.kind === 'source-link-layer');
    if (src !== UNSPECIFIED && offered !== undefined) this.#neighbours.learn(src, offered.mac);
    const answer = {
      kind: 'NA',
      target,
      router: false,
      solicited: src !== UNSPECIFIED,
      override: true,
      options: [{ kind: 'target-link-layer', mac: this.#port.mac }],
    } as const;
    this.#port.send(answer, target, src === UNSPECIFIED ? ALL_NODES : src);
  }

  #neighbourAdvertised(message: NeighborAdvertisement): void {
    const { target } = message;
    const own = this.addresses.find(target, this.#scheduler.now);
    if (own !== undefined) {
      if (own.tentative) this.addresses.remove(target);
      return;
    }
    const offered = message.options.find((option) => option.kind === 'target-link-layer');
    this.#neighbours.advertised(target, offered?.mac, message.solicited, message.override);
  }

  /** MLD is sent from the link-local address, from :: while that is tentative: RFC 3810 section 5.2.13. */
  #report(groups: readonly Address[]): void {
    if (groups.length === 0) return;
    const records = [...new Set(groups)].map((group) => ({
      type: MLD_RECORD.toExclude,
      group,
      sources: [],
    }));
    const source = this.addresses.source(LINK_LOCAL_ANY, this.#scheduler.now) ?? UNSPECIFIED;
    this.#port.send({ kind: 'mld2-report', records }, source, ALL_MLDV2_ROUTERS);
  }

  #sourceLinkLayer(): NdOption {
    return { kind: 'source-link-layer', mac: this.#port.mac };
  }

  /** Like the scheduler's, but forgotten when the interface goes down. */
  #after(delay: number, action: () => void): Cancel {
    const cancel = this.#scheduler.after(delay, () => {
      this.#pending.delete(cancel);
      action();
    });
    this.#pending.add(cancel);
    return cancel;
  }
}

/** Any destination of link-local scope, for source selection. */
const LINK_LOCAL_ANY: Address = 'fe80::';
