import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BUILDS, paired } from './engines.ts';
import { Random } from './random.ts';
import { randomCommand, randomOptions, randomPacket } from './world.ts';

/** Raised for a nightly run; MAAR_FUZZ_SEED repeats one case. */
const packetsWanted = Number(process.env['MAAR_FUZZ_PACKETS'] ?? 100_000);
const onlySeed = process.env['MAAR_FUZZ_SEED'];
const STEPS = 30;

/** What all cases together came across, so that the generators are known to reach every corner. */
const seen = {
  counters: new Map<string, number>(),
  events: new Set<string>(),
  statuses: new Set<string>(),
  flows: new Set<string>(),
};

/** One instance through commands, batches and steps of time; returns how many packets it saw. */
function runCase(seed: number): number {
  const random = new Random(seed);
  const options = randomOptions(random);
  const plane = paired(seed % 4 === 0 ? BUILDS[1] : BUILDS[0], options);
  // Some cases send nothing but large packets, so that the rate of Packet Too Big is reached,
  // and some let events pile up beyond what the event area holds.
  const large = random.oneIn(6);
  const takeEvents = random.pick([1, 3, STEPS]);
  let packets = 0;
  let now = random.pick([0, 999, 1_700_000_000_000]);
  for (let step = 0; step < STEPS; step++) {
    const commands = random.pick([0, 1, 3, step === 0 ? 60 : 6]);
    const statuses = plane.apply(
      Array.from({ length: commands }, () => randomCommand(random)),
      now,
    );
    for (const status of statuses) seen.statuses.add(status);
    now = Math.max(
      0,
      now + random.pick([0, 0, 1, 5, 49, 50, 99, 100, 999, 1000, 2000, 60_000, 599_000, 600_000, -10]),
    );
    const batch = Array.from({ length: random.between(0, options.capacities.batch * 2) }, () =>
      randomPacket(random, large),
    );
    plane.process(batch, now);
    packets += batch.length;
    if (random.oneIn(takeEvents)) {
      for (const event of plane.events()) {
        seen.events.add(event.kind === 'hold-drop' ? `${event.kind} ${event.direction}` : event.kind);
      }
    }
    for (const { action, protocol, lastUsed } of plane.dump().flowEntries) {
      if (lastUsed > 0) seen.flows.add(`${action} ${protocol}`);
    }
  }
  plane.events();
  for (const [name, value] of Object.entries(plane.counters())) {
    seen.counters.set(name, (seen.counters.get(name) ?? 0) + value);
  }
  return packets;
}

function runNamed(seed: number): number {
  try {
    return runCase(seed);
  } catch (error) {
    throw new Error(`repeat with MAAR_FUZZ_SEED=${seed}`, { cause: error });
  }
}

test(`module and reference agree on ${packetsWanted} generated packets`, (t) => {
  if (onlySeed !== undefined) {
    runCase(Number(onlySeed));
    return;
  }
  const first = Number(process.env['MAAR_FUZZ_FIRST_SEED'] ?? 1);
  let seed = first;
  for (let packets = 0; packets < packetsWanted; seed++) packets += runNamed(seed);
  const silent = [...seen.counters].filter(([, value]) => value === 0).map(([name]) => name);
  // The binding never builds a descriptor that lies outside its frame.
  assert.deepEqual(silent, ['drop-descriptor']);
  for (const protocol of [33, 132, 136]) {
    assert.ok(
      [...seen.flows].some((flow) => flow.endsWith(` ${protocol}`)),
      `${protocol}`,
    );
  }
  for (const action of ['deliver', 'tunnel']) {
    for (const protocol of [6, 17, 58])
      assert.ok(seen.flows.has(`${action} ${protocol}`), `${action} ${protocol}`);
  }
  assert.equal(seen.events.size, 7);
  assert.deepEqual([...seen.statuses].sort(), ['absent', 'full', 'invalid', 'ok']);
  t.diagnostic(`seeds ${first} to ${seed - 1}`);
});
