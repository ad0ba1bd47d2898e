import type { Address, LinkId, Mac, Prefix } from '../../bindings/entries.ts';

/** Where the data plane runs: in the daemon itself, or in a process of wasmtime's command line that pipes lead to. */
export type DataPlaneEngine =
  | { readonly engine: 'node' }
  /** `wasmtime` is the program. */
  | { readonly engine: 'wasmtime-cli'; readonly wasmtime: string };

/** What the Linux host of one MAAR needs to know of the machine it runs on. */
export interface LinuxConfig {
  readonly name: string;
  readonly address: Address;
  /** Undo journal and control socket live here. */
  readonly stateDirectory: string;
  readonly coreInterface: string;
  readonly coreMtu: number;
  /** Whether the data plane lowers the MSS of TCP to what fits the tunnel. */
  readonly clampMss: boolean;
  readonly dataPlane: DataPlaneEngine;
  readonly access: readonly AccessInterface[];
  readonly pool: Prefix;
  /** Whether packets from and to each station are counted, which detection by silence asks for. */
  readonly activity: boolean;
}

export interface AccessInterface {
  readonly link: LinkId;
  /** A bridge, whose ports are followed, or a plain interface. */
  readonly interface: string;
  readonly linkLocal: Address;
  readonly mac: Mac;
}

/** Name of the TUN device towards the core; a second MAAR in one network namespace finds it taken. */
export const CORE_TUN = 'maar0';

/** Name of the TUN device that takes what stations of an access link send. */
export function accessTun(link: LinkId): string {
  return `${CORE_TUN}a${link}`;
}

/**
 * Packets that wait in a TUN device while the other thread has the processor, as many as the sockets have room for. The
 * kernel's own 500 are half a second of 1,000 packets a second, less what a host had kept while it had no link.
 */
export const TUN_QUEUE = 2048;

/** Encapsulation adds 40 octets; the data plane takes packets of up to 1,900. IPv6 needs 1,280 (RFC 8200 section 5). */
export function tunMtu(coreMtu: number): number {
  return Math.min(1900, Math.max(1280, coreMtu - 40));
}
