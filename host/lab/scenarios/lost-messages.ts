import type { Lab, MaarName, MoveKind, Scenario, ScenarioResult } from '../lab.ts';
import { LADDER_PATHS, since } from './common/bounds.ts';
import { Checks } from './common/checks.ts';
import { awaitAddress, checkHomes, checkLists, control, settle } from './common/domain.ts';
import { handover, report, type Handover } from './common/handover.ts';
import { carries } from './common/messages.ts';
import { outcome, startSession, TIMERS } from './common/session.ts';
import { INTERVAL_MS } from './common/traffic.ts';

interface Loss {
  readonly what: string;
  /** As `Lab.handover` names them. */
  readonly message?: 'RS' | 'ask' | 'context' | 'repoint' | 'repointed';
  readonly count?: number;
  readonly diameter?: 'before-commit' | 'after-commit';
  readonly kind?: MoveKind;
  /** What the loss adds to the old session's downlink, in ms (docs/scenarios/lost-messages.md). */
  readonly delays: number;
}

const once = TIMERS.retransmit;
const twice = 3 * TIMERS.retransmit;
/** A closed Diameter connection is opened again after 0.5 s at most; then CER, CEA and the AAR again. */
const reconnect = 500;

/** Only a host that was taken down is sure to solicit; it takes its own time (docs/scenarios/move-kinds.md). */
const ADMIN_MILLIS = 5_000;

const LOSSES: readonly Loss[] = [
  { what: 'RS once', message: 'RS', count: 1, kind: 'admin', delays: ADMIN_MILLIS },
  { what: 'RS twice', message: 'RS', count: 2, kind: 'admin', delays: ADMIN_MILLIS },
  { what: 'ask once', message: 'ask', count: 1, delays: once },
  { what: 'ask twice', message: 'ask', count: 2, delays: twice },
  { what: 'context once', message: 'context', count: 1, delays: once },
  { what: 'context twice', message: 'context', count: 2, delays: twice },
  // Packets reach A from the old MAAR meanwhile, and both ends' lists are right before its hold time is over.
  { what: 'repoint once', message: 'repoint', count: 1, delays: 0 },
  { what: 'repoint twice', message: 'repoint', count: 2, delays: 0 },
  { what: 'repointed once', message: 'repointed', count: 1, delays: 0 },
  { what: 'repointed twice', message: 'repointed', count: 2, delays: 0 },
  { what: 'Diameter connection closed before the commit', diameter: 'before-commit', delays: reconnect },
  { what: 'Diameter connection closed after the commit', diameter: 'after-commit', delays: reconnect },
];

const ROUTE: readonly MaarName[] = ['a2', 'a3', 'a1'];
/** Until the last retransmission is answered. */
const REPAIR_MILLIS = 6_000;

export const lostMessages: Scenario = {
  name: 'lost-messages',
  summary: 'each message of a handover lost once and twice, and the Diameter connection closed',
  backends: ['sim'],
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const { aHoa1, bHoa1, traffic } = await startSession(lab, 5_000_000);
  const moves: Handover[] = [];
  let from: MaarName = 'a1';
  for (const [index, loss] of LOSSES.entries()) {
    const to = ROUTE[index % ROUTE.length]!;
    if (loss.message !== undefined) {
      const name = loss.message === 'RS' ? 'RS' : lab.handover[loss.message];
      lab.fault.drop(`${name} ${loss.count}`, carries(name), loss.count ?? 1);
    }
    if (loss.diameter !== undefined) lab.fault.closeDiameter(to, loss.diameter);
    const move = await handover(lab, 'A', from, to, loss.kind);
    moves.push(move);
    await lab.sleep(REPAIR_MILLIS);
    await awaitAddress(lab, 'A', to);
    await settle(lab);
    await checkHomes(lab, checks, to, 'A', {
      internal: { [bHoa1]: 'b1' },
      homes: to === 'a1' ? [] : [aHoa1],
    });
    await checkLists(lab, checks, 'b1', 'B', { internal: { [aHoa1]: to }, external: {} });
    if (loss.diameter !== undefined) checkPrevious(lab, checks, loss, move);
    from = to;
  }
  const result = await traffic.finish(checks);
  const down = result.udp('B', 'A');
  const handovers = moves.map((move, index) => report(lab, move, { down }, moves[index + 1]?.at));
  LOSSES.forEach(({ what, delays, diameter }, index) => {
    const { downlink, detected } = handovers[index]!;
    // Opening a connection takes a handshake and the capabilities exchange before the AAR can go out again.
    const paths = LADDER_PATHS.downlink + (diameter === undefined ? 0 : 12);
    checks.within(
      lab,
      `${what}: downlink after detection`,
      since(downlink, detected),
      paths,
      delays + INTERVAL_MS,
    );
  });
  checks.equal('updates that were never answered', await unanswered(lab), 0);
  checks.equal(`packets duplicated`, down.duplicated, 0);
  return outcome(checks, result, handovers);
}

/** The exchange is idempotent: the second AAR of a session hears the same previous MAAR. */
function checkPrevious(lab: Lab, checks: Checks, { what }: Loss, move: Handover): void {
  const asked = lab
    .trace()
    .filter(
      ({ at, node, what: kind, message }) =>
        at >= move.at && node === move.to && kind === 'send' && message === lab.handover.ask,
    )
    .map(({ to }) => to);
  checks.that(
    `${what}: the first ${lab.handover.ask} goes to the previous MAAR`,
    asked[0] === move.from,
    String(move.from),
    asked.join(' '),
  );
}

async function unanswered(lab: Lab): Promise<number> {
  let sum = 0;
  for (const maar of ['a1', ...ROUTE] as const) {
    sum += (await control(lab, maar, 'sdbu-unanswered')) + (await control(lab, maar, 'ddbu-unanswered'));
  }
  return sum;
}
