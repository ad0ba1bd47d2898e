import type { LinkId, Mac } from '../../../bindings/entries.ts';
import type { PresenceChange } from '../../../bindings/node/cpdp.ts';
import type { MaarEvent } from '../../core/maar-io.ts';

/** The ports of a router's access links as its agent tells of them. */
export class RouterPorts {
  readonly #dispatch: (event: MaarEvent) => void;
  readonly #leaving: (link: LinkId, port: string, mac: Mac) => void;
  /** Ports that are up, with their links. */
  readonly #up = new Map<string, LinkId>();
  /** Those that a new connection has not named yet. */
  #unnamed = new Map<string, LinkId>();

  constructor(dispatch: (event: MaarEvent) => void, leaving: (link: LinkId, port: string, mac: Mac) => void) {
    this.#dispatch = dispatch;
    this.#leaving = leaving;
  }

  linkOf(port: string): LinkId | undefined {
    return this.#up.get(port);
  }

  /** A connection begins, and with it everything is told again. */
  begin(): void {
    this.#unnamed = new Map(this.#up);
  }

  /** It has been told: what was not named is down. */
  complete(): void {
    for (const [port, link] of this.#unnamed) this.#change({ what: 'port-down', link, port });
    this.#unnamed.clear();
  }

  take(changes: readonly PresenceChange[]): void {
    for (const change of changes) {
      if ('mac' in change) this.#station(change);
      else this.#change(change);
    }
  }

  #change({ what, link, port }: Exclude<PresenceChange, { readonly mac: Mac }>): void {
    const up = what === 'port-up';
    this.#unnamed.delete(port);
    if (this.#up.has(port) === up) return;
    if (up) this.#up.set(port, link);
    else this.#up.delete(port);
    this.#dispatch({ type: 'port', link, port, up });
  }

  #station({ what, link, port, mac }: Extract<PresenceChange, { readonly mac: Mac }>): void {
    if (what === 'leaving') this.#leaving(link, port, mac);
    else this.#dispatch({ type: 'station', link, port, mac, present: what === 'present' });
  }
}
