/**
 * A sans-IO machine: everything that happens to it is an event, everything it wants done is an effect,
 * and time is an argument in milliseconds. It may change its own state in place; it touches nothing else.
 */
export interface Machine<Event, Effect> {
  step(event: Event, now: number): Effect[];
}

/** Timers are named; arming one that is armed moves it. `at: undefined` disarms. */
export interface TimerEffect {
  readonly type: 'timer';
  readonly id: string;
  readonly at: number | undefined;
}

export interface TimerEvent {
  readonly type: 'timer';
  readonly id: string;
}

/** A byte stream to a Diameter peer, opened by either side. */
export type StreamEvent =
  | { readonly type: 'stream.opened'; readonly stream: string; readonly remote: string }
  | { readonly type: 'stream.data'; readonly stream: string; readonly data: Uint8Array }
  | { readonly type: 'stream.closed'; readonly stream: string; readonly reason: string };

export type StreamEffect =
  | { readonly type: 'stream.open'; readonly stream: string; readonly host: string; readonly port: number }
  | { readonly type: 'stream.send'; readonly stream: string; readonly data: Uint8Array }
  | { readonly type: 'stream.close'; readonly stream: string };

/** A line of the log and, for those with `message`, of the lab's timeline. Never needed for correctness. */
export interface TraceEffect {
  readonly type: 'trace';
  /** What happened, in few words: "send", "receive", "attach", "drop", "state". */
  readonly what: string;
  /** Name of the message for "send" and "receive": sDBU, RA, AAR ... */
  readonly message?: string;
  readonly from?: string;
  readonly to?: string;
  readonly detail?: Readonly<Record<string, unknown>>;
}

/** A source of randomness that a simulation can seed: uniform in [0, 1). */
export type Random = () => number;
