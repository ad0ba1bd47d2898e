import type { Address, DataPlaneEvent, Prefix } from '../../bindings/entries.ts';
import type { MobilityMessage } from '../wire/mobility/message.ts';
import type { Signatures } from '../wire/mobility/signature.ts';
import type { Context } from '../core/context.ts';
import type { Usage } from '../core/maar-io.ts';
import type { Forwarding } from '../functions/fm/forwarding.ts';
import type { HomeAddressAllocator } from '../functions/haa/allocator.ts';
import type { Domain } from '../functions/lm/domain.ts';
import type { LocationEvent, LocationService } from '../functions/lm/client/service.ts';
import type { LocationManager } from '../functions/lm/location.ts';
import type { Home, MobileNode, Session } from '../functions/lm/node.ts';
import type { AccessLinks } from '../functions/proxy/access.ts';
import type { Attachment } from '../functions/proxy/attachment.ts';

/** The logical functions of one MAAR, as a scheme finds them. */
export interface Functions {
  readonly context: Context;
  readonly domain: Domain;
  readonly location: LocationManager;
  readonly forwarding: Forwarding;
  readonly allocator: HomeAddressAllocator;
  readonly access: AccessLinks;
  readonly attachment: Attachment;
  /** For schemes that need it. */
  readonly lm?: LocationService;
}

/**
 * What a scheme may do at each occasion; what it leaves out is not done. Attachment, authorisation, the MN's prefix on
 * this link and its native forwarding are there already: a scheme adds what happens to sessions when MNs move.
 */
export interface Operations {
  start?(): void;
  stop?(): void;
  /**
   * The AAA server has registered the MN with us and its local prefix stands. `previous` is the MAAR it came from,
   * undefined at its first attachment, our own address if we had it before.
   */
  registered?(node: MobileNode, previous: Address | undefined): void;
  /** The MN is gone and no other MAAR has asked for it. */
  detached?(node: MobileNode): void;
  /** The MN is no longer here or no longer waits to be: detached, refused, or gone before it was authorised. */
  departed?(node: MobileNode): void;
  /** An address of a home of the MN was heard for the first time. */
  heard?(node: MobileNode, home: Home, address: Prefix): void;
  /** The MN uses an address of the domain that is no home of it, as far as is known here. */
  claimed?(node: MobileNode, address: Address): void;
  /** First packet of a session between a home of ours and a correspondent, in either direction. */
  flow?(node: MobileNode, home: Home, cn: Prefix): void;
  /** What location management has to say; after the event that caused it has been dealt with. */
  located?(event: LocationEvent): void;
  /** A valid Mobility Header message from a peer; false if it is none of this scheme's. */
  mobility?(message: MobilityMessage, src: Address): boolean;
  dataplane?(event: DataPlaneEvent): void;
  usage?(usage: Usage): void;
  /** Timers whose id starts with "scheme:". */
  timer?(id: string): void;
  /** True once the MN's homes are known, so that its frames need not be shown to control any more. */
  settled?(node: MobileNode): boolean;
  /** Whether packets to this correspondent leave in a tunnel (for the views). */
  tunnelled?(session: Session, node: MobileNode): boolean;
}

export interface SchemeDesign {
  readonly name: string;
  /** Of the configuration's [scheme] table. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Every MAAR announces all home prefixes of the domain: the core gives the nearest one what comes from outside. */
  readonly anycast?: true;
}

/** What the messages of a handover are called, for whoever watches one. */
export interface HandoverMessages {
  /** The new MAAR asks the previous one about the MN, and is answered. */
  readonly ask: string;
  readonly context: string;
  /** Correspondents' MAARs hear of the move from the new or the previous MAAR, and answer. */
  readonly repoint: string;
  readonly repointed: string;
  readonly repointer: 'new' | 'previous';
}

export interface Scheme {
  readonly name: string;
  /** Parts of the configuration that others do without: `lm`, servers of location management and a key for each MAAR. */
  readonly needs?: readonly 'lm'[];
  /** Ways to set it up that `maar lab --compare` tells apart; the first is what it does without options. */
  readonly designs?: readonly SchemeDesign[];
  /** Those of dynamic mobility anchoring (sDBU and so on) unless given. */
  readonly handover?: HandoverMessages;
  /** Faults in the options of the configuration's [scheme] table; empty where there are none. */
  check(options: Readonly<Record<string, unknown>>): readonly { key: string; remedy: string }[];
  /** What a captured Mobility Header says in this scheme: an object whose `kind` names the message; undefined if nothing. */
  describe?(message: MobilityMessage): { readonly kind: string } | undefined;
  /** The same as rows, for readers of captures in other languages (docs/wireshark). */
  readonly signatures?: Signatures;
  create(functions: Functions, options: Readonly<Record<string, unknown>>): Operations;
}
