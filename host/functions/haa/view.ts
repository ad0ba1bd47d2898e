import type { Address } from '../../../bindings/entries.ts';
import type { LeasesView } from '../../core/view.ts';
import type { LocationManager } from '../lm/location.ts';
import type { HomeAddressAllocator } from './allocator.ts';

/** What `maar show leases` shows at the time `now`; `self` is our own address. */
export function leasesView(
  allocator: HomeAddressAllocator,
  location: LocationManager,
  self: Address,
  now: number,
): LeasesView {
  const leases = [...allocator.leases()].filter(({ promised }) => promised > now);
  return {
    stored: allocator.stored,
    networks: allocator.networks.map(({ config: { name, prefix, mode }, size }) => ({
      ...{ name, prefix, mode, size },
      leased: leases.filter(({ network }) => network === name).length,
    })),
    leases: leases.map(({ prefix, network, mnId, promised }) => ({
      ...{ prefix, network, mnId, until: promised },
      serving: location.find(prefix) === undefined ? location.anchored.get(prefix)?.serving : self,
    })),
    refusals: [...allocator.refusals()],
  };
}
