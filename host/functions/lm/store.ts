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
      /** Those of its prefixes that the MN did not hold before, and that nobody else must have got meanwhile. */
      readonly claimed: readonly Prefix[];
    }
  /** Removes what is ended or expired; `floor` is the highest counter among them. */
  | {
      readonly type: 'forget';
      readonly id: number;
      readonly mnIds: readonly string[];
      readonly floor: number;
    }
  /** Only of a store that several servers share: whether this one knows of every change that was made before it asked. */
  | { readonly type: 'confirm'; readonly id: number };

export type StoreAnswer =
  | { readonly type: 'ticket'; readonly id: number; readonly counter: number }
  | { readonly type: 'committed'; readonly id: number }
  | { readonly type: 'forgotten'; readonly id: number }
  | { readonly type: 'confirmed'; readonly id: number }
  /** Another server was faster; `current` is what it left. */
  | { readonly type: 'conflict'; readonly id: number; readonly current: Registration | undefined }
  | { readonly type: 'failed'; readonly id: number; readonly reason: string };

export interface StoreState {
  readonly registrations: readonly Registration[];
  /** Counters up to here belong to registrations that are forgotten: without a registration, an update with one is late. */
  readonly floor: number;
}

/** What others have done to a store that several servers share. Also told of what this server did, before it is answered. */
export type StoreChange =
  | { readonly type: 'changed'; readonly registration: Registration }
  | { readonly type: 'forgotten'; readonly mnIds: readonly string[]; readonly floor: number }
  /** Everything anew, after changes that nobody can tell one by one any more. */
  | { readonly type: 'loaded'; readonly state: StoreState };

/** Where one LM server keeps its registrations. */
export interface LocationStore {
  load(): StoreState;
  /** Carries requests out in order, all or none; `done` is called once, at once or later. */
  submit(requests: readonly StoreRequest[], done: (answers: readonly StoreAnswer[]) => void): void;
  close(): void;
}

/** A store as the daemon drives it: alone with its server, or shared by several. */
export interface ServerStore {
  /** To be asked for once, before `start`. */
  readonly state: StoreState;
  /** Whether other servers change it too. */
  readonly shared: boolean;
  /** From now on `dispatch` is given answers and changes; a change is told before any answer that depends on it. */
  start(dispatch: (event: StoreEvent) => void): void;
  /** To be called as soon as the server wants it: what it decided on is what it had been told of by then. */
  add(request: StoreRequest): void;
  close(): Promise<void>;
}

export type StoreEvent = { readonly type: 'stored'; readonly answers: readonly StoreAnswer[] } | StoreChange;
