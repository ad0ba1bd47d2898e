import { readFileSync } from 'node:fs';
import { wasmDataPlane } from '../../bindings/node/dataplane.ts';
import { MemoryStore } from '../../host/aaa/memory-store.ts';
import { AaaServer } from '../../host/aaa/server.ts';
import { Subscribers } from '../../host/aaa/subscribers.ts';
import { Maar } from '../../host/core/maar.ts';
import type { LabOptions } from '../../host/lab/lab.ts';
import { AAA, HOSTS, maarAddress, MAARS, mnId } from '../../host/lab/plan.ts';
import { SimLab } from '../../host/lab/sim-lab.ts';

const module = new Uint8Array(readFileSync(new URL('../../build/maar.wasm', import.meta.url)));

/** A simulated domain, up, on the compiled data plane. */
export async function openSim(options: LabOptions): Promise<SimLab> {
  const store = new MemoryStore();
  const lab = new SimLab(options, {
    maar: (config, random) => new Maar(config, random),
    dataPlane: (planeOptions) => wasmDataPlane(module, planeOptions),
    aaa: (random) =>
      new AaaServer({
        originHost: AAA.originHost,
        originRealm: AAA.realm,
        address: AAA.address,
        peers: MAARS.map((name) => ({ host: `${name}.${AAA.realm}`, role: 'maar' as const, address: maarAddress(name) })),
        subscribers: new Subscribers(
          HOSTS.filter((host) => options.unknownHosts?.includes(host) !== true).map((host) => ({
            mnId: mnId(host),
            allowed: options.forbiddenHosts?.includes(host) !== true,
          })),
        ),
        store,
        random,
      }),
  });
  await lab.up();
  return lab;
}
