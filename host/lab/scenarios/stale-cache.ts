import { NEXT_HEADER, parseIpv6 } from '../../wire/ipv6.ts';
import { parseMobility, type MobilityMessage } from '../../wire/mobility/message.ts';
import type { CapturedPacket, Lab, MaarName, Scenario, ScenarioResult } from '../lab.ts';
import { maarAddress } from '../plan.ts';
import { handoverLoss } from './common/bounds.ts';
import { Checks } from './common/checks.ts';
import { attach, awaitAddress, settle } from './common/domain.ts';
import { handover, report } from './common/handover.ts';
import { checkStream, goAway, sent } from './common/location.ts';
import { talk } from './common/optimised.ts';
import { pathsOf, sightings } from './common/packets.ts';
import { outcome, TIMERS } from './common/session.ts';
import { INTERVAL_MS } from './common/traffic.ts';

/** A MAAR that is sent a packet for an MN that it does not have asks, and is answered; then the packet goes on. */
const ROUND_TRIP = 4;
/** From there to the MAAR that has the MN, and to it. */
const ON_PATHS = 3;
const DOWN_MILLIS = 500;

export const staleCache: Scenario = {
  name: 'stale-cache',
  summary:
    'a MAAR that has not heard of a move: it is redirected, or, by one that has lost its state, sent back to the anchor',
  backends: ['sim'],
  needs: 'lm',
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const away = await goAway(lab);
  const from = await attach(lab, 'C', 'b2');
  const session = await talk(lab, 'C', from, away.home);
  await session.settled();
  const deaf = deafen(lab, 'b2', ['LRI', 'UPN']);
  const tunnels = async (since: number): Promise<string[]> =>
    pathsOf((await sightings(lab, [from, away.home], since)).filter(({ src }) => src === from));

  const first = await handover(lab, 'A', 'a2', 'a3');
  await awaitAddress(lab, 'A', 'a3');
  await settle(lab);
  const quiet = lab.now();
  await lab.sleep(1_000);
  checks.equal('tunnels while the former MAAR remembers A', await tunnels(quiet), ['a2>a3', 'b2>a2']);
  await lab.sleep(TIMERS.hold + TIMERS.forget);
  deaf.over();
  await settle(lab);
  const told = lab.now();
  await lab.sleep(1_000);
  checks.equal('tunnels once b2 hears again', await tunnels(told), ['b2>a3']);
  checks.that(
    'a2 has redirected b2',
    sent(lab, 'LRI', quiet).includes('a2 sends LRI to b2'),
    'a2 sends LRI to b2',
    sent(lab, 'LRI', quiet).join(', '),
  );

  // What a3 has to say once it is back is heard.
  deafen(lab, 'b2', ['UPN']);
  await lab.kill('a3');
  const second = await handover(lab, 'A', 'a3', 'a1');
  await lab.sleep(DOWN_MILLIS);
  await lab.start('a3');
  const back = lab.now();
  await lab.sleep(2_000);
  checks.equal('tunnels by the MAAR that lost its state, in the end', await tunnels(lab.now() - 500), [
    'native',
  ]);
  const reports = await Promise.all([session.finish(), away.session.finish()]);
  const [stream] = reports;
  const parts = [
    report(lab, first, { down: stream }, second.at),
    report(lab, second, { down: stream }),
  ] as const;
  checks.within(
    lab,
    'downlink after the restart',
    second.at + (parts[1].downlink ?? 0) - back,
    ROUND_TRIP + ON_PATHS + 2,
    INTERVAL_MS,
  );
  const between = stream.gaps
    .filter(({ at, length }) => at > quiet && at + length < second.at)
    .map(({ length }) => length);
  checks.within(
    lab,
    'longest silence between the moves',
    Math.max(0, ...between),
    ROUND_TRIP,
    2 * INTERVAL_MS,
  );
  const silent = back - second.at;
  checkStream(checks, stream, {
    lost: handoverLoss(lab) + (silent + (ROUND_TRIP + ON_PATHS) * lab.delay) / INTERVAL_MS,
    reordered: stream.sent,
  });
  return outcome(checks, reports, parts);
}

/** Loses every message of these kinds that is sent to a MAAR, until it is over. */
function deafen(lab: Lab, maar: MaarName, kinds: readonly MobilityMessage['kind'][]): { over(): void } {
  let deaf = true;
  const tells = ({ data }: CapturedPacket): boolean => {
    const packet = parseIpv6(data);
    if (!deaf || !packet.ok || packet.value.nextHeader !== NEXT_HEADER.mobility) return false;
    const { src, dst, payload } = packet.value;
    if (dst !== maarAddress(maar)) return false;
    const message = parseMobility(payload, src, dst);
    return message.ok && kinds.includes(message.value.kind);
  };
  lab.fault.drop(`what tells ${maar} of moves`, tells, Infinity);
  return {
    over: () => {
      deaf = false;
    },
  };
}
