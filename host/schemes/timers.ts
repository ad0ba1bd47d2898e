/** What is done when a timer runs out, by how its id begins; the rest of the id says what it is about. */
export type TimerTable<State> = readonly (readonly [
  prefix: string,
  handle: (state: State, about: string) => void,
])[];

/** Does what the table has for the timer: the first row counts. */
export function runTimer<State>(table: TimerTable<State>, state: State, id: string): void {
  const row = table.find(([prefix]) => id.startsWith(prefix));
  if (row === undefined) return;
  const [prefix, handle] = row;
  handle(state, id.slice(prefix.length));
}
