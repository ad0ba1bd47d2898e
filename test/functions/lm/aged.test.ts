import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Network } from './network.ts';

const LM = '2001:db8:ff::1';
const MAAR = '2001:db8:0:1::1';
const NEIGHBOUR = '2001:db8:0:2::1';
const HOME = '2001:db8:a:1::/64';
/** A Localized Routing Initiation. */
const LRI = 17;

test('what a peer is told again of a binding ages, and is told no more once it has run out', () => {
  const network = new Network();
  network.server(LM, { [MAAR]: 'client', [NEIGHBOUR]: 'client' });
  network.client(MAAR, [LM], {}, [NEIGHBOUR]);
  const sent: number[] = [];
  const begun = network.now;
  network.tamper = ({ data }) => {
    if (data[2] === LRI) sent.push(Math.round((network.now - begun) / 1000));
    return [];
  };
  const binding = {
    ...{ prefixes: [HOME], delegated: [], locator: MAAR },
    ...{ counter: 2, lifetimeSeconds: 4 },
  };
  network.tell(MAAR, { type: 'redirect', to: NEIGHBOUR, binding });
  network.run(60_000);
  assert.deepEqual(sent, [0, 1, 3]);
});
