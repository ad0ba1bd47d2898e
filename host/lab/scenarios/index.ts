import type { Scenario } from '../lab.ts';
import { aaaDown } from './aaa-down.ts';
import { anycastPush } from './anycast-push.ts';
import { anycastQuery } from './anycast-query.ts';
import { awareMn } from './aware-mn.ts';
import { bothMove } from './both-move.ts';
import { bufferOff } from './buffer-off.ts';
import { bufferOrphan } from './buffer-orphan.ts';
import { bufferOverflow } from './buffer-overflow.ts';
import { dpCrash } from './dp-crash.ts';
import { etcdMemberLost } from './etcd-member-lost.ts';
import { figure1 } from './figure1.ts';
import { fixedCn } from './fixed-cn.ts';
import { forgedUpdate } from './forged-update.ts';
import { headless } from './headless.ts';
import { hierarchy } from './hierarchy.ts';
import { idleRelease } from './idle-release.ts';
import { leaseExpiry } from './lease-expiry.ts';
import { lifetimeExpiry } from './lifetime-expiry.ts';
import { lmRestart } from './lm-restart.ts';
import { lostMessages } from './lost-messages.ts';
import { maarRestart } from './maar-restart.ts';
import { moveKinds } from './move-kinds.ts';
import { newSession } from './new-session.ts';
import { pathMtu } from './path-mtu.ts';
import { peerDown } from './peer-down.ts';
import { pingPong } from './ping-pong.ts';
import { query } from './query.ts';
import { redirect } from './redirect.ts';
import { replayedUpdate } from './replayed-update.ts';
import { returnHome } from './return-home.ts';
import { silentReceiver } from './silent-receiver.ts';
import { spoofedTunnel } from './spoofed-tunnel.ts';
import { staleCache } from './stale-cache.ts';
import { stolenMac } from './stolen-mac.ts';
import { stolenPrefix } from './stolen-prefix.ts';
import { unknownFlood } from './unknown-flood.ts';
import { unknownMn } from './unknown-mn.ts';
import { zeroLossSilence } from './zero-loss-silence.ts';
import { zeroLoss } from './zero-loss.ts';

/** Every scenario of `maar lab --list`, in that order; the first is what `npm start` runs. */
export const scenarios: readonly Scenario[] = [
  figure1,
  bothMove,
  pingPong,
  returnHome,
  fixedCn,
  newSession,
  moveKinds,
  zeroLoss,
  zeroLossSilence,
  bufferOff,
  bufferOverflow,
  bufferOrphan,
  silentReceiver,
  awareMn,
  lostMessages,
  maarRestart,
  headless,
  dpCrash,
  aaaDown,
  etcdMemberLost,
  pathMtu,
  peerDown,
  unknownMn,
  unknownFlood,
  stolenPrefix,
  stolenMac,
  spoofedTunnel,
  idleRelease,
  lifetimeExpiry,
  leaseExpiry,
  query,
  redirect,
  anycastQuery,
  anycastPush,
  hierarchy,
  staleCache,
  lmRestart,
  forgedUpdate,
  replayedUpdate,
];
