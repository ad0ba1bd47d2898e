// Registers one MN again and again until it is killed, and prints each counter after its commit.
import { writeSync } from 'node:fs';
import { register } from '../../host/aaa/registrations.ts';
import { SqliteStore } from '../../host/io/aaa-store.ts';

const [file = '', round = ''] = process.argv.slice(2);
const store = new SqliteStore(file);
for (let number = 0; ; number++) {
  const session = { sessionId: `${round}-${number}`, mnId: 'mn', maar: '2001:db8::1', host: 'maar1' };
  const registered = register(store, session, number, 0);
  if (registered.ok) writeSync(1, `${registered.record.counter}\n`);
}
