import type { Gap, Lateness } from '../../sim/arrivals.ts';

/** One line of JSON each, between the lab and the traffic process of one end. */

/** Parts of a stream. `stop` ends the part of that id, `count` asks for its report without ending it. */
export type TrafficOrder =
  | { readonly op: 'udp-receive'; readonly id: number; readonly address: string; readonly intervalMs: number }
  | {
      readonly op: 'udp-send';
      readonly id: number;
      readonly from: string;
      readonly to: string;
      readonly intervalMs: number;
      /** Of each datagram's payload. */
      readonly octets: number;
    }
  | {
      readonly op: 'ping';
      readonly id: number;
      readonly from: string;
      readonly to: string;
      readonly intervalMs: number;
    }
  | { readonly op: 'tcp-receive'; readonly id: number; readonly address: string; readonly intervalMs: number }
  | {
      readonly op: 'tcp-send';
      readonly id: number;
      readonly from: string;
      readonly to: string;
      readonly bytes: number;
      /** One segment each time; everything at once without it. */
      readonly intervalMs?: number;
    }
  /** The stream's sending has ended; `last` is the sequence number of the last echo request to count. */
  | { readonly op: 'silence'; readonly id: number; readonly last: number }
  | { readonly op: 'count'; readonly id: number }
  | { readonly op: 'stop'; readonly id: number }
  | { readonly op: 'frame'; readonly id: number; readonly interface: string; readonly frame: string };

/** What a part has to say; what does not concern its kind is absent. */
export interface PartReport {
  readonly received?: number;
  readonly duplicated?: number;
  readonly reordered?: number;
  readonly lateness?: Lateness;
  /** Up to the last `silence` order. */
  readonly gaps?: readonly Gap[];
  /** Of a transfer: whether its end was reached, octets so far and their SHA-256 once it was. */
  readonly ended?: boolean;
  readonly bytes?: number;
  readonly hash?: string;
}

/** Exactly one answer to each order. */
export type TrafficAnswer =
  | { readonly id: number; readonly ok: true; readonly report: PartReport }
  | { readonly id: number; readonly ok: false; readonly fault: string };

/** Both ends of stream `id` use this port, and a ping this identifier. */
export function portOf(id: number): number {
  return 20_000 + id;
}

/** Of one datagram's payload where nothing else is asked, and of one paced write of a transfer. */
export const DATAGRAM = 56;
export const SEGMENT = 1_000;

/** Silences of fewer packets than this are the stream's own rhythm, and shorter ones the scheduler's. */
const GAP_PACKETS = 3;
const SMALLEST_GAP = 20;

export function gapThreshold(intervalMs: number): number {
  return Math.max(SMALLEST_GAP, GAP_PACKETS * intervalMs);
}
