import type { Address, Prefix } from '../../../bindings/entries.ts';

/** What an LM server keeps of one MN. */
export interface Registration {
  readonly mnId: string;
  /** Handed out by the store; the highest wins. */
  readonly counter: number;
  /** Where packets for the prefixes go: the serving MAAR, or the gateway of the network that it is in. */
  readonly locator: Address;
  /** Who registered it. */
  readonly by: Address;
  readonly prefixes: readonly Prefix[];
  readonly delegated: readonly Prefix[];
  /** Milliseconds since 1970. Stands in the value and is checked at every read, whatever else removes it. */
  readonly expires: number;
  /** De-registered; kept so that an update that comes late does not revive it. */
  readonly ended: boolean;
}

/** What a server wants of its store. Every request is answered once, and an answer is a promise: it survives a crash. */
export type StoreRequest =
  /** The next registration counter, above all that were handed out before, by whichever server. */
  | { readonly type: 'ticket'; readonly id: number }
  /** Puts `registration` in the place of the one whose counter is `expected` (undefined: of none). */
  | {
      readonly type: 'commit';
      readonly id: number;
      readonly registration: Registration;
      readonly expected: number | undefined;
    }
  /** Removes what is ended or expired; `floor` is the highest counter among them. */
  | {
      readonly type: 'forget';
      readonly id: number;
      readonly mnIds: readonly string[];
      readonly floor: number;
    };

export type StoreAnswer =
  | { readonly type: 'ticket'; readonly id: number; readonly counter: number }
  | { readonly type: 'committed'; readonly id: number }
  | { readonly type: 'forgotten'; readonly id: number }
  /** Another server was faster; `current` is what it left. */
  | { readonly type: 'conflict'; readonly id: number; readonly current: Registration | undefined }
  | { readonly type: 'failed'; readonly id: number; readonly reason: string };

export interface StoreState {
  readonly registrations: readonly Registration[];
  /** Counters up to here belong to registrations that are forgotten: without a registration, an update with one is late. */
  readonly floor: number;
}

/** Where LM servers keep their registrations. Several servers may share one. */
export interface LocationStore {
  load(): StoreState;
  /** Carries requests out in order, all or none; `done` is called once, at once or later. */
  submit(requests: readonly StoreRequest[], done: (answers: readonly StoreAnswer[]) => void): void;
  close(): void;
}
