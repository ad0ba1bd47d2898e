import { get } from '../wire/diameter/avp.ts';
import type { Avp } from '../wire/diameter/avp.ts';
import type { Message } from '../wire/diameter/message.ts';

/** What was answered to a request, but for the header and Proxy-Info, which belong to each copy of it. */
export interface Reply {
  readonly code: number;
  readonly content: readonly Avp[];
}

/** RFC 6733 section 3: an end-to-end identifier may come again after four minutes. */
const MEMORY = 240_000;

/** Answers already given, by Origin-Host and end-to-end identifier (RFC 6733 section 5.5.4). */
export class Duplicates {
  readonly #limit: number;
  readonly #replies = new Map<string, { readonly reply: Reply; readonly at: number }>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  find(request: Message, now: number): Reply | undefined {
    const found = this.#replies.get(key(request));
    return found !== undefined && now - found.at < MEMORY ? found.reply : undefined;
  }

  remember(request: Message, reply: Reply, now: number): void {
    this.#replies.delete(key(request));
    this.#replies.set(key(request), { reply, at: now });
    for (const oldest of this.#replies.keys()) {
      if (this.#replies.size <= this.#limit) break;
      this.#replies.delete(oldest);
    }
  }
}

/** The Session-Id guards against a client that restarts with the identifiers it had before. */
function key(request: Message): string {
  const host = get(request.avps, 'Origin-Host') ?? '';
  const session = get(request.avps, 'Session-Id') ?? '';
  return `${host} ${request.endToEnd} ${request.command} ${session}`;
}
