import { emitIpv6, NEXT_HEADER, parseIpv6 } from '../../wire/ipv6.ts';
import { emitMobility, parseMobility, type MobilityMessage } from '../../wire/mobility/message.ts';
import type { Lab, MaarName, Scenario, ScenarioResult } from '../lab.ts';
import { lmAddress, maarAddress, OUTSIDER } from '../plan.ts';
import { Checks } from './common/checks.ts';
import { control } from './common/domain.ts';
import { checkStream, goAway, lmCounter, registrationOf, updatesFrom, watch } from './common/location.ts';
import { outcome } from './common/session.ts';

const TIMES = 5;
/** Where a forged update says that A is: a machine that is no MAAR. */
const THIEF = OUTSIDER.address;
/** Options that a redirect has not. */
const OF_UPDATES: ReadonlySet<string> = new Set(['mn-id', 'handoff-indicator', 'access-technology']);
const UNAUTHENTICATED = 'refused-unauthenticated';
const NO_PEER = 'refused-no-peer';

export const forgedUpdate: Scenario = {
  name: 'forged-update',
  summary: 'updates without a key, with a wrong one, with that of another, and from no peer change nothing',
  backends: ['sim', 'netns'],
  needs: 'lm',
  run,
};

async function run(lab: Lab): Promise<ScenarioResult> {
  const checks = new Checks();
  const away = await goAway(lab);
  const watched = await watch(lab, away);
  const genuine = await lastUpdate(lab);
  const stolen: MobilityMessage = {
    ...genuine,
    options: genuine.options.map((option) =>
      option.kind === 'alternate-coa' ? { ...option, address: THIEF } : option,
    ),
  };
  const unsigned: MobilityMessage = {
    ...stolen,
    options: stolen.options.filter(({ kind }) => kind !== 'authentication'),
  };
  const redirect: MobilityMessage = {
    ...{ kind: 'LRI', sequence: 1, lifetime: 60 },
    options: unsigned.options
      .filter(({ kind }) => !OF_UPDATES.has(kind))
      .map((option) =>
        option.kind === 'alternate-coa' ? { kind: 'mag-address', address: option.address } : option,
      ),
  };
  const counted = async (): Promise<readonly number[]> => [
    await lmCounter(lab, UNAUTHENTICATED),
    await lmCounter(lab, NO_PEER),
    await control(lab, 'b1', `lm-${UNAUTHENTICATED}`),
  ];
  const registered = await registrationOf(lab, 'A');
  const before = await counted();
  const server = lmAddress('lm1');
  for (let time = 0; time < TIMES; time++) {
    await send(lab, unsigned, maarAddress('a2'), server, 'a2');
    // The authenticator is not that of these octets: what a forger without the key can do at best.
    await send(lab, stolen, maarAddress('a2'), server, 'a2');
    // a3 is a peer too; what was signed with a2's key is not its own.
    await send(lab, genuine, maarAddress('a3'), server, 'a3');
    await send(lab, stolen, OUTSIDER.address, server);
    // The core lets nothing through that claims to come from a2 and does not.
    await send(lab, unsigned, maarAddress('a2'), server);
    await send(lab, redirect, maarAddress('a3'), maarAddress('b1'), 'a3');
    await lab.sleep(10);
  }
  await lab.sleep(1_000);
  checks.equal('registration of A at lm1', await registrationOf(lab, 'A'), registered);
  const after = await counted();
  checks.equal(
    'refused at lm1 unsigned or wrongly signed, at lm1 from no peer, and at b1',
    after.map((value, index) => value - before[index]!),
    [3 * TIMES, TIMES, TIMES],
  );
  const diverted = (await lab.captured()).filter(({ data }) => {
    const packet = parseIpv6(data);
    return packet.ok && packet.value.nextHeader === NEXT_HEADER.ipv6 && packet.value.dst === THIEF;
  });
  checks.equal('packets tunnelled to the thief', diverted.length, 0);
  const [report, session] = await Promise.all([watched.finish(), away.session.finish()]);
  checkStream(checks, report);
  return outcome(checks, [report, session]);
}

/** The update with which a2 registered A. */
async function lastUpdate(lab: Lab): Promise<MobilityMessage> {
  const packet = parseIpv6((await updatesFrom(lab, 'a2')).at(-1)?.data ?? new Uint8Array(0));
  if (!packet.ok) throw new Error('a2 has sent no update to lm1');
  const { payload, src, dst } = packet.value;
  const message = parseMobility(payload, src, dst);
  if (!message.ok) throw new Error('the update of a2 cannot be read');
  return message.value;
}

/** Puts a message into the core with a source, from the link of a MAAR or of a machine that is no peer. */
function send(lab: Lab, message: MobilityMessage, src: string, dst: string, from?: MaarName): Promise<void> {
  const fields = { src, dst, nextHeader: NEXT_HEADER.mobility, hopLimit: 64 };
  return lab.injectCore(emitIpv6(fields, emitMobility(message, src, dst)), from);
}
