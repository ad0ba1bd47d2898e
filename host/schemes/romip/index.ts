import type { Address, Prefix } from '../../../bindings/entries.ts';
import type { Usage } from '../../core/maar-io.ts';
import type { Home, MobileNode, Session } from '../../functions/lm/node.ts';
import { requestRefreshes } from '../../functions/lm/refresh.ts';
import type { MobilityMessage } from '../../wire/mobility/message.ts';
import type { Functions, Operations, Scheme } from '../scheme.ts';
import { onClaimed, onRegistered, SDbaParts } from './fetch.ts';
import { onDDbu } from './follow.ts';
import { STATUS } from './messages/constants.ts';
import { describeDistributed } from './messages/describe.ts';
import { createProfile, PROFILE_NAMES, type ProfileName } from './messages/profile.ts';
import { distributedSignatures } from './messages/signatures.ts';
import { retract } from './repoint.ts';
import { onSDbu } from './serve.ts';
import { onFlow } from './sessions.ts';
import { State, subjectOf } from './state.ts';
import { forgetNode, onRefreshRequest, onTimer } from './upkeep.ts';

/** draft-ma-dmm-romip: bindings fetched from the previous MAAR, correspondents' MAARs repointed. */
class Romip implements Operations {
  readonly #state: State;
  readonly #parts: SDbaParts;

  constructor(functions: Functions, profile: ProfileName) {
    this.#state = new State(functions, createProfile(profile));
    this.#parts = new SDbaParts(this.#state);
  }

  start(): void {
    requestRefreshes(this.#state.functions);
  }

  stop(): void {
    for (const node of this.#state.functions.location.nodes.values()) retract(this.#state, node);
  }

  registered(node: MobileNode, previous: Address | undefined): void {
    onRegistered(this.#state, node, previous);
  }

  detached(node: MobileNode): void {
    retract(this.#state, node);
    forgetNode(this.#state, node);
  }

  departed(): void {
    this.#state.unpark();
  }

  claimed(node: MobileNode, address: Address): void {
    onClaimed(this.#state, node, address);
  }

  flow(node: MobileNode, home: Home, cn: Prefix): void {
    onFlow(this.#state, node, home, cn);
  }

  usage(usage: Usage): void {
    this.#state.sessions.releaseIdle(usage);
  }

  timer(id: string): void {
    onTimer(this.#state, id);
  }

  settled(node: MobileNode): boolean {
    return this.#state.phases.of(node.mnId) === 'settled';
  }

  tunnelled(session: Session, node: MobileNode): boolean {
    return this.#state.sessions.needsTunnel(node, session);
  }

  mobility(mobility: MobilityMessage, src: Address): boolean {
    if (mobility.kind === 'BRR') {
      onRefreshRequest(this.#state, src);
      return true;
    }
    const { profile, functions } = this.#state;
    const result = profile.parse(mobility);
    if (result === 'not-distributed') return false;
    if (!result.ok) {
      functions.context.count(`message-${result.fault.reason}`);
      functions.context.trace('malformed', {
        from: functions.domain.nameOf(src),
        detail: { ...result.fault },
      });
      const refusal = profile.refuse(mobility);
      if (refusal !== undefined) this.#state.send(refusal, src);
      return true;
    }
    const message = result.value;
    switch (message.kind) {
      case 'sDBU':
        onSDbu(this.#state, message, src);
        return true;
      case 'dDBU':
        onDDbu(this.#state, message, src);
        return true;
      case 'sDBA':
      case 'dDBA':
        break;
    }
    const { context, domain } = functions;
    context.count(`received-${message.kind}`);
    const { kind, ...detail } = message;
    context.trace('receive', { message: kind, from: domain.nameOf(src), detail });
    const exchanges = kind === 'sDBA' ? this.#state.fetches : this.#state.repoints;
    if (message.status === STATUS.sequence) {
      exchanges.resynchronise(src, subjectOf(message), message.sequence);
    } else if (message.kind === 'sDBA') {
      this.#parts.receive(message, src);
    } else if (!this.#state.repoints.answer(src, message.sequence, message)) {
      context.count('ddba-unmatched');
    }
    return true;
  }
}

export const romip: Scheme = {
  name: 'romip',
  check(options) {
    return Object.entries(options).flatMap(([key, value]) => {
      if (key !== 'profile') return [{ key, remedy: 'remove it: the scheme knows only "profile"' }];
      const known = PROFILE_NAMES.some((name) => name === value);
      return known ? [] : [{ key, remedy: `one of ${PROFILE_NAMES.map((name) => `"${name}"`).join(', ')}` }];
    });
  },
  describe: describeDistributed,
  signatures: distributedSignatures,
  create(functions, options) {
    const profile = PROFILE_NAMES.find((name) => name === options['profile']) ?? 'romip-00';
    return new Romip(functions, profile);
  },
};
