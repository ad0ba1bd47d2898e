import type { Address, DataPlaneEvent, Prefix } from '../../../bindings/entries.ts';
import type { Usage } from '../../core/maar-io.ts';
import type { LocationEvent } from '../../functions/lm/client/service.ts';
import { describeLocation } from '../../functions/lm/messages/describe.ts';
import type { Home, MobileNode, Session } from '../../functions/lm/node.ts';
import { requestRefreshes } from '../../functions/lm/refresh.ts';
import type { MobilityMessage } from '../../wire/mobility/message.ts';
import type { Operations, Scheme } from '../scheme.ts';
import { watchLeased } from './anchor.ts';
import { onAttached, onClaimed, onContext, onRegistered } from './attach.ts';
import { checkOptions, DESIGNS, readOptions } from './designs.ts';
import { onAsked, unpark } from './leave.ts';
import { onLocated } from './locate.ts';
import { onRegisteredThere } from './register.ts';
import { onFlow } from './sessions.ts';
import { State } from './state.ts';
import { onRedirected, onUnknown } from './stray.ts';
import { takeAllHomes } from './transit.ts';
import { forgetNode, onRefreshRequest, onTimer, onUsage } from './upkeep.ts';

/** draft-luo-dmm-with-mip-and-pmip: MAARs ask location management, or each other, where to send. */
class Luo implements Operations {
  readonly #state: State;

  constructor(state: State) {
    this.#state = state;
  }

  start(): void {
    if (this.#state.anycast) takeAllHomes(this.#state);
    requestRefreshes(this.#state.functions);
    watchLeased(this.#state);
  }

  stop(): void {
    for (const { mnId } of this.#state.functions.location.nodes.values()) this.#state.lm.detach(mnId);
  }

  registered(node: MobileNode, previous: Address | undefined): void {
    onRegistered(this.#state, node, previous);
    unpark(this.#state, node.mnId);
  }

  detached(node: MobileNode): void {
    forgetNode(this.#state, node);
  }

  departed(node: MobileNode): void {
    unpark(this.#state, node.mnId);
  }

  claimed(node: MobileNode, address: Address): void {
    onClaimed(this.#state, node, address);
  }

  flow(node: MobileNode, home: Home, cn: Prefix): void {
    onFlow(this.#state, node, home, cn);
  }

  located(event: LocationEvent): void {
    switch (event.type) {
      case 'located':
        onLocated(this.#state, event);
        return;
      case 'attached':
        onAttached(this.#state, event);
        return;
      case 'registered':
        onRegisteredThere(this.#state, event);
        return;
      case 'context':
        onContext(this.#state, event);
        unpark(this.#state, event.mnId);
        return;
      case 'asked':
        onAsked(this.#state, event.asked);
        return;
      case 'unreachable': {
        const node = this.#state.functions.location.nodes.get(event.mnId);
        if (node?.state === 'attached') this.#state.lm.attach(event.mnId);
      }
    }
  }

  dataplane(event: DataPlaneEvent): void {
    if (event.kind === 'redirect') onRedirected(this.#state, event);
    else if (event.kind === 'unknown-destination') onUnknown(this.#state, event);
  }

  usage(usage: Usage): void {
    onUsage(this.#state, usage);
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
    if (mobility.kind !== 'BRR') return false;
    onRefreshRequest(this.#state, src);
    return true;
  }
}

export const luo: Scheme = {
  name: 'luo',
  needs: ['lm'],
  handover: { ask: 'HI', context: 'HAck', repoint: 'LRI', repointed: 'LRA', repointer: 'previous' },
  designs: Object.entries(DESIGNS).map(([name, { firstSegment }]) => ({
    name,
    options: { design: name },
    ...(firstSegment === 'anycast' ? { anycast: true as const } : {}),
  })),
  check: checkOptions,
  describe: describeLocation,
  create(functions, options) {
    const { lm } = functions;
    if (lm === undefined) throw new Error('scheme "luo" needs servers of location management, [lm]');
    return new Luo(new State(functions, lm, readOptions(options)));
  },
};
