import type { LinkId } from '../../../bindings/entries.ts';
import type { Context } from '../../core/context.ts';
import type { LocationManager } from '../lm/location.ts';
import type { MobileNode } from '../lm/node.ts';

/** How long settled stations' frames are shown to control after a packet with an unknown source. */
const SHOW_ALL_MILLIS = 1000;

/** Which stations the packet socket need not show to control: an attached MN's data stays out of the control plane. */
export class Stations {
  readonly #context: Context;
  readonly #location: LocationManager;
  readonly #settled: (node: MobileNode) => boolean;
  readonly #shown = new Map<LinkId, string>();

  constructor(context: Context, location: LocationManager, settled: (node: MobileNode) => boolean) {
    this.#context = context;
    this.#location = location;
    this.#settled = settled;
  }

  /** Tells the packet socket which stations are settled; all others' frames come up to control. */
  show(link: LinkId): void {
    const macs = [...this.#location.nodes.values()]
      .filter((node) => node.link === link && node.state !== 'authorising')
      .filter((node) => node.state === 'refused' || (node.linkUp && !node.silent && this.#settled(node)))
      .map((node) => node.mac);
    const key = macs.join(' ');
    if (this.#shown.get(link) === key) return;
    this.#shown.set(link, key);
    this.#context.emit({ type: 'stations', link, macs });
  }

  /** Has every station's frames shown for a moment. */
  reveal(link: LinkId): void {
    this.#shown.set(link, '');
    this.#context.emit({ type: 'stations', link, macs: [] });
    this.#context.arm(`proxy:stations ${link}`, SHOW_ALL_MILLIS);
  }
}
