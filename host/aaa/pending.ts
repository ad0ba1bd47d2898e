import type { Message } from '../wire/diameter/message.ts';

/** Requests sent on one connection, by hop-by-hop identifier, in the order of their deadlines. */
export class PendingRequests {
  readonly #limit: number;
  readonly #patience: number;
  readonly #requests = new Map<number, { readonly request: Message; readonly deadline: number }>();

  constructor(limit: number, patience: number) {
    this.#limit = limit;
    this.#patience = patience;
  }

  get full(): boolean {
    return this.#requests.size >= this.#limit;
  }

  /** When the oldest request times out. */
  get deadline(): number | undefined {
    for (const { deadline } of this.#requests.values()) return deadline;
    return undefined;
  }

  add(request: Message, now: number): void {
    this.#requests.set(request.hopByHop, { request, deadline: now + this.#patience });
  }

  /** The request that this message answers, which is then no longer pending. */
  take(answer: Message): Message | undefined {
    const request = this.#requests.get(answer.hopByHop)?.request;
    if (request?.command !== answer.command || request.endToEnd !== answer.endToEnd) return undefined;
    this.#requests.delete(answer.hopByHop);
    return request;
  }

  expire(now: number): Message[] {
    const expired: Message[] = [];
    for (const [identifier, { request, deadline }] of this.#requests) {
      if (deadline > now) break;
      this.#requests.delete(identifier);
      expired.push(request);
    }
    return expired;
  }

  clear(): Message[] {
    const all = [...this.#requests.values()].map(({ request }) => request);
    this.#requests.clear();
    return all;
  }
}
