import { contains } from '../../wire/address.ts';
import type { Lab, Scenario, ScenarioResult } from '../lab.ts';
import { maarPool, mnId } from '../plan.ts';
import { Checks } from './common/checks.ts';
import { attach, control } from './common/domain.ts';
import { outcome } from './common/session.ts';

const WATCH_MILLIS = 10_000;

export const unknownMn: Scenario = {
  name: 'unknown-mn',
  summary: 'hosts that the AAA server does not know, or forbids, get nothing',
  backends: ['sim'],
  options: { unknownHosts: ['C'], forbiddenHosts: ['B'] },
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  await attach(lab, 'A', 'a1');
  for (const [host, counter] of [
    ['C', 'aaa-unknown'],
    ['B', 'aaa-refused'],
  ] as const) {
    const at = lab.now();
    await lab.move(host, 'a1');
    await lab.sleep(WATCH_MILLIS);
    const mine = lab.trace().filter((record) => record.at >= at && record.node === 'a1');
    const advertised = mine.filter(
      ({ message, what, to }) => what === 'send' && message === 'RA' && to === mnId(host),
    );
    checks.equal(`${host}: RAs sent to it`, advertised.length, 0);
    checks.equal(`${host}: refused`, mine.filter(({ what }) => what === 'refused').length, 1);
    const own = (await lab.addresses(host)).filter(({ address }) => contains(maarPool('a1'), address));
    checks.equal(`${host}: addresses of the domain`, own.length, 0);
    checks.equal(`${host}: counter ${counter}`, await control(lab, 'a1', counter), 1);
  }
  checks.equal('attachments refused', await control(lab, 'a1', 'attach-refused'), 2);
  const { sources } = (await lab.show('a1')).dataplane.entries;
  checks.equal(
    'source entries on the access link: that of A',
    sources.filter(({ link }) => link === 0).length,
    1,
  );
  return outcome(checks, []);
}
