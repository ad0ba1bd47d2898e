/** The pictures of docs/packet-walks as trees of text: what stands on the way to each of their ends. */

/** One end of a picture, with all that a packet meets on its way there. */
export interface End {
  readonly name: string;
  /** Verdicts in order, drops with their reason: `core`, `drop too-big`. */
  readonly verdicts: readonly string[];
  /** Counters other than those of drops. */
  readonly counters: Readonly<Record<string, number>>;
  readonly events: readonly string[];
}

export interface Picture {
  readonly ends: readonly End[];
  /** What is wrong with the drawing itself, with the line concerned. */
  readonly faults: readonly string[];
}

const WIDTH = 100;
const BRANCH = /^[ │]*[├└]/;
/** Columns of one level of the tree. */
const STEP = 3;
const END = /▶ (?<verdicts>[a-z, -]+?) *(?:[+![]|$)/;
const NAME = / \[([a-z-]+)\]$/;

type Counters = Record<string, number>;

/** Counters and events that the lines of one level have named so far. */
interface Level {
  readonly counters: Counters;
  readonly events: string[];
}

function signsOf(line: string): Level {
  const counters: Counters = {};
  for (const [, name = '', times = '1'] of line.matchAll(/\+([a-z][a-z-]*)(?:×(\d+))?/g)) {
    counters[name] = (counters[name] ?? 0) + Number(times);
  }
  return { counters, events: [...line.matchAll(/!([a-z][a-z-]*)/g)].map(([, name = '']) => name) };
}

function merge(levels: readonly Level[]): Level {
  const counters: Counters = {};
  for (const level of levels) {
    for (const [name, times] of Object.entries(level.counters))
      counters[name] = (counters[name] ?? 0) + times;
  }
  return { counters, events: levels.flatMap(({ events }) => events) };
}

/** The ends of one block. */
function readBlock(lines: readonly string[]): Picture {
  const ends: End[] = [];
  const faults: string[] = [];
  /** At each depth, what stands on the trunk from which the branches one deeper go off. */
  let trunks: Level[] = [];
  for (const line of lines) {
    if (line.length > WIDTH) faults.push(`longer than ${WIDTH} columns: ${line}`);
    const signs = signsOf(line);
    const depth = line.search(/[^ │├└─]/) / STEP;
    const root = trunks.length === 0;
    if (!Number.isInteger(depth) || depth > trunks.length || (depth === 0) !== root) {
      faults.push(`belongs to no branch: ${line}`);
      continue;
    }
    const end = END.exec(line)?.groups?.['verdicts'];
    const name = NAME.exec(line)?.[1];
    const branch = BRANCH.test(line);
    if ((end === undefined) !== (name === undefined) || (end !== undefined && !branch)) {
      faults.push(`an end is a branch with verdicts and a name: ${line}`);
    }
    trunks = trunks.slice(0, depth);
    if (end !== undefined && name !== undefined) {
      ends.push({ name, verdicts: end === 'nothing' ? [] : end.split(', '), ...merge([...trunks, signs]) });
    } else if (branch || root) {
      trunks.push(signs);
    } else {
      trunks.push(merge([...trunks.splice(-1), signs]));
    }
  }
  return { ends, faults };
}

/** All pictures of one page: its blocks fenced as `walk`. */
export function readPicture(page: string): Picture {
  const blocks = [...page.matchAll(/^```walk\n([^]*?)\n```$/gm)].map(([, text = '']) =>
    readBlock(text.split('\n')),
  );
  const ends = blocks.flatMap((block) => block.ends);
  const names = ends.map(({ name }) => name);
  const twice = names.filter((name, index) => names.indexOf(name) !== index);
  return {
    ends,
    faults: [
      ...blocks.flatMap(({ faults }) => faults),
      ...twice.map((name) => `two ends are named ${name}`),
      ...(ends.length === 0 ? ['draws nothing'] : []),
    ],
  };
}
