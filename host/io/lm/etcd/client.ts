import { Agent, request as httpRequest } from 'node:http';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { messageOf } from '../../../core/error-message.ts';

/** A member of the cluster. */
export interface Endpoint {
  /** Without brackets. */
  readonly host: string;
  readonly port: number;
}

/** Codes of gRPC, which the gateway puts beside its errors. */
export const GRPC = {
  invalidArgument: 3,
  deadlineExceeded: 4,
  notFound: 5,
  outOfRange: 11,
  unavailable: 14,
} as const;

/** What etcd refused, or that no member answered in time (without a code). */
export class EtcdError extends Error {
  readonly code: number | undefined;

  constructor(message: string, code?: number) {
    super(message);
    this.code = code;
  }
}

/** Of one try at one member; one that is cut off answers nothing at all. */
const TRY_MS = 1_000;
/** Between tries once every member has been tried, as while a leader is elected. */
const PAUSE_MS = 50;
/** No answer of ours comes near it: pages of a range are bounded. */
const MAX_ANSWER = 64 << 20;

/**
 * The JSON gateway of an etcd cluster, version 3 of the API: requests go to the member that answered last, and to the next one when
 * it is silent, unreachable or without a leader.
 */
export class EtcdClient {
  readonly #endpoints: readonly Endpoint[];
  readonly #agent = new Agent({ keepAlive: true });
  readonly #report: (reason: string) => void;
  readonly #closed = new AbortController();
  /** Members that did not answer when last asked: said once. */
  readonly #silent = new Set<number>();
  #preferred = 0;
  #cluster: string | undefined;

  /** `endpoints`: one at least. `report` is told when a member does not answer any more. */
  constructor(endpoints: readonly Endpoint[], report: (reason: string) => void) {
    this.#endpoints = endpoints;
    this.#report = report;
  }

  get size(): number {
    return this.#endpoints.length;
  }

  /**
   * Asks until a member has carried it out. One that does not answer may still have done so: what is asked must be right to do twice.
   * Rejects with an EtcdError when etcd refuses it, or no member has answered after `deadline` milliseconds.
   */
  async call(path: string, body: object, deadline: number): Promise<unknown> {
    const text = JSON.stringify(body);
    const end = performance.now() + deadline;
    for (let tried = 1; ; tried++) {
      const index = this.#preferred;
      const left = end - performance.now();
      try {
        const answer = await this.#try(this.#endpoints[index]!, path, text, Math.min(TRY_MS, left));
        this.#silent.delete(index);
        return this.#checked(answer);
      } catch (error) {
        if (!isPassing(error) || this.#closed.signal.aborted) throw error;
        const reason = `${nameOf(this.#endpoints[index]!)}: ${messageOf(error)}`;
        if (this.#preferred === index) this.#preferred = (index + 1) % this.size;
        if (!this.#silent.has(index)) this.#report(reason);
        this.#silent.add(index);
        if (end - performance.now() <= PAUSE_MS)
          throw new EtcdError(`no member of etcd answers; last ${reason}`);
        if (tried % this.size === 0) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
      }
    }
  }

  /**
   * Opens a stream at the `index`-th member, modulo their number, and gives each of its messages to `take`. Resolves when it has
   * ended, or could not be opened, with the reason; rejects with nothing but what `take` throws.
   */
  async stream(
    index: number,
    path: string,
    body: object,
    signal: AbortSignal,
    take: (message: unknown) => void,
  ): Promise<string> {
    const endpoint = this.#endpoints[index % this.size]!;
    const messages = this.#messages(endpoint, path, body, AbortSignal.any([signal, this.#closed.signal]));
    for (;;) {
      let next: IteratorResult<unknown, void>;
      try {
        next = await messages.next();
      } catch (error) {
        return `${nameOf(endpoint)}: ${messageOf(error)}`;
      }
      if (next.done === true) return `${nameOf(endpoint)}: the stream ended`;
      take(next.value);
    }
  }

  close(): void {
    this.#closed.abort();
    this.#agent.destroy();
  }

  async *#messages(
    endpoint: Endpoint,
    path: string,
    body: object,
    signal: AbortSignal,
  ): AsyncGenerator<unknown, void> {
    const request = this.#open(endpoint, path, JSON.stringify(body), signal);
    const late = setTimeout(() => request.destroy(new EtcdError('no answer in time')), TRY_MS);
    let response: IncomingMessage;
    try {
      [response] = (await once(request, 'response')) as [IncomingMessage];
    } finally {
      clearTimeout(late);
    }
    let rest = '';
    for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) {
      const lines = (rest + chunk).split('\n');
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') yield this.#checked(resultOf(JSON.parse(line)));
    }
  }

  async #try(endpoint: Endpoint, path: string, text: string, ms: number): Promise<unknown> {
    const timeout = AbortSignal.timeout(Math.max(1, Math.floor(ms)));
    const request = this.#open(endpoint, path, text, AbortSignal.any([timeout, this.#closed.signal]));
    try {
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      let answer = '';
      for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) {
        answer += chunk;
        if (answer.length > MAX_ANSWER) throw new EtcdError('the answer is too long', GRPC.outOfRange);
      }
      const value: unknown = JSON.parse(answer);
      if (response.statusCode === 200) return value;
      throw errorOf(value, response.statusCode);
    } catch (error) {
      throw timeout.aborted ? new EtcdError('no answer in time') : error;
    }
  }

  #open(endpoint: Endpoint, path: string, text: string, signal: AbortSignal): ClientRequest {
    const { host, port } = endpoint;
    const request = httpRequest({ host, port, path, method: 'POST', agent: this.#agent, signal });
    request.end(text);
    return request;
  }

  /** Numbers of revisions mean nothing in another cluster, which a wrong address or a new data directory leads to. */
  #checked(value: unknown): unknown {
    const cluster = (value as { header?: { cluster_id?: string } }).header?.cluster_id;
    this.#cluster ??= cluster;
    if (cluster !== undefined && cluster !== this.#cluster) {
      throw new EtcdError(`cluster ${cluster} answers in place of ${this.#cluster}`, GRPC.invalidArgument);
    }
    return value;
  }
}

/** Whether another member, or the same one later, may do better. */
function isPassing(error: unknown): boolean {
  if (!(error instanceof EtcdError) || error.code === undefined) return true;
  return error.code === GRPC.unavailable || error.code === GRPC.deadlineExceeded;
}

function errorOf(value: unknown, status: number | undefined): EtcdError {
  const { message, code } = value as { message?: unknown; code?: unknown };
  const text = typeof message === 'string' ? message : `HTTP status ${status}`;
  return new EtcdError(text, typeof code === 'number' ? code : undefined);
}

/** A message of a stream stands in `result`, or an error in its place. */
function resultOf(value: unknown): unknown {
  const { result, error } = value as { result?: unknown; error?: unknown };
  if (result === undefined) throw errorOf(error ?? {}, undefined);
  return result;
}

function nameOf({ host, port }: Endpoint): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`;
}
