// Registers one MN again and again until it is killed, and prints each counter after its commit.
import { writeSync } from 'node:fs';
import { SqliteLocationStore } from '../../../host/io/lm/location-store.ts';

const store = new SqliteLocationStore(process.argv[2] ?? '');
let expected = store.load().registrations[0]?.counter;

for (;;) {
  store.submit([{ type: 'ticket', id: 1 }], ([ticket]) => {
    if (ticket?.type !== 'ticket') throw new Error('no ticket');
    const { counter } = ticket;
    const registration = {
      ...{ mnId: 'mn', counter, locator: '2001:db8::1', by: '2001:db8::1', expires: 0, ended: false },
      prefixes: ['2001:db8:a::/64'],
      delegated: [],
    };
    store.submit([{ type: 'commit', id: 2, registration, expected, claimed: [] }], ([committed]) => {
      if (committed?.type !== 'committed') throw new Error(`not kept: ${committed?.type}`);
      expected = counter;
      writeSync(1, `${counter}\n`);
    });
  });
}
