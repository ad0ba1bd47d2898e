import type { Address, LinkId } from '../../../bindings/entries.ts';
import type { Context } from '../../core/context.ts';
import type { Forwarding } from '../fm/forwarding.ts';
import type { HomeAddressAllocator } from '../haa/allocator.ts';
import type { Domain } from '../lm/domain.ts';
import type { LocationManager } from '../lm/location.ts';
import { mnPrefix, newNode, type Home, type MobileNode } from '../lm/node.ts';
import { type AccessLinks, ROUTER_LIFETIME_SECONDS } from './access.ts';
import { Dhcp } from './dhcp.ts';
import { HeardAddresses } from './heard-addresses.ts';
import { readFrame, type Heard } from './heard.ts';
import { LocalHomes } from './local-homes.ts';
import { MnEntries } from './mn-entries.ts';
import { Ports } from './ports.ts';
import { isAway, Presence } from './presence.ts';
import { Silence } from './silence.ts';
import { Stations } from './stations.ts';

/** MNs waiting for the AAA server at once; more are not looked at until one is answered. */
const MAX_AUTHORISING = 256;
/** Refused stations that are left alone at once. */
const MAX_REFUSED = 256;
/** How long a refused station is left alone, in milliseconds. */
const REFUSED_MILLIS = 30_000;
/** The same of one that another MAAR has just heard: it may be on its way, or a thief of the MAC. */
export const ELSEWHERE_MILLIS = 250;
/** What a refused station may have on hold: the least that a hold can be. */
const REFUSED_PACKETS = 1;
/** MAX_INITIAL_RTR_ADVERTISEMENTS; closer together than MAX_INITIAL_RTR_ADVERT_INTERVAL, since a handover waits for them. */
const INITIAL_RAS = 3;
const INITIAL_RA_MILLIS = 2000;

/** What attachment asks of its surroundings: the AAA server, and the scheme. */
export interface AttachmentHooks {
  register(node: MobileNode): void;
  deregister(node: MobileNode): void;
  registered(node: MobileNode, previous: Address | undefined): void;
  detached(node: MobileNode): void;
  departed(node: MobileNode): void;
  heard(node: MobileNode, home: Home, address: string): void;
  claimed(node: MobileNode, address: Address): void;
  settled(node: MobileNode): boolean;
}

/**
 * The mobility proxy of unmodified hosts: finds out that a station has come (from whatever frame it sends first), has it
 * authorised, gives it a prefix, and finds out that it has gone.
 */
export class Attachment {
  readonly #context: Context;
  readonly #domain: Domain;
  readonly #location: LocationManager;
  readonly #forwarding: Forwarding;
  readonly #homes: LocalHomes;
  readonly #dhcp: Dhcp;
  readonly #access: AccessLinks;
  readonly #hooks: AttachmentHooks;
  readonly #ports: Ports;
  readonly #stations: Stations;
  readonly #addresses: HeardAddresses;
  readonly entries: MnEntries;
  readonly presence: Presence;
  readonly silence: Silence;

  constructor(
    functions: {
      context: Context;
      domain: Domain;
      location: LocationManager;
      forwarding: Forwarding;
      allocator: HomeAddressAllocator;
      access: AccessLinks;
    },
    hooks: AttachmentHooks,
  ) {
    this.#context = functions.context;
    this.#domain = functions.domain;
    this.#location = functions.location;
    this.#forwarding = functions.forwarding;
    this.#homes = new LocalHomes(this.#context, this.#domain, functions.allocator);
    this.#access = functions.access;
    this.#hooks = hooks;
    this.#dhcp = new Dhcp(this.#context, this.#access, this.#homes, (node) => hooks.settled(node));
    this.#ports = new Ports(this.#context);
    this.entries = new MnEntries(this.#context, this.#domain, this.#forwarding, (node) =>
      hooks.settled(node),
    );
    this.#addresses = new HeardAddresses(this.#context, this.#domain, {
      nextHopChanged: (node) => this.entries.reinstall(node),
      heard: (node, home, address) => hooks.heard(node, home, address),
      claimed: (node, address) => hooks.claimed(node, address),
    });
    this.#stations = new Stations(this.#context, this.#location, (node) => hooks.settled(node));
    this.presence = new Presence(this.#context, this.#access, (node, why) => {
      this.detach(node, why);
    });
    this.silence = new Silence(this.#context, this.#location, this.presence, (node) => {
      this.entries.buffer(node);
      this.#stations.show(node.link);
    });
  }

  /** The MN's homes are known now, or are not known any more. */
  settledChanged(node: MobileNode): void {
    this.entries.holdUntilSettled(node);
    this.#forwarding.commit();
    this.#stations.show(node.link);
  }

  /** Finds the stations that were there before us. */
  start(): void {
    for (const link of this.#context.config.links) {
      this.#stations.show(link.id);
      this.#access.discover(link.id);
    }
    this.silence.start();
  }

  frame(link: LinkId, port: string, data: Uint8Array): void {
    if (!this.#ports.accepts(port)) return;
    const result = readFrame(link, port, data);
    if (!result.ok) {
      this.#context.count(`frame-${result.fault.reason}`);
      return;
    }
    const heard = result.value;
    const own = this.#access.link(link);
    if (heard.mac === own?.mac || heard.address === own?.linkLocal) {
      this.#ports.disable(port);
      return;
    }
    if (heard.message?.kind === 'RA') this.#context.count('rogue-ra');
    this.#heard(heard);
  }

  port(link: LinkId, port: string, up: boolean): void {
    this.#ports.changed(port, up);
    if (up) {
      this.#access.discover(link, port);
      return;
    }
    for (const node of this.#location.nodes.values()) {
      if (node.link !== link || node.port !== port || !node.linkUp) continue;
      this.presence.linkLost(node, () => this.entries.buffer(node));
      this.#stations.show(link);
    }
  }

  station(link: LinkId, port: string, mac: string, present: boolean): void {
    const node = this.#location.byMac(mac);
    if (!present) {
      if (node?.state !== 'attached' || node.link !== link || node.port !== port) return;
      // It also forgets the stations of a port that goes down, which is not news.
      if (node.linkUp) this.presence.doubt(node);
      return;
    }
    this.#heard({
      mac,
      link,
      port,
      trigger: 'station',
      address: undefined,
      homes: [],
      correspondents: [],
      message: undefined,
    });
  }

  /** The link layer's announcement; a station that is not attached there has nothing to be kept. */
  leaving(link: LinkId, port: string, mac: string): void {
    const node = this.#location.byMac(mac);
    const answer = (): void => this.#context.emit({ type: 'buffering', mac });
    if (node?.state !== 'attached' || node.link !== link || node.port !== port) {
      answer();
      return;
    }
    this.presence.leaving(node);
    this.entries.buffer(node, answer);
  }

  /**
   * The data plane met a source address that nothing permits. Where the port tells no station, the settled ones' frames
   * are shown for a moment, so that the next such packet tells whose address it is.
   */
  unknownSource(src: Address, link: LinkId, mac: string | undefined): void {
    if (this.#domain.anchorOf(src) === undefined) return;
    if (mac === undefined) {
      this.#stations.reveal(link);
      return;
    }
    const node = this.#location.byMac(mac);
    if (node?.state === 'attached') this.#addresses.hear(node, src);
  }

  /** The AAA server's word. */
  answered(
    mnId: string,
    answer: { previous: Address | undefined; counter: number } | { refused: string },
  ): void {
    const node = this.#location.nodes.get(mnId);
    if (node === undefined) return;
    if ('refused' in answer) {
      this.refuse(node, answer.refused);
      return;
    }
    const again = node.state === 'attached';
    node.counter = answer.counter;
    this.#context.trace('registered', { detail: { mnId, ...answer } });
    if (!again) this.#settleLocally(node);
    this.#hooks.registered(node, answer.previous);
  }

  /** Registers an MN again that is here although another MAAR has claimed it. */
  reregister(node: MobileNode): void {
    this.#hooks.register(node);
  }

  /** Leaves a station alone for a while (milliseconds); what it sent is dropped. */
  refuse(node: MobileNode, why: string, millis = REFUSED_MILLIS): void {
    this.#context.count('attach-refused');
    this.#context.trace('refused', { detail: { mnId: node.mnId, why } });
    if (node.state === 'attached') {
      this.#hooks.detached(node);
      this.#hooks.deregister(node);
    }
    for (const address of node.claimed) this.#forwarding.discard(mnPrefix(address));
    this.#forwarding.unholdStation(node.link, node.mac);
    // It goes on sending: its packets must not fill the hold that all newcomers share.
    this.#forwarding.holdStation(node.link, node.mac, REFUSED_PACKETS);
    this.entries.uninstallAll(node);
    this.#forwarding.commit();
    node.state = 'refused';
    node.local = undefined;
    node.further = [];
    node.foreign.clear();
    this.#homes.forget(node);
    this.presence.forget(node);
    this.#context.disarm(`proxy:advertise ${node.mnId}`);
    this.#context.arm(`proxy:refused ${node.mnId}`, millis);
    this.#boundRefused();
    this.#stations.show(node.link);
    this.#hooks.departed(node);
  }

  /** A flood of invented stations costs no more than this: the longest refused make room. */
  #boundRefused(): void {
    const refused = [...this.#location.nodes.values()].filter((node) => node.state === 'refused');
    if (refused.length > MAX_REFUSED && refused[0] !== undefined) this.forget(refused[0]);
  }

  /** Takes an MN out of this MAAR's care; its entries are the caller's to withdraw. */
  forget(node: MobileNode): void {
    this.#location.nodes.delete(node.mnId);
    this.#homes.forget(node);
    this.#hooks.deregister(node);
    this.presence.forget(node);
    this.#forwarding.unholdStation(node.link, node.mac);
    this.#forwarding.commit();
    for (const timer of ['advertise', 'refused']) this.#context.disarm(`proxy:${timer} ${node.mnId}`);
    this.#stations.show(node.link);
    this.#hooks.departed(node);
  }

  /** Ends a registration: the MN is gone, or the AAA server wants it gone. */
  detach(node: MobileNode, why: string): void {
    this.#context.trace('detach', { detail: { mnId: node.mnId, why } });
    this.entries.uninstallAll(node);
    if (node.state === 'attached') this.#hooks.detached(node);
    this.forget(node);
    this.#forwarding.commit();
  }

  timer(id: string): void {
    const [kind, mnId = ''] = id.slice('proxy:'.length).split(' ');
    if (kind === 'probe') this.presence.probeEnded(mnId);
    if (kind === 'stations') this.#stations.show(Number(mnId));
    if (kind === 'activity') this.silence.look();
    const node = this.#location.nodes.get(mnId);
    if (node === undefined) return;
    if (kind === 'refused') {
      this.forget(node);
    } else if (kind === 'stayed') {
      node.leaving = false;
      this.entries.reinstall(node);
    } else if (kind === 'gone' || kind === 'alive') {
      this.presence.check(node);
    } else if (kind === 'advertise') {
      this.advertise(node);
    }
  }

  /** Sends the MN its prefixes, once their leases are kept, and sees to the next time. */
  advertise(node: MobileNode): void {
    if (node.state !== 'attached') return;
    this.#renew(node);
    this.#homes.whenKept(node, () => {
      if (!this.#isAttached(node)) return;
      this.#access.advertise(node, this.#homes.isManaged(node), (prefix) => this.#homes.networkOf(prefix));
    });
    // Until the MN is heard with an address of the prefix, the advertisement may have been lost [RFC 4861 6.2.4].
    const unheard = node.local !== undefined && node.local.addresses.size === 0;
    const again = unheard && node.initialRas++ < INITIAL_RAS;
    const seconds = Math.min(ROUTER_LIFETIME_SECONDS / 3, this.#homes.againSeconds(node));
    this.#context.arm(`proxy:advertise ${node.mnId}`, again ? INITIAL_RA_MILLIS : seconds * 1000);
  }

  #heard(heard: Heard): void {
    const known = this.#location.byMac(heard.mac);
    const node = known ?? this.#attach(heard);
    if (node === undefined || node.state === 'refused') return;
    this.presence.heard(node);
    if (!node.linkUp || node.link !== heard.link || node.port !== heard.port) this.#moveHere(node, heard);
    else if (node.silent) this.#speaksAgain(node);
    this.#addresses.name(node, heard.correspondents);
    for (const address of [...heard.homes, ...(heard.address === undefined ? [] : [heard.address])]) {
      this.#addresses.hear(node, address);
    }
    if (heard.dhcp !== undefined && node.state === 'attached') {
      this.#renew(node);
      this.#dhcp.receive(node, heard.dhcp);
    }
    if (heard.trigger === 'rs' && known !== undefined && node.state === 'attached') this.advertise(node);
  }

  #attach(heard: Heard): MobileNode | undefined {
    const authorising = [...this.#location.nodes.values()].filter((node) => node.state === 'authorising');
    if (authorising.length >= MAX_AUTHORISING) {
      this.#context.count('attach-limit');
      return undefined;
    }
    const { mac, link, port, trigger } = heard;
    const mnId = `${mac.replaceAll(':', '')}@${this.#context.config.mnRealm}`;
    const node = newNode({ mnId, mac, link, port }, this.#context.now);
    this.#location.nodes.set(mnId, node);
    this.#context.count('attach');
    if (trigger === 'rs') this.#context.trace('receive', { message: 'RS', from: mnId });
    this.#context.trace('attach', { detail: { mnId, mac, link, port, trigger } });
    this.presence.watch(node);
    this.#forwarding.holdStation(link, mac);
    this.#forwarding.commit();
    this.#hooks.register(node);
    return node;
  }

  /** A known station on another port or link of this MAAR, or back after the link layer had lost it. */
  #moveHere(node: MobileNode, heard: Heard): void {
    const from = node.link;
    const away = isAway(node);
    this.presence.linkBack(node);
    node.port = heard.port;
    if (from !== heard.link) {
      this.entries.changeLink(node, heard.link);
      this.#stations.show(from);
    }
    if (away || from !== heard.link) this.entries.reinstall(node);
    this.#stations.show(node.link);
    this.advertise(node);
  }

  #speaksAgain(node: MobileNode): void {
    node.silent = false;
    this.entries.reinstall(node);
    this.#stations.show(node.link);
  }

  /** An MN for which no prefix is left is attached all the same: its homes elsewhere are good here. */
  #settleLocally(node: MobileNode): void {
    node.state = 'attached';
    this.#give(node);
    this.entries.holdUntilSettled(node);
    this.#forwarding.commit(() => {
      if (this.#isAttached(node)) this.advertise(node);
    });
  }

  #renew(node: MobileNode): void {
    this.#give(node);
    this.#forwarding.commit();
  }

  #give(node: MobileNode): void {
    for (const home of this.#homes.give(node)) {
      this.#addresses.adopt(node, home);
      this.entries.install(node, home);
    }
  }

  #isAttached(node: MobileNode): boolean {
    return node.state === 'attached' && this.#location.nodes.get(node.mnId) === node;
  }
}
