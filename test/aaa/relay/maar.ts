/**
 * The AAA client of a MAAR as a process of its own: attaches MNs at RELAY. A line "detach" on standard input detaches
 * them, a line "stop" disconnects. Prints every answer as a line of JSON.
 */
import { createInterface } from 'node:readline';
import { AaaClient } from '../../../host/aaa/client.ts';
import type { AaaOutput } from '../../../host/aaa/client.ts';
import { PEER_SETTINGS } from '../../../host/aaa/peer-interface.ts';
import type { PeerEffect } from '../../../host/aaa/peer-interface.ts';
import type { StreamEvent, TimerEvent } from '../../../host/core/machine.ts';
import { clockFrom, clockOrigin } from '../../../host/io/clock.ts';
import { Runner } from '../../../host/io/runner.ts';
import { Streams } from '../../../host/io/streams.ts';

const [originHost = '', address = '', relay = '', ...mnIds] = process.argv.slice(2);
type Ask = { readonly type: 'ask'; readonly ask: (now: number) => AaaOutput };

const client = new AaaClient({
  originHost,
  originRealm: originHost.slice(originHost.indexOf('.') + 1),
  destinationRealm: 'example.org',
  address,
  servers: [{ name: 'relay', host: relay, port: 3868 }],
  random: Math.random,
  // Short, so that the test sees DWR without waiting for half a minute.
  settings: { peer: { ...PEER_SETTINGS, watchdog: 1_000 } },
});

const machine = {
  step(event: StreamEvent | TimerEvent | Ask, now: number): PeerEffect[] {
    const { effects, answers } = event.type === 'ask' ? event.ask(now) : client.handle(event, now);
    for (const answer of answers) process.stdout.write(`${JSON.stringify(answer)}\n`);
    return effects;
  },
};
const runner = new Runner<StreamEvent | Ask, PeerEffect>(machine, clockFrom(clockOrigin()), (effect) => {
  if (effect.type !== 'trace') streams.handle(effect);
  else process.stderr.write(`${JSON.stringify(effect)}\n`);
});
const streams = new Streams((event) => {
  runner.dispatch(event);
}, address);
const ask = (body: Ask['ask']): void => {
  runner.dispatch({ type: 'ask', ask: body });
};

ask((now) => client.start(now));
for (const mnId of mnIds) ask((now) => client.attach({ id: mnId, mnId, maar: address }, now));
const orders: Readonly<Record<string, () => void>> = {
  detach: () => {
    for (const mnId of mnIds) ask((now) => client.detach(mnId, now));
  },
  stop: () => ask((now) => client.stop(now)),
};
const lines = createInterface(process.stdin);
lines.on('line', (line) => orders[line]?.());
lines.on('close', () => {
  runner.close();
  streams.close();
});
