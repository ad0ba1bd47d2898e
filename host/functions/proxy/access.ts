import type { Address, LinkId, Mac, Prefix } from '../../../bindings/entries.ts';
import type { LinkConfig, NetworkConfig } from '../../core/config.ts';
import type { Context } from '../../core/context.ts';
import { ALL_NODES, contains, multicastMac, splitPrefix } from '../../wire/address.ts';
import { emitFrame } from '../../wire/ethernet.ts';
import { emitIcmpv6, ROUTER_PREFERENCE, type Icmpv6Message } from '../../wire/icmpv6/message.ts';
import type { NdOption } from '../../wire/icmpv6/options.ts';
import { ND_HOP_LIMIT } from '../../wire/icmpv6/registry.ts';
import { IPV6_HEADER, IPV6_MINIMUM_MTU, NEXT_HEADER } from '../../wire/ipv6.ts';
import { localHomes, type Home, type MobileNode } from '../lm/node.ts';

/** Octets of the destination options header that carries an encapsulation limit (RFC 2473 section 5.1). */
const LIMIT_HEADER = 8;

/** AdvDefaultLifetime; advertised again at a third of it [RFC 4861 6.2.1]. */
export const ROUTER_LIFETIME_SECONDS = 1800;

/** What the access router says to its stations: advertisements and probes. */
export class AccessLinks {
  readonly #context: Context;
  readonly #links: ReadonlyMap<LinkId, LinkConfig>;
  #echoes = 0;

  constructor(context: Context) {
    this.#context = context;
    this.#links = new Map(context.config.links.map((link) => [link.id, link]));
  }

  link(id: LinkId): LinkConfig | undefined {
    return this.#links.get(id);
  }

  /**
   * An RA to one station: the prefix of this MAAR preferred, those of earlier MAARs deprecated but valid, all off-link,
   * so that hosts send everything to the router. It leaves at once and by unicast, which departs from the pacing of
   * RFC 4861 6.2.6: a handover cannot wait MIN_DELAY_BETWEEN_RAS, and each station has prefixes of its own.
   * `networkOf` tells the network of a prefix of this MAAR; one that is not leased yet is left out, and so is what is given
   * by DHCPv6, where the station would form an address besides. `managed` sends it there.
   */
  advertise(
    node: MobileNode,
    managed: boolean,
    networkOf: (prefix: Prefix) => NetworkConfig | undefined,
  ): void {
    const { now, config } = this.#context;
    const information = (prefix: Prefix, validSeconds: number, preferred: number): NdOption => ({
      kind: 'prefix-information',
      prefix,
      onLink: false,
      autonomous: true,
      validSeconds: Math.max(0, validSeconds),
      preferredSeconds: preferred,
    });
    const ofHome = ({ prefix, validUntil }: Home, preferred: number): NdOption => {
      const valid = Math.floor((validUntil - now) / 1000);
      return information(prefix, valid, Math.min(preferred, valid));
    };
    const link = this.#links.get(node.link);
    if (link === undefined) return;
    const leased = localHomes(node).filter(({ validUntil }) => validUntil > now);
    const own = leased.filter(({ prefix }) => networkOf(prefix)?.mode === 'stateless');
    const earlier = [...node.foreign.values()].filter(({ prefix }) => !this.#isStateful(prefix));
    const spent = [...node.spent].filter((prefix) => !this.#isStateful(prefix));
    const overhead = IPV6_HEADER + (config.encapsulationLimit === undefined ? 0 : LIMIT_HEADER);
    const options: NdOption[] = [
      { kind: 'source-link-layer', mac: link.mac },
      // Room for the headers of the tunnel, so that what is tunnelled later needs no fragmentation.
      { kind: 'mtu', mtu: Math.max(IPV6_MINIMUM_MTU, Math.min(link.mtu, config.coreMtu - overhead)) },
      ...own.map((home) => ofHome(home, networkOf(home.prefix)?.preferredSeconds ?? 0)),
      ...earlier.map((home) => ofHome(home, 0)),
      ...spent.map((prefix) => information(prefix, 0, 0)),
    ];
    this.#send(node, node.linkLocalHeard ? node.linkLocal : ALL_NODES, {
      kind: 'RA',
      curHopLimit: 64,
      managed: managed || earlier.length < node.foreign.size,
      other: false,
      preference: ROUTER_PREFERENCE.medium,
      routerLifetimeSeconds: ROUTER_LIFETIME_SECONDS,
      reachableTime: 0,
      retransTimer: 0,
      options,
    });
    const name = own.length === 0 ? 'none' : 'local';
    const all = earlier.length + spent.length === 0 ? name : 'with earlier prefixes';
    this.#context.trace('send', { message: 'RA', to: node.mnId, detail: { prefixes: all } });
  }

  /** A datagram to a station; `make` is given the addresses that it goes from and to. */
  datagram(node: MobileNode, make: (src: Address, dst: Address) => Uint8Array): void {
    const link = this.#links.get(node.link);
    if (link === undefined) return;
    const payload = make(link.linkLocal, node.linkLocal);
    this.#packet(link, node.mac, node.linkLocal, NEXT_HEADER.udp, payload, node.port);
  }

  /** Whether another MAAR gives addresses of the prefix by DHCPv6. */
  #isStateful(prefix: Prefix): boolean {
    return this.#context.config.peers.some(({ stateful = [] }) =>
      stateful.some((one) => contains(one, prefix)),
    );
  }

  /** Asks a station whether it is still on its link, at its link-local address and at one global address it was heard with. */
  probe(node: MobileNode): void {
    const heard = node.local?.addresses.values().next().value;
    const targets = [node.linkLocal, ...(heard === undefined ? [] : [splitPrefix(heard).address])];
    const mac = this.#links.get(node.link)?.mac;
    if (mac === undefined) return;
    for (const target of targets) {
      this.#send(node, target, { kind: 'NS', target, options: [{ kind: 'source-link-layer', mac }] });
    }
    this.#context.trace('send', { message: 'NS', to: node.mnId, detail: { purpose: 'probe' } });
  }

  /** Asks who is there: hosts answer an echo to all nodes [RFC 4443 4.2], also those that would send nothing by themselves. */
  discover(id: LinkId, port?: string): void {
    const link = this.#links.get(id);
    if (link === undefined) return;
    this.#echoes = (this.#echoes + 1) & 0xffff;
    const echo: Icmpv6Message = {
      kind: 'echo-request',
      identifier: 0,
      sequence: this.#echoes,
      data: new Uint8Array(),
    };
    this.#frame(link, multicastMac(ALL_NODES), ALL_NODES, echo, port);
    this.#context.trace('send', { message: 'echo', detail: { purpose: 'discover', link: id, port } });
  }

  #send(node: MobileNode, dst: Address, message: Icmpv6Message): void {
    const link = this.#links.get(node.link);
    // A unicast frame even for ff02::1 [RFC 6085]: the advertisement is for this station alone.
    if (link !== undefined) this.#frame(link, node.mac, dst, message, node.port);
  }

  #frame(link: LinkConfig, dstMac: Mac, dst: Address, message: Icmpv6Message, port?: string): void {
    const payload = emitIcmpv6(message, link.linkLocal, dst);
    this.#packet(link, dstMac, dst, NEXT_HEADER.icmpv6, payload, port);
  }

  #packet(
    link: LinkConfig,
    dstMac: Mac,
    dst: Address,
    nextHeader: number,
    payload: Uint8Array,
    port?: string,
  ): void {
    const data = emitFrame({
      srcMac: link.mac,
      dstMac,
      src: link.linkLocal,
      dst,
      hopLimit: ND_HOP_LIMIT,
      nextHeader,
      payload,
    });
    this.#context.emit({ type: 'frame', link: link.id, data, ...(port === undefined ? {} : { port }) });
  }
}
