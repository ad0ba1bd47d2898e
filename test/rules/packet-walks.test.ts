/** The pictures of docs/packet-walks name what the ABI names, and what they draw is what happens. */
import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';
import { COUNTER_NAMES, EVENT_NAMES } from '../../bindings/generated/abi.ts';
import { OPTIONS, outcome } from '../bindings/node/support.ts';
import { BUILDS, paired } from '../dataplane/engines.ts';
import type { End } from '../packet-walks/picture.ts';
import { readPicture } from '../packet-walks/picture.ts';
import type { Walk, WalkPlane, Walks } from '../packet-walks/walk.ts';

const folder = new URL('../../docs/packet-walks/', import.meta.url);
const names = readdirSync(folder)
  .filter((file) => file.endsWith('.md') && file !== 'README.md')
  .map((file) => file.replace('.md', ''));
const pictures = new Map(
  names.map((name) => [name, readPicture(readFileSync(new URL(`${name}.md`, folder), 'utf8'))]),
);
const ends = [...pictures.values()].flatMap((picture) => picture.ends);

/** All counters that grow on the way to an end, those of its drops included. */
function countersTo(end: End): Record<string, number> {
  const drops = end.verdicts.filter((verdict) => verdict.startsWith('drop '));
  return { ...end.counters, ...Object.fromEntries(drops.map((drop) => [drop.replace(' ', '-'), 1])) };
}

interface Seen {
  readonly verdicts: readonly string[];
  readonly counters: Readonly<Record<string, number>>;
  readonly events: readonly string[];
}

function walked({ before, waiting, walk }: Walk, plane: WalkPlane): Seen {
  before?.(plane);
  if (waiting === undefined) plane.events();
  const start = plane.counters();
  const outputs = walk(plane);
  const grown = Object.entries(plane.counters()).map(
    ([name, value]) => [name, value - (start[name] ?? 0)] as const,
  );
  return {
    verdicts: outputs.map((out) => (out.verdict.action === 'drop' ? `drop ${outcome(out)}` : outcome(out))),
    counters: Object.fromEntries(grown.filter(([, value]) => value !== 0)),
    events: plane
      .events()
      .slice(waiting ?? 0)
      .map(({ kind }) => kind),
  };
}

test('the pictures name every counter and every drop reason of the ABI, and nothing else', () => {
  const drawn = new Set(ends.flatMap((end) => Object.keys(countersTo(end))));
  const counters = Object.values(COUNTER_NAMES).filter((name) => name !== 'drop-none');
  assert.deepEqual([...drawn].sort(), counters.sort());
  const events = new Set(ends.flatMap((end) => end.events));
  assert.deepEqual([...events].sort(), Object.values(EVENT_NAMES).sort());
});

test('what stands on the trunks above an end counts for it, what stands beside them does not', () => {
  const page = [
    '# Page',
    '```walk',
    'packet +a',
    '├─ first ──▶ drop b  [one]',
    '│  +c !e',
    '├─ second !f',
    '│  ├─ deeper ──▶ pass +d×2  [two]',
    '│  └─ else',
    '└─ else +g ──▶ core, core  [three]',
    '```',
  ].join('\n');
  assert.deepEqual(readPicture(page), {
    ends: [
      { name: 'one', verdicts: ['drop b'], counters: { a: 1 }, events: [] },
      { name: 'two', verdicts: ['pass'], counters: { a: 1, c: 1, d: 2 }, events: ['e', 'f'] },
      { name: 'three', verdicts: ['core', 'core'], counters: { a: 1, c: 1, g: 1 }, events: ['e'] },
    ],
    faults: [],
  });
  const faults = (...lines: string[]): number =>
    readPicture(['```walk', 'packet', ...lines, '```'].join('\n')).faults.length;
  assert.equal(faults('├─ x ──▶ pass'), 2, 'an end without a name, and so no end at all');
  assert.equal(faults('├─ x ──▶ pass  [x]', '│     └─ y ──▶ pass  [y]'), 1, 'a branch of nothing');
  assert.equal(faults('├─ x ──▶ pass  [x]', '└─ y ──▶ pass  [x]'), 1, 'two ends of one name');
  assert.equal(faults(`├─ ${'x'.repeat(100)} ──▶ pass  [x]`), 1, 'too wide');
});

test('the table of the pictures has them all', () => {
  const index = readFileSync(new URL('README.md', folder), 'utf8');
  const rows = [...index.matchAll(/^\| \[([a-z-]+)\]\(([a-z-]+)\.md\)/gm)].map(([, name, file]) => {
    assert.equal(name, file);
    return name;
  });
  assert.deepEqual(rows.sort(), names.sort());
});

for (const [name, picture] of pictures) {
  test(`${name}: well drawn, and each end has its walk`, async () => {
    assert.deepEqual(picture.faults, []);
    const { walks } = (await import(`../packet-walks/${name}.ts`)) as { walks: Walks };
    assert.deepEqual(Object.keys(walks).sort(), picture.ends.map((end) => end.name).sort());
    for (const end of picture.ends) {
      const walk = walks[end.name]!;
      const options = { ...OPTIONS, ...walk.options };
      const planes =
        walk.plane === undefined ? BUILDS.map((build) => paired(build, options)) : [walk.plane()];
      const { verdicts, events } = end;
      for (const plane of planes) {
        assert.deepEqual(
          walked(walk, plane),
          { verdicts, counters: countersTo(end), events },
          `docs/packet-walks/${name}.md draws [${end.name}] otherwise than the data plane does`,
        );
      }
    }
  });
}
