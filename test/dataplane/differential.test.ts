import { test } from 'node:test';
import { BUILDS, paired } from './engines.ts';
import { Random } from './random.ts';
import { randomCommand, randomOptions, randomPacket } from './world.ts';

/** Raised for a nightly run; MAAR_FUZZ_SEED repeats one case. */
const packetsWanted = Number(process.env['MAAR_FUZZ_PACKETS'] ?? 100_000);
const onlySeed = process.env['MAAR_FUZZ_SEED'];
const STEPS = 30;

/** One instance through commands, batches and steps of time; returns how many packets it saw. */
function runCase(seed: number): number {
  const random = new Random(seed);
  const options = randomOptions(random);
  const plane = paired(seed % 4 === 0 ? BUILDS[1] : BUILDS[0], options);
  let packets = 0;
  let now = random.pick([0, 999, 1_700_000_000_000]);
  for (let step = 0; step < STEPS; step++) {
    const commands = random.pick([0, 1, 3, step === 0 ? 60 : 6]);
    plane.apply(
      Array.from({ length: commands }, () => randomCommand(random)),
      now,
    );
    now = Math.max(0, now + random.pick([0, 0, 1, 5, 49, 50, 99, 100, 999, 1000, 2000, -10]));
    const batch = Array.from({ length: random.between(0, options.capacities.batch * 2) }, () =>
      randomPacket(random),
    );
    plane.process(batch, now);
    packets += batch.length;
    // Now and then events pile up beyond what the event area holds.
    if (!random.oneIn(3)) plane.events();
    plane.dump();
  }
  plane.events();
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
  t.diagnostic(`seeds ${first} to ${seed - 1}`);
});
