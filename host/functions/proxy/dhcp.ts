import type { Context } from '../../core/context.ts';
import { duidOfMac, emitDhcp, parseDhcp } from '../../wire/dhcpv6/message.ts';
import { DHCPV6_PORT } from '../../wire/dhcpv6/registry.ts';
import { emitUdp } from '../../wire/udp.ts';
import { DhcpServer, readRequest, type DhcpClient, type DhcpHome } from '../haa/dhcp-server.ts';
import { InterfaceIds } from '../haa/interface-ids.ts';
import { localHomes, type Home, type MobileNode } from '../lm/node.ts';
import type { AccessLinks } from './access.ts';
import type { LocalHomes } from './local-homes.ts';

/** DHCPv6 on the access links: each station is asked about its own homes and no others. */
export class Dhcp {
  readonly #context: Context;
  readonly #access: AccessLinks;
  readonly #homes: LocalHomes;
  readonly #settled: (node: MobileNode) => boolean;
  readonly #duid: string;
  readonly #server: DhcpServer;

  /** `settled` tells whether all homes of an MN are known. */
  constructor(
    context: Context,
    access: AccessLinks,
    homes: LocalHomes,
    settled: (node: MobileNode) => boolean,
  ) {
    this.#context = context;
    this.#access = access;
    this.#homes = homes;
    this.#settled = settled;
    // The MAC that the access links of a domain share names one server of the domain.
    this.#duid = duidOfMac(context.config.links[0]?.mac ?? '00:00:00:00:00:00');
    this.#server = new DhcpServer(this.#duid, new InterfaceIds());
  }

  /** A datagram for servers, from the station of an attached MN. What it is told has been kept before. */
  receive(node: MobileNode, payload: Uint8Array): void {
    const parsed = parseDhcp(payload);
    if (!parsed.ok) {
      this.#context.count(`dhcp-${parsed.fault.reason}`);
      return;
    }
    const request = readRequest(parsed.value, this.#duid);
    if (typeof request === 'string') {
      this.#context.count(request);
      return;
    }
    const { kind } = request.message;
    this.#context.trace('receive', { message: `DHCPv6 ${kind}`, from: node.mnId });
    this.#homes.whenKept(node, () => {
      const answer = this.#server.answer(request, this.#client(node));
      if (kind === 'decline') this.#context.count('dhcp-declined');
      if (answer === undefined) return;
      this.#access.datagram(node, (src, dst) =>
        emitUdp(DHCPV6_PORT.server, DHCPV6_PORT.client, emitDhcp(answer), src, dst),
      );
      this.#context.trace('send', { message: `DHCPv6 ${answer.kind}`, to: node.mnId });
    });
  }

  #client(node: MobileNode): DhcpClient {
    const { mnId } = node;
    const local = localHomes(node).map((home) => {
      const network = this.#homes.networkOf(home.prefix);
      return this.#home(home, network?.mode === 'stateful', network?.preferredSeconds ?? 0);
    });
    const foreign = [...node.foreign.values()].map((home) => this.#home(home, false, 0));
    return {
      mnId,
      stateful: this.#homes.isManaged(node),
      settled: this.#settled(node),
      homes: [...local, ...foreign],
    };
  }

  #home({ prefix, validUntil }: Home, gives: boolean, preferredSeconds: number): DhcpHome {
    const validSeconds = Math.max(0, Math.floor((validUntil - this.#context.now) / 1000));
    return { prefix, gives, preferredSeconds: Math.min(preferredSeconds, validSeconds), validSeconds };
  }
}
