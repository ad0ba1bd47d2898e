import type { Context } from '../../core/context.ts';
import { emitMobility } from '../../wire/mobility/message.ts';
import type { Domain } from './domain.ts';

/** A restarted MAAR asks its peers for what they told it before [BRR, RFC 6275 6.1.2]. */
export function requestRefreshes(parts: { readonly context: Context; readonly domain: Domain }): void {
  const { context, domain } = parts;
  for (const { address, name } of context.config.peers) {
    const data = emitMobility({ kind: 'BRR', options: [] }, domain.self, address);
    context.emit({ type: 'mobility', src: domain.self, dst: address, data });
    context.trace('send', { message: 'BRR', to: name });
  }
}
