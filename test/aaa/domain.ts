import { AaaClient } from '../../host/aaa/client.ts';
import type { AaaAnswer, AaaClientSettings, AaaOutput } from '../../host/aaa/client.ts';
import { MemoryStore } from '../../host/aaa/memory-store.ts';
import { AaaServer } from '../../host/aaa/server.ts';
import type { AaaServerSettings } from '../../host/aaa/server.ts';
import type { Store } from '../../host/aaa/store.ts';
import { Subscribers } from '../../host/aaa/subscribers.ts';
import { Net, seeded } from './net.ts';

export const REALM = 'example.org';
export const MN = '020000000001@example.org';

/** A MAAR's client in the network, with the answers it got. */
export interface Maar {
  readonly name: string;
  readonly address: string;
  readonly client: AaaClient;
  readonly answers: AaaAnswer[];
  /** Carries out what a method of the client returned. */
  does(output: AaaOutput): void;
}

/** An AAA domain in virtual time: servers on one store, MAARs that know all of them. */
export class Domain {
  readonly net: Net;
  readonly store: Store;
  readonly servers: readonly AaaServer[];
  readonly #seed: number;
  readonly #serverNames: readonly string[];

  constructor(seed: number, servers: readonly string[] = ['aaa1'], store: Store = new MemoryStore()) {
    this.#seed = seed;
    this.net = new Net(seeded(seed));
    this.store = store;
    this.#serverNames = servers;
    this.servers = servers.map((name) => this.startServer(name));
  }

  startServer(name: string, settings: Partial<AaaServerSettings> = {}): AaaServer {
    const server = new AaaServer({
      originHost: `${name}.${REALM}`,
      originRealm: REALM,
      address: '2001:db8:a::1',
      peers: [
        { host: 'maar1.example.org', role: 'maar', address: '2001:db8::1' },
        { host: 'maar2.example.org', role: 'maar', address: '2001:db8::2' },
        { host: 'relay.example.org', role: 'relay' },
      ],
      subscribers: new Subscribers([
        { mnId: '02:00:00:*@example.org', allowed: true },
        { mnId: '02:00:00:00:00:66@example.org', allowed: false },
      ]),
      store: this.store,
      random: seeded(this.#seed + 77),
      settings,
    });
    this.net.add(name, server);
    return server;
  }

  addMaar(number: number, settings: Partial<AaaClientSettings> = {}, name = `maar${number}`): Maar {
    const answers: AaaAnswer[] = [];
    const client = new AaaClient({
      originHost: `${name}.${REALM}`,
      originRealm: REALM,
      destinationRealm: REALM,
      address: `2001:db8::${number}`,
      servers: this.#serverNames.map((host) => ({ name: host, host, port: 3868 })),
      random: seeded(this.#seed * 31 + number),
      settings,
    });
    const does = (output: AaaOutput): void => {
      answers.push(...output.answers);
      this.net.apply(name, output.effects);
    };
    this.net.add(name, {
      step: (event, now) => {
        const output = client.handle(event, now);
        answers.push(...output.answers);
        return output.effects;
      },
    });
    const maar: Maar = { name, address: `2001:db8::${number}`, client, answers, does };
    does(client.start(this.net.now));
    return maar;
  }

  attach(maar: Maar, id: string, mnId: string = MN): void {
    maar.does(maar.client.attach({ id, mnId, maar: maar.address }, this.net.now));
  }

  detach(maar: Maar, id: string): void {
    maar.does(maar.client.detach(id, this.net.now));
  }

  run(millis: number): void {
    this.net.run(this.net.now + millis);
  }
}
