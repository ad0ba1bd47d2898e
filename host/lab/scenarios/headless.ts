import type { Lab, MaarName, Scenario, ScenarioResult } from '../lab.ts';
import { CONTROL } from '../plan.ts';
import { Checks } from './common/checks.ts';
import { attach, awaitAddress, bindingLists, entriesOnRouter, settle } from './common/domain.ts';
import { handover } from './common/handover.ts';
import { pathsOf, sightings } from './common/packets.ts';
import { outcome, startSession } from './common/session.ts';

/** How long each control is away. */
const AWAY_MILLIS = 2_000;
/** From its start until it has deleted what it has not named. */
const TAKEN_OVER_MILLIS = CONTROL.settle + 3_000;

const ROLES: readonly MaarName[] = ['a1', 'a2', 'b1'];

export const headless: Scenario = {
  name: 'headless',
  summary: 'control is killed and started again, apart from a router that goes on: no packet lost',
  backends: ['netns'],
  apart: true,
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const { aHoa1, bHoa1, traffic } = await startSession(lab, 5_000_000);
  await handover(lab, 'A', 'a1', 'a2');
  await awaitAddress(lab, 'A', 'a2');
  await settle(lab);
  const before = new Map(
    await Promise.all(ROLES.map(async (maar) => [maar, await entriesOnRouter(lab, maar)] as const)),
  );
  await attach(lab, 'C', 'a2');
  await settle(lab);
  checks.that(
    'entries of a2 with C',
    (await entriesOnRouter(lab, 'a2')) > before.get('a2')!,
    'more than without',
    String(await entriesOnRouter(lab, 'a2')),
  );
  const there = { from: 'A', to: 'B', fromAddress: aHoa1, toAddress: bHoa1 } as const;
  const back = { from: 'B', to: 'A', fromAddress: bHoa1, toAddress: aHoa1 } as const;
  const watched = [
    await lab.stream({ name: 'while control is away: udp A>B', kind: 'udp', intervalMs: 2, ...there }),
    await lab.stream({ name: 'while control is away: udp B>A', kind: 'udp', intervalMs: 2, ...back }),
  ];
  for (const maar of ROLES) {
    await lab.kill(`control-${maar}`);
    if (maar === 'a2') await lab.leave('C');
    await lab.sleep(AWAY_MILLIS);
    await lab.start(`control-${maar}`);
    await lab.sleep(TAKEN_OVER_MILLIS);
    checks.equal(
      `entries of ${maar} after its control came back`,
      await entriesOnRouter(lab, maar),
      before.get(maar),
    );
  }
  const reports = await Promise.all(watched.map((stream) => stream.finish()));
  for (const { spec, lost, duplicated, sent } of reports) {
    checks.atMost(`${spec.name}: packets lost of ${sent}`, lost, lab.overflowed());
    checks.equal(`${spec.name}: packets duplicated`, duplicated, 0);
  }
  const atA = await bindingLists(lab, 'a2', 'A');
  checks.equal('A at a2', atA?.internal, [`${bHoa1}/128 -> b1`]);
  const atB = await bindingLists(lab, 'b1', 'B');
  checks.equal('B at b1', atB?.internal, [`${aHoa1}/128 -> a2`]);
  const now = lab.now();
  await lab.sleep(1_000);
  checks.equal('paths', pathsOf(await sightings(lab, [aHoa1, bHoa1], now)), ['a2>b1', 'b1>a2']);
  await handover(lab, 'A', 'a2', 'a3');
  await awaitAddress(lab, 'A', 'a3');
  await settle(lab);
  const moved = lab.now();
  await lab.sleep(1_000);
  checks.equal('paths after a move', pathsOf(await sightings(lab, [aHoa1, bHoa1], moved)), [
    'a3>b1',
    'b1>a3',
  ]);
  const result = await traffic.finish(checks);
  return outcome(checks, result);
}
