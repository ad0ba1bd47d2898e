import type { EtcdName, Lab, LocationWalk, Scenario, ScenarioResult } from '../lab.ts';
import { WALK } from '../plan.ts';
import { Checks } from './common/checks.ts';

/** Of the leader's loss: etcd elects another within 1 to 2 s, of which a server waits 2.5 s, and a client 3 s for a server. */
const BACK_MILLIS = 10_000;
/** For the first answers, while six MAARs have just started. */
const START_MILLIS = 20_000;
const POLL_MILLIS = 50;
const KILLED: EtcdName = 'etcd2';
const CUT_OFF: EtcdName = 'etcd3';

export const etcdMemberLost: Scenario = {
  name: 'etcd-member-lost',
  summary: 'of three members of the store of location management one is killed, then another one cut off',
  backends: ['netns'],
  options: { lm: 'etcd' },
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const walk = await lab.walk();
  await answeredAgain(lab, walk, START_MILLIS);
  await lab.kill(KILLED);
  checks.atMost(`${KILLED} killed: answered again, ms`, await answeredAgain(lab, walk), BACK_MILLIS);
  await lab.start(KILLED);
  await lab.fault.partition(CUT_OFF, true);
  checks.atMost(`${CUT_OFF} cut off: answered again, ms`, await answeredAgain(lab, walk), BACK_MILLIS);
  await lab.fault.partition(CUT_OFF, false);
  checks.atMost(`${CUT_OFF} back: answered again, ms`, await answeredAgain(lab, walk), BACK_MILLIS);
  const fault = await faultOf(lab, walk);
  checks.equal('nothing acknowledged is unknown, no counter falls', fault, 'so it is');
  return { checks: checks.list, streams: [], handovers: [] };
}

/** Milliseconds until every client has had an update and a query answered that it asked for after now. */
async function answeredAgain(lab: Lab, walk: LocationWalk, most = BACK_MILLIS): Promise<number> {
  const since = lab.now();
  const kinds = ['update', 'query'] as const;
  const wanted = WALK.clients.flatMap((_, client) => kinds.map((kind) => ({ client, kind })));
  const answered = (): boolean =>
    wanted.every(({ client, kind }) =>
      walk.answers.some((each) => each.client === client && each.kind === kind && each.asked > since),
    );
  await lab.until('updates and queries are answered', 2 * most, answered);
  return Math.round(lab.now() - since);
}

/** What is wrong with what the servers know in the end, or that nothing is. */
async function faultOf(lab: Lab, walk: LocationWalk): Promise<string> {
  const acknowledged = await walk.stop();
  const end = lab.now() + BACK_MILLIS;
  // What a server shows is what it knows by then; it is before an answer, as the walk has seen, that it catches up.
  for (;;) {
    const fault = await unknownTo(lab, acknowledged);
    if (fault === undefined) return 'so it is';
    if (lab.now() > end) return fault;
    await lab.sleep(POLL_MILLIS);
  }
}

async function unknownTo(
  lab: Lab,
  acknowledged: Awaited<ReturnType<LocationWalk['stop']>>,
): Promise<string | undefined> {
  for (const server of lab.locationServers) {
    const known = new Map((await lab.showLm(server)).registrations.map((each) => [each.mnId, each]));
    for (const { mnId, locator, counter } of acknowledged) {
      const there = known.get(mnId);
      if (there?.locator !== locator || there.counter !== counter) {
        return `${server} has ${mnId} at ${there?.locator} (${there?.counter}), acknowledged at ${locator} (${counter})`;
      }
    }
  }
  return undefined;
}
