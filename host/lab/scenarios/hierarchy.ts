import type { Lab, Scenario, ScenarioResult } from '../lab.ts';
import { CN, maarAddress } from '../plan.ts';
import { handoverLoss } from './common/bounds.ts';
import { Checks } from './common/checks.ts';
import { awaitAddress, settle } from './common/domain.ts';
import { handover, report } from './common/handover.ts';
import { checkStream, goAway, registrationOf } from './common/location.ts';
import { talk } from './common/optimised.ts';
import { pathsOf, sightings } from './common/packets.ts';
import { outcome } from './common/session.ts';

/** What the servers of a pool tell each other whether anybody moves or not. */
const POOL = ['LPJ', 'LPA'];
/** From the correspondent outside to the home's MAAR, to the gateway of the visited network, and from there to A. */
const BY_GATEWAY = ['a1>b1', 'b1>b3', 'native'];

export const hierarchy: Scenario = {
  name: 'hierarchy',
  summary: 'two networks with a server each: moves within the visited one do not reach the home server',
  backends: ['sim', 'netns'],
  needs: 'lm',
  options: { lm: 'hierarchy' },
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const away = await goAway(lab, 'b2');
  const session = await talk(lab, 'cn', CN.address, away.home);
  await session.settled();
  const home = await registrationOf(lab, 'A', 'lm1');
  checks.equal('the home server knows the gateway', home?.locator, maarAddress('b1'));
  const visited = await registrationOf(lab, 'A', 'lm2');
  checks.equal('the visited one knows the MAAR', visited?.locator, maarAddress('b2'));

  const move = await handover(lab, 'A', 'b2', 'b3');
  await awaitAddress(lab, 'A', 'b3');
  await settle(lab);
  const heard = lab
    .trace()
    .filter(({ at, node, to, what, message = '' }) => {
      return at >= move.at && what === 'send' && (node === 'lm1' || to === 'lm1') && !POOL.includes(message);
    })
    .map(({ node, to, message }) => `${node} sends ${message} to ${to}`);
  checks.equal('messages that reach or leave the home server', heard, []);
  checks.equal('its registration of A', await registrationOf(lab, 'A', 'lm1'), home);
  checks.equal(
    'where the visited one has A',
    (await registrationOf(lab, 'A', 'lm2'))?.locator,
    maarAddress('b3'),
  );
  const quiet = lab.now();
  await lab.sleep(1_000);
  const late = (await sightings(lab, [CN.address, away.home], quiet)).filter(({ src }) => src === CN.address);
  checks.equal('tunnels to A', pathsOf(late), BY_GATEWAY);
  const reports = await Promise.all([session.finish(), away.session.finish()]);
  checkStream(checks, reports[0], { lost: handoverLoss(lab), reordered: reports[0].sent });
  return outcome(checks, reports, [report(lab, move, { down: reports[0] })]);
}
