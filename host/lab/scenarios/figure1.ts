import type { Lab, MaarName, Scenario, ScenarioResult } from '../lab.ts';
import { checkLadder, checkLoss } from './common/bounds.ts';
import { Checks, slack, whenDue } from './common/checks.ts';
import { addressFrom, awaitAddress, checkLists, data, forwards, sent, settle } from './common/domain.ts';
import {
  handover,
  lastRepointed,
  order,
  report,
  repointing,
  sentence,
  type Handover,
  type Sent,
} from './common/handover.ts';
import { enteredAt, pathsOf, sightings } from './common/packets.ts';
import { outcome, startSession, TIMERS } from './common/session.ts';
import { mnId } from '../plan.ts';

/** Steps 2, 4 and 2, 5 to 8 of the draft's figure 1: the RA and the sDBU both wait for the AAA answer alone. */
const ADVERTISED: readonly Sent[] = [
  { node: 'a3', message: 'AAR' },
  { node: 'a3', message: 'RA', to: mnId('A') },
];
const MOVE = { previous: 'a2', next: 'a3', correspondents: 'b2' } as const;

export const figure1: Scenario = {
  name: 'figure1',
  summary: 'A moves a1, a2, a3 and B moves b1, b2; their session keeps its first addresses',
  backends: ['sim', 'netns'],
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const { aHoa1, bHoa1, traffic } = await startSession(lab);

  const first = await handover(lab, 'A', 'a1', 'a2');
  await awaitAddress(lab, 'A', 'a2');
  await settle(lab);
  const second = await handover(lab, 'B', 'b1', 'b2');
  const bHoa2 = await awaitAddress(lab, 'B', 'b2');
  await settle(lab);
  const third = await handover(lab, 'A', 'a2', 'a3');
  const aHoa3 = await awaitAddress(lab, 'A', 'a3');
  await settle(lab);

  await checkLists(lab, checks, 'a3', 'A', { internal: { [bHoa1]: 'b2' }, external: { [aHoa1]: aHoa3 } });
  await checkLists(lab, checks, 'b2', 'B', { internal: { [aHoa1]: 'a3' }, external: { [bHoa1]: bHoa2 } });
  await checkRelease(lab, checks, third, aHoa1);
  const now = lab.now();
  const result = await traffic.finish(checks);

  const [down, up] = [result.udp('B', 'A'), result.udp('A', 'B')];
  const handovers = [
    report(lab, first, { down, up }, second.at),
    report(lab, second, { down: up, up: down }, third.at),
    report(lab, third, { down, up }),
  ];
  for (const parts of handovers) checkLadder(lab, checks, parts);
  checkLoss(lab, checks, result, handovers.length);

  checks.equal('RA of figure 1', order(lab, third.at, ADVERTISED), ADVERTISED.map(sentence));
  const ladder = [{ node: 'a3', message: 'AAR' }, ...repointing(lab, MOVE)];
  checks.equal('messages of figure 1, in order', order(lab, third.at, ladder), ladder.map(sentence));
  await checkPath(lab, checks, third, [aHoa1, bHoa1], now);
  await checkCounters(lab, checks);
  checks.that(
    'A holds the address of each MAAR it visited',
    (await addressFrom(lab, 'A', 'a1')) === aHoa1,
    aHoa1,
    (await lab.addresses('A')).map(({ address }) => address).join(' '),
  );
  return outcome(checks, result, handovers);
}

/** a2's lists: out of forwarding within the hold time, out of memory 2 s later. */
async function checkRelease(lab: Lab, checks: Checks, move: Handover, hoa: string): Promise<void> {
  const released = lab
    .trace()
    .find(({ at, node, what }) => at >= move.at && node === 'a2' && what === 'released');
  checks.that(
    'a2 releases both lists',
    released !== undefined,
    'a released record',
    released?.what ?? 'none',
  );
  const start = released?.at ?? move.at;
  const forwarding = await whenDue(lab, start + TIMERS.hold, false, () => forwards(lab, 'a2', hoa));
  checks.equal('a2 forwards nothing for A 10 s after the sDBA', forwarding, false);
  const forgotten = start + TIMERS.hold + TIMERS.forget;
  const remembered = await whenDue(lab, forgotten, 0, async () => {
    const { released: kept, nodes } = (await lab.show('a2')).maar;
    return kept.length + nodes.length;
  });
  checks.equal('a2 remembers nothing of A 12 s after the sDBA', remembered, 0);
}

/** Every packet that enters its first MAAR after the last dDBA was sent runs a3 <-> b2; none visits a former MAAR. */
async function checkPath(
  lab: Lab,
  checks: Checks,
  move: Handover,
  ends: readonly [string, string],
  until: number,
): Promise<void> {
  const last = lastRepointed(lab, move);
  if (last === undefined) {
    checks.that('the last dDBA was sent', false, 'a time', 'never');
    return;
  }
  const all = (await sightings(lab, ends, last)).filter(({ at }) => at < until);
  // A packet is seen as it leaves its first MAAR, which it entered up to a batch earlier.
  const entered = last + (lab.backend === 'sim' ? 0.001 : 20);
  const fromA = enteredAt(all, 'a3', entered);
  const fromB = enteredAt(all, 'b2', entered);
  checks.atLeast('tunnelled packets after the last dDBA', fromA.length + fromB.length, 500);
  checks.equal('tunnels they take', pathsOf([...fromA, ...fromB]), ['a3>b2', 'b2>a3']);
  // What was under way to a2 at that moment is gone after four links.
  const later = all.filter(({ at }) => at > last + 4 * lab.delay + slack(lab));
  const former = (['a1', 'a2', 'b1'] as const satisfies readonly MaarName[]).map((maar) => `core-${maar}`);
  checks.equal('packets at former MAARs', later.filter(({ link }) => former.includes(link)).length, 0);
  checks.equal('paths in the core', pathsOf(later), ['a3>b2', 'b2>a3']);
}

async function checkCounters(lab: Lab, checks: Checks): Promise<void> {
  const { ask, context, repoint, repointer } = lab.handover;
  checks.equal(`a3: ${ask} sent`, await sent(lab, 'a3', ask), 1);
  if (repointer === 'new') {
    checks.equal(`a3: ${repoint} sent (to b2, and to the anchor a1)`, await sent(lab, 'a3', repoint), 2);
  }
  checks.equal(`a2: ${context} sent`, await sent(lab, 'a2', context), 1);
  checks.atLeast('a2: packets re-tunnelled', await data(lab, 'a2', 'retunnelled'), 1);
  checks.atLeast('a3: packets held', await data(lab, 'a3', 'held'), 1);
  checks.atLeast('a3: packets released', await data(lab, 'a3', 'released'), 1);
  checks.equal('a3: packets dropped for want of an entry', await data(lab, 'a3', 'drop-source-unknown'), 0);
}
