import type { Lab, Scenario, ScenarioResult } from '../lab.ts';
import { handoverLoss, LADDER_PATHS, overtaking, afterDetection, stalledIn } from './common/bounds.ts';
import { Checks } from './common/checks.ts';
import { attachBoth, checkLists, settle } from './common/domain.ts';
import { handover, report } from './common/handover.ts';
import { outcome } from './common/session.ts';
import { INTERVAL_MS } from './common/traffic.ts';
import { addressFrom } from './common/domain.ts';

export const silentReceiver: Scenario = {
  name: 'silent-receiver',
  summary: 'a host that only receives is found by the probe of its new port',
  backends: ['sim', 'netns'],
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const { a: aHoa1, b: bHoa1 } = await attachBoth(lab);
  const stream = await lab.stream({
    name: 'udp B>A',
    from: 'B',
    to: 'A',
    kind: 'udp',
    intervalMs: INTERVAL_MS,
    fromAddress: bHoa1,
    toAddress: aHoa1,
  });
  await settle(lab);
  const move = await handover(lab, 'A', 'a1', 'a2');
  await settle(lab);
  await lab.sleep(3_000);

  const attached = lab
    .trace()
    .find(({ at, node, what }) => at >= move.at && node === 'a2' && what === 'attach');
  const told = attached?.detail?.['trigger'];
  const trigger = typeof told === 'string' ? told : 'none';
  // The host says nothing of its own: its kernel reports groups when carrier comes back, or a bridge learns its MAC.
  checks.that(
    'a2 finds A by',
    ['probe', 'mld', 'neighbour', 'station'].includes(trigger),
    'probe, mld, neighbour or station',
    trigger,
  );
  const aHoa2 = (await addressFrom(lab, 'A', 'a2')) ?? 'no address';
  await checkLists(lab, checks, 'a2', 'A', { internal: { [bHoa1]: 'b1' }, external: { [aHoa1]: aHoa2 } });
  await checkLists(lab, checks, 'b1', 'B', { internal: { [aHoa1]: 'a2' }, external: {} });

  const down = await stream.finish();
  const parts = report(lab, move, { down });
  const stalled = stalledIn(lab, parts);
  checks.within(
    lab,
    'attachment detected after the link',
    parts.detected,
    LADDER_PATHS.detection,
    0,
    stalled,
  );
  checks.within(
    lab,
    'downlink after detection',
    afterDetection(lab, parts.downlink, parts.detected),
    LADDER_PATHS.downlink,
    INTERVAL_MS,
    stalled,
  );
  checks.atMost('packets lost', down.lost, handoverLoss(lab));
  checks.equal('packets duplicated', down.duplicated, 0);
  checks.atMost('packets reordered', down.reordered, overtaking(lab));
  return outcome(checks, [down], [parts]);
}
