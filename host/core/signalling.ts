import type { LocationService } from '../functions/lm/client/service.ts';
import type { Domain } from '../functions/lm/domain.ts';
import type { Operations } from '../schemes/scheme.ts';
import { emitIcmpv6 } from '../wire/icmpv6/message.ts';
import { PARAMETER_PROBLEM } from '../wire/icmpv6/registry.ts';
import { emitIpv6, IPV6_HEADER, NEXT_HEADER } from '../wire/ipv6.ts';
import { emitMobility, parseMobility, type MobilityMessage } from '../wire/mobility/message.ts';
import { BE_STATUS, BU_FLAG } from '../wire/mobility/registry.ts';
import type { Fault } from '../wire/result.ts';
import type { Context } from './context.ts';
import type { MaarEvent } from './maar-io.ts';

type MobilityEvent = Extract<MaarEvent, { type: 'mobility' }>;

/** "Not home agent for this mobile node": what an ordinary Binding Update gets from a router that is none. */
const NOT_HOME_AGENT = 133;
/** What every node that has a Mobility Header understands (RFC 6275). */
const BASE_KINDS = new Set<MobilityMessage['kind']>(['BRR', 'BU', 'BA', 'BE']);
/** What MAARs say to each other of locations: authenticated, or it changes nothing (docs/lm-messages.md). */
const BETWEEN_MAARS = new Set<MobilityMessage['kind']>(['LRI', 'LRA', 'HI', 'HAck']);
/** Replies to faulty messages in a second, over all peers [RFC 4443 2.4 (f), RFC 6275 9.3.3]. */
const REPLIES_PER_SECOND = 10;

/** Receives Mobility Header messages: who may send them, what a malformed one is answered, and to whom they go. */
export class Signalling {
  readonly #context: Context;
  readonly #domain: Domain;
  readonly #scheme: Operations;
  readonly #lm: LocationService | undefined;
  #tokens = REPLIES_PER_SECOND;
  #refilled = 0;

  constructor(context: Context, domain: Domain, scheme: Operations, lm?: LocationService) {
    this.#context = context;
    this.#domain = domain;
    this.#scheme = scheme;
    this.#lm = lm;
  }

  receive(event: MobilityEvent): void {
    if (event.side === 'access') {
      this.#context.count('mobility-from-access');
      return;
    }
    if (this.#lm?.isServer(event.src) === true) {
      this.#lm.receive(event);
      return;
    }
    if (!this.#domain.isPeer(event.src)) {
      this.#context.count('mobility-not-peer');
      this.#context.trace('drop', { from: event.src, detail: { why: 'Mobility Header from no peer' } });
      return;
    }
    const result = parseMobility(event.data, event.src, event.dst);
    if (result.ok) {
      if (this.#lm !== undefined && BETWEEN_MAARS.has(result.value.kind)) this.#lm.receive(event);
      else if (this.#scheme.mobility?.(result.value, event.src) !== true)
        this.#unclaimed(result.value, event);
      return;
    }
    const { fault } = result;
    this.#context.count(`mobility-${fault.reason}`);
    this.#context.trace('malformed', { from: this.#domain.nameOf(event.src), detail: { ...fault } });
    if (!this.#mayReply()) return;
    if (fault.reason === 'type-unknown') this.#bindingError(event);
    else if (fault.reason === 'payload-proto' || fault.reason === 'length')
      this.#parameterProblem(event, fault);
  }

  /** A valid message that means nothing to the scheme in force. */
  #unclaimed(message: MobilityMessage, event: MobilityEvent): void {
    const { src, dst } = event;
    this.#context.count(`unclaimed-${message.kind}`);
    // To whom no scheme speaks a type beyond RFC 6275, it is an unknown one.
    if (!BASE_KINDS.has(message.kind)) {
      if (this.#mayReply()) this.#bindingError(event);
      return;
    }
    if (message.kind !== 'BU' || (message.flags & (BU_FLAG.A | BU_FLAG.H)) === 0 || !this.#mayReply()) return;
    const { sequence } = message;
    const refusal: MobilityMessage = {
      kind: 'BA',
      status: NOT_HOME_AGENT,
      flags: 0,
      sequence,
      lifetime: 0,
      options: [],
    };
    this.#send(emitMobility(refusal, dst, src), dst, src);
  }

  #bindingError({ src, dst }: MobilityEvent): void {
    const error: MobilityMessage = { kind: 'BE', status: BE_STATUS.unknownType, home: '::', options: [] };
    this.#send(emitMobility(error, dst, src), dst, src);
    this.#context.trace('send', { message: 'BE', to: this.#domain.nameOf(src) });
  }

  #parameterProblem({ src, dst, data }: MobilityEvent, fault: Fault): void {
    // The socket gives no IPv6 header, so the invoking packet is rebuilt as the one without extension headers.
    const invoking = emitIpv6({ src, dst, nextHeader: NEXT_HEADER.mobility, hopLimit: 64 }, data);
    const problem = emitIcmpv6(
      {
        kind: 'parameter-problem',
        code: PARAMETER_PROBLEM.erroneousField,
        parameter: IPV6_HEADER + fault.offset,
        invoking,
      },
      dst,
      src,
    );
    this.#context.emit({ type: 'icmpv6', src: dst, dst: src, data: problem });
  }

  #send(data: Uint8Array, src: string, dst: string): void {
    this.#context.emit({ type: 'mobility', src, dst, data });
  }

  #mayReply(): boolean {
    const { now } = this.#context;
    if (now - this.#refilled >= 1000) {
      this.#tokens = REPLIES_PER_SECOND;
      this.#refilled = now;
    }
    if (this.#tokens === 0) {
      this.#context.count('reply-limited');
      return false;
    }
    this.#tokens--;
    return true;
  }
}
