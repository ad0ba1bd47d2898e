import type { ScaleResult } from '../../../sim/scale/run.ts';
import { plot } from './plot.ts';
import type { Axis, Line } from './plot.ts';
import { GROWTH } from './series.ts';

const METRICS: readonly { readonly y: Axis; readonly of: (result: ScaleResult) => number }[] = [
  { y: { label: 'queries, 1/s', scale: 'log' }, of: ({ exchanges }) => exchanges.query },
  {
    y: { label: 'pushes and redirects, 1/s', scale: 'log' },
    of: ({ exchanges }) => exchanges.push + exchanges.redirect,
  },
  { y: { label: 'hits, %', scale: 'linear' }, of: ({ hitRate }) => 100 * hitRate },
  { y: { label: 'state, entries per MN', scale: 'linear' }, of: ({ state }) => state.entriesPerNode },
];

/** The two series of `GROWTH` as an SVG document: on the left what grows with MNs, on the right what grows with speed. */
export function growthPlot(results: readonly ScaleResult[]): string {
  const bySpeed = results.filter(({ plan }) => plan.nodes === GROWTH.nodesOfSpeeds);
  const byNodes = results.filter(({ plan }) => plan.speed === GROWTH.speed);
  const linesOf = (
    of: (result: ScaleResult) => number,
    some: readonly ScaleResult[],
    x: (result: ScaleResult) => number,
  ): Line[] => {
    const names = [...new Set(some.map(({ plan }) => plan.design))];
    return names.map((name) => ({
      name,
      points: some
        .filter(({ plan }) => plan.design === name)
        .map((result) => [x(result), of(result)] as const),
    }));
  };
  const nodes: Axis = { label: `MNs, at ${GROWTH.speed} crossing a minute`, scale: 'log' };
  const speed: Axis = { label: `crossings a minute, ${GROWTH.nodesOfSpeeds / 1000} k MNs`, scale: 'log' };
  const panels = METRICS.flatMap(({ y, of }) => [
    { x: nodes, y, lines: linesOf(of, byNodes, ({ plan }) => plan.nodes) },
    { x: speed, y, lines: linesOf(of, bySpeed, ({ plan }) => plan.speed) },
  ]);
  return plot(panels, 2);
}
