/** How a packet of a correspondent finds the MAAR of its MN (draft-chan-dmm-framework-gap-analysis section 8). */
export interface RoutingDesign {
  /**
   * Segment RS1, where the mobility router of the correspondent is: at each network's one router that announces every home
   * address, so that the nearest of them takes the packet; or at the access router, by which it passes anyway.
   */
  readonly first: 'anycast' | 'gateway';
  /**
   * Segment RS2, how that router learns where the MN is: it asks location management; or its packet goes by the MN's home
   * router, which tells it.
   */
  readonly second: 'query' | 'push';
}

export const ROUTING_DESIGNS = {
  'anycast-query': { first: 'anycast', second: 'query' },
  'anycast-push': { first: 'anycast', second: 'push' },
  'gateway-query': { first: 'gateway', second: 'query' },
  'gateway-push': { first: 'gateway', second: 'push' },
} as const satisfies Readonly<Record<string, RoutingDesign>>;

export type DesignName = keyof typeof ROUTING_DESIGNS;
