import { ROUTING_DESIGNS } from '../../../sim/scale/designs.ts';
import type { DesignName } from '../../../sim/scale/designs.ts';
import { SCALE_PLAN } from '../../../sim/scale/plan.ts';
import type { ScalePlan } from '../../../sim/scale/plan.ts';

export const DESIGN_NAMES = Object.keys(ROUTING_DESIGNS) as DesignName[];

/** How the designs grow: with MNs at one speed, and with speed at one number of MNs. Speeds in crossings a minute. */
export const GROWTH = {
  nodes: [10_000, 100_000, 1_000_000],
  speed: 1,
  speeds: [0.25, 1, 4],
  nodesOfSpeeds: 100_000,
} as const;

export interface Choice {
  readonly maars: number;
  readonly seed: number;
  readonly designs: readonly DesignName[];
  /** Every combination of these; where both are absent, the two series of `GROWTH`. */
  readonly nodes?: readonly number[];
  readonly speeds?: readonly number[];
}

/** The runs that a choice means, the smallest first. */
export function plansOf({ maars, seed, designs, nodes, speeds }: Choice): ScalePlan[] {
  const points =
    nodes === undefined && speeds === undefined
      ? [
          ...GROWTH.speeds.map((speed) => ({ nodes: GROWTH.nodesOfSpeeds, speed })),
          ...GROWTH.nodes
            .filter((count) => count !== GROWTH.nodesOfSpeeds)
            .map((count) => ({ nodes: count, speed: GROWTH.speed })),
        ]
      : (nodes ?? [GROWTH.nodesOfSpeeds]).flatMap((count) =>
          (speeds ?? [GROWTH.speed]).map((speed) => ({ nodes: count, speed })),
        );
  const sorted = points.sort((a, b) => a.nodes - b.nodes || a.speed - b.speed);
  return sorted.flatMap((point) =>
    designs.map((design) => ({ ...SCALE_PLAN, ...point, design, maars, seed })),
  );
}
