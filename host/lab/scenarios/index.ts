import type { Scenario } from '../lab.ts';
import { bothMove } from './both-move.ts';
import { figure1 } from './figure1.ts';
import { fixedCn } from './fixed-cn.ts';
import { moveKinds } from './move-kinds.ts';
import { newSession } from './new-session.ts';
import { pingPong } from './ping-pong.ts';
import { returnHome } from './return-home.ts';
import { silentReceiver } from './silent-receiver.ts';

/** Every scenario of `maar lab --list`, in that order; the first is what `npm start` runs. */
export const scenarios: readonly Scenario[] = [
  figure1,
  bothMove,
  pingPong,
  returnHome,
  fixedCn,
  newSession,
  moveKinds,
  silentReceiver,
];
