/** One line: its name, which is the same in every panel, and its points. */
export interface Line {
  readonly name: string;
  readonly points: readonly (readonly [x: number, y: number])[];
}

export interface Axis {
  readonly label: string;
  readonly scale: 'linear' | 'log';
}

export interface Panel {
  readonly x: Axis;
  readonly y: Axis;
  readonly lines: readonly Line[];
}

const [WIDTH, HEIGHT] = [380, 250];
const MARGIN = { left: 62, right: 18, top: 14, bottom: 42 };
const LEGEND = 34;
/** Colours that remain apart for the colour-blind (Okabe and Ito), and dashes that do without any. */
const STYLES = [
  { colour: '#0072b2', dash: '' },
  { colour: '#56b4e9', dash: '7 3' },
  { colour: '#d55e00', dash: '' },
  { colour: '#e69f00', dash: '7 3' },
  { colour: '#009e73', dash: '2 3' },
];
const CSS = `text{font:12px sans-serif;fill:#24292f}.back{fill:#fff}.grid{stroke:#d0d7de}.axis{stroke:#57606a}
@media(prefers-color-scheme:dark){text{fill:#e6edf3}.back{fill:#0d1117}.grid{stroke:#30363d}.axis{stroke:#8b949e}}`;

/** Line plots as one SVG document, `columns` of them beside each other; every panel needs a point, and log axes positive values. */
export function plot(panels: readonly Panel[], columns: number): string {
  const names = [...new Set(panels.flatMap(({ lines }) => lines.map(({ name }) => name)))];
  const width = columns * WIDTH;
  const height = LEGEND + Math.ceil(panels.length / columns) * HEIGHT;
  const drawn = panels.map((panel, index) => {
    const [x, y] = [(index % columns) * WIDTH, LEGEND + Math.floor(index / columns) * HEIGHT];
    return `<g transform="translate(${x} ${y})">${panelOf(panel, names)}</g>`;
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">`,
    `<style>${CSS}</style><rect class="back" width="${width}" height="${height}"/>`,
    ...names.map((name, index) =>
      legend(name, index, MARGIN.left + (index * (width - MARGIN.left)) / names.length),
    ),
    ...drawn,
    '</svg>\n',
  ].join('\n');
}

function legend(name: string, index: number, x: number): string {
  return `${stroke(index, `M${x} 18h26`)}<text x="${x + 32}" y="22">${name}</text>`;
}

function stroke(index: number, path: string): string {
  const { colour, dash } = STYLES[index % STYLES.length]!;
  return `<path d="${path}" fill="none" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"/>`;
}

function panelOf({ x, y, lines }: Panel, names: readonly string[]): string {
  const points = lines.flatMap((line) => line.points);
  const across = scaleOf(
    x,
    points.map(([value]) => value),
    MARGIN.left,
    WIDTH - MARGIN.right,
  );
  const up = scaleOf(
    y,
    points.map(([, value]) => value),
    HEIGHT - MARGIN.bottom,
    MARGIN.top,
  );
  const [left, right, bottom] = [MARGIN.left, WIDTH - MARGIN.right, HEIGHT - MARGIN.bottom];
  const middle = (bottom + MARGIN.top) / 2;
  const xTicks = [...new Set(points.map(([value]) => value))];
  return [
    ...up.ticks.map((tick) => {
      const at = up.place(tick).toFixed(1);
      const line = `<path class="grid" d="M${left} ${at}H${right}"/>`;
      return `${line}<text x="${left - 6}" y="${Number(at) + 4}" text-anchor="end">${short(tick)}</text>`;
    }),
    `<path class="axis" d="M${left} ${bottom}H${right}"/>`,
    ...xTicks.map(
      (tick) =>
        `<text x="${across.place(tick).toFixed(1)}" y="${bottom + 16}" text-anchor="middle">${short(tick)}</text>`,
    ),
    `<text x="${(left + right) / 2}" y="${bottom + 34}" text-anchor="middle">${x.label}</text>`,
    `<text transform="translate(13 ${middle}) rotate(-90)" text-anchor="middle">${y.label}</text>`,
    ...lines.map(({ name, points: own }) => {
      const index = names.indexOf(name);
      const places = own.map(([px, py]) => [across.place(px).toFixed(1), up.place(py).toFixed(1)] as const);
      const { colour } = STYLES[index % STYLES.length]!;
      const dots = places.map(([cx, cy]) => `<circle cx="${cx}" cy="${cy}" r="3" fill="${colour}"/>`);
      return stroke(index, `M${places.map((place) => place.join(' ')).join('L')}`) + dots.join('');
    }),
  ].join('\n');
}

interface Scale {
  readonly ticks: readonly number[];
  readonly place: (value: number) => number;
}

/** From `start` to `end` on the page: whole decades, or from 0 to a round number. */
function scaleOf({ scale }: Axis, values: readonly number[], start: number, end: number): Scale {
  const most = Math.max(...values);
  if (scale === 'log') {
    const low = Math.floor(Math.log10(Math.min(...values)));
    const high = Math.max(Math.ceil(Math.log10(most)), low + 1);
    const ticks = Array.from({ length: high - low + 1 }, (_, index) => 10 ** (low + index));
    return { ticks, place: (value) => start + ((Math.log10(value) - low) / (high - low)) * (end - start) };
  }
  const step = stepFor(most);
  const top = Math.max(1, Math.ceil(most / step)) * step;
  const ticks = Array.from({ length: Math.round(top / step) + 1 }, (_, index) => index * step);
  return { ticks, place: (value) => start + (value / top) * (end - start) };
}

/** 1, 2 or 5 times a power of ten, at most five of which make up the range. */
function stepFor(most: number): number {
  const decade = 10 ** Math.floor(Math.log10(Math.max(most, 1e-9)));
  return [0.2, 0.5, 1, 2].map((factor) => factor * decade).find((step) => most / step <= 5) ?? 5 * decade;
}

function short(value: number): string {
  if (value >= 1e6) return `${Number((value / 1e6).toPrecision(3))} M`;
  if (value >= 1e3) return `${Number((value / 1e3).toPrecision(3))} k`;
  return String(Number(value.toPrecision(3)));
}
