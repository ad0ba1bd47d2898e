import type { ServerStore } from '../../functions/lm/store.ts';
import { EtcdLocationStore } from './etcd/store.ts';
import type { EtcdStoreSettings } from './etcd/store.ts';
import { SqliteServerStore } from './sqlite-server-store.ts';

/** What a store's name stands for. */
export type StorePlace =
  | { readonly kind: 'sqlite'; readonly file: string }
  | { readonly kind: 'etcd'; readonly endpoints: EtcdStoreSettings['endpoints'] };

const SQLITE = 'sqlite:';
const ETCD = 'etcd://';
const ENDPOINT = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+)):(\d{1,5})$/i;
const MAX_PORT = 65_535;

/** Reads `sqlite:FILE` or `etcd://HOST:PORT,HOST:PORT,...`; undefined for anything else. */
export function parseStore(name: string): StorePlace | undefined {
  if (name.startsWith(SQLITE) && name.length > SQLITE.length) {
    return { kind: 'sqlite', file: name.slice(SQLITE.length) };
  }
  if (!name.startsWith(ETCD)) return undefined;
  const endpoints = name
    .slice(ETCD.length)
    .split(',')
    .flatMap((text) => {
      const match = ENDPOINT.exec(text);
      const [host, port] = [match?.[1] ?? match?.[2], Number(match?.[3])];
      return host !== undefined && port > 0 && port <= MAX_PORT ? [{ host, port }] : [undefined];
    });
  const known = endpoints.filter((endpoint) => endpoint !== undefined);
  return known.length === endpoints.length ? { kind: 'etcd', endpoints: known } : undefined;
}

/** Opens it; rejects where that fails, with the reason. */
export async function openStore(
  place: StorePlace,
  settings: Omit<EtcdStoreSettings, 'endpoints'>,
): Promise<ServerStore> {
  if (place.kind === 'sqlite') return new SqliteServerStore(place.file);
  return await EtcdLocationStore.open({ ...settings, endpoints: place.endpoints });
}
