import type { StatusView } from '../../core/view.ts';
import type { ServerView } from '../../functions/lm/server/view.ts';
import type { HostName, MaarName, MoveKind, ScenarioResult, TraceRecord } from '../lab.ts';

/** A host's change of link, as a scenario asked for it. */
export interface Move {
  /** Milliseconds since the run began, when the change was begun and when the new link was up. */
  readonly begun: number;
  readonly at: number;
  readonly host: HostName;
  readonly from: MaarName | undefined;
  readonly to: MaarName;
  readonly kind: MoveKind;
}

/** How the packets of one direction went, before a move and after it. */
export interface PathChange {
  readonly move: Move;
  readonly src: string;
  readonly dst: string;
  /** "A - a1 = b2 - B": "=" where the packets were tunnelled; absent where none passed. */
  readonly before?: string;
  readonly after?: string;
}

/** One run of one scenario, in full: what `maar lab --json` prints. */
export interface RunReport {
  readonly scenario: string;
  readonly summary: string;
  readonly backend: 'sim' | 'netns';
  readonly scheme: string;
  readonly seed: number;
  /** One-way delay of every link in milliseconds; 0 where the backend adds none. */
  readonly delay: number;
  readonly passed: boolean;
  /** Milliseconds of the domain's own time. */
  readonly duration: number;
  /** Why the run ended early. */
  readonly error?: string;
  readonly result: ScenarioResult;
  readonly moves: readonly Move[];
  readonly paths: readonly PathChange[];
  /** At the end of the scenario, for every MAAR that answers. */
  readonly maars: readonly { readonly name: MaarName; readonly status: StatusView }[];
  /** The same of every server of location management. */
  readonly lms: readonly ServerView[];
  readonly trace: readonly TraceRecord[];
}
