import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Zipf, interval } from '../../../host/sim/scale/draws.ts';
import { Grid } from '../../../host/sim/scale/grid.ts';
import { Population } from '../../../host/sim/scale/population.ts';
import { seededRandom } from '../../../host/sim/random.ts';

const grid = new Grid(1_000);

test('every cell has four neighbours one step away, and those of edges lie on the other side', () => {
  for (let cell = 0; cell < grid.cells; cell++) {
    const beside = new Set([0, 0.25, 0.5, 0.75].map((draw) => grid.neighbour(cell, () => draw)));
    assert.equal(beside.size, 4);
    for (const other of beside) assert.equal(grid.distance(cell, other), 1);
  }
});

test('distances are those of a torus of 40 x 25 cells', () => {
  const most = Math.max(...Array.from({ length: grid.cells }, (_, cell) => grid.distance(0, cell)));
  assert.equal(most, 20 + 12);
  assert.equal(grid.distance(3, 700), grid.distance(700, 3));
});

test('a network is a square around its centre', () => {
  for (let network = 0; network < grid.networks; network++) {
    const centre = grid.centreOf(network);
    assert.equal(grid.networkOf(centre), network);
    const cells = Array.from({ length: grid.cells }, (_, cell) => cell).filter(
      (cell) => grid.networkOf(cell) === network,
    );
    assert.equal(cells.length, 25);
    assert.equal(Math.max(...cells.map((cell) => grid.distance(cell, centre))), 4);
  }
});

test('prefixes are all different, and lie in that of the home network', () => {
  const population = new Population(grid, 5_000, 1);
  const prefixes = new Set<string>();
  for (let node = 0; node < population.size; node++) {
    const prefix = population.prefixOf(node);
    prefixes.add(prefix);
    const primary = population.primaryOf(grid.networkOf(population.homeOf(node)));
    const [network] = primary.split('::/');
    assert.ok(prefix.startsWith(network!), `${prefix} in ${primary}`);
  }
  assert.equal(prefixes.size, population.size);
});

test('draws have the weights and means that they say', () => {
  const random = seededRandom(1, 'draws');
  const zipf = new Zipf(1_000, 1);
  const counts = new Map<number, number>();
  for (let draw = 0; draw < 100_000; draw++) {
    const rank = zipf.draw(random);
    assert.ok(rank >= 0 && rank < 1_000);
    counts.set(rank, (counts.get(rank) ?? 0) + 1);
  }
  const ratio = counts.get(0)! / counts.get(9)!;
  assert.ok(ratio > 9 && ratio < 11, `the first is drawn ${ratio} times as often as the tenth`);
  const times = Array.from({ length: 100_000 }, () => interval(60, random));
  const mean = times.reduce((sum, time) => sum + time, 0) / times.length;
  assert.ok(Math.abs(mean - 60) < 1, `${mean}`);
});
