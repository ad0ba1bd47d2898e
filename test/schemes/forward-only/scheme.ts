import type { Address } from '../../../bindings/entries.ts';
import type { MobileNode } from '../../../host/functions/lm/node.ts';
import type { Functions, Operations, Scheme } from '../../../host/schemes/scheme.ts';

/** A scheme of a few lines that moves nothing: correspondents elsewhere are tunnelled to their anchors from the start. */
export const forwardOnly: Scheme = {
  name: 'forward-only',
  check: () => [],
  create: ({ domain, forwarding }: Functions): Operations => ({
    flow(node: MobileNode, _home, cn): void {
      const anchor: Address | undefined = domain.anchorOf(cn);
      if (anchor === undefined || anchor === domain.self) return;
      forwarding.tunnel(`session ${node.mnId} ${cn}`, 'internal', cn, anchor);
      forwarding.commit();
    },
  }),
};
