import type { TestContext } from 'node:test';
import { CLIENT_SETTINGS, LocationClient } from '../../../host/functions/lm/client/client.ts';
import type { ClientEffect, ClientEvent, ClientSettings } from '../../../host/functions/lm/client/client.ts';
import { clockFrom, clockOrigin } from '../../../host/io/clock.ts';
import { hmacSha256 } from '../../../host/io/lm/hmac.ts';
import { MobilitySocket } from '../../../host/io/lm/mobility-socket.ts';
import { Runner } from '../../../host/io/runner.ts';

type Effect<K extends ClientEffect['type']> = Extract<ClientEffect, { type: K }>;

export interface LmClientSettings {
  readonly address: string;
  /** In order of preference. */
  readonly servers: readonly string[];
  /** In hexadecimal, the same with all servers. */
  readonly key: string;
  readonly settings?: Partial<ClientSettings>;
}

/** A MAAR's client on a raw socket of its own, for many MNs at a time. */
export class LmClient {
  readonly address: string;
  readonly #waiting = new Map<string, (effect: ClientEffect) => void>();
  readonly #socket: MobilitySocket;
  readonly #runner: Runner<ClientEvent, ClientEffect>;

  constructor(t: TestContext, { address, servers, key, settings = {} }: LmClientSettings) {
    this.address = address;
    const clock = clockFrom(clockOrigin());
    const shared = { spi: 256, hmac: hmacSha256(Buffer.from(key, 'hex')) };
    const peers = servers.map((server) => ({ address: server, name: server, key: shared }));
    const client = new LocationClient(
      { ...CLIENT_SETTINGS, address, servers: peers, maars: [], random: Math.random, ...settings },
      clock(),
    );
    this.#runner = new Runner(client, clock, (effect) => {
      if (effect.type === 'mobility') this.#socket.send(effect.dst, effect.data);
      else if (effect.type !== 'trace') this.#waiting.get(nameOf(effect))?.(effect);
    });
    this.#socket = new MobilitySocket(address, (batch) => {
      for (const { src, data } of batch) this.#runner.dispatch({ type: 'mobility', src, dst: address, data });
    });
    t.after(async () => {
      this.#runner.close();
      await this.#socket.close();
    });
  }

  /** An MN comes; resolves to the counter it is registered with, or undefined if the servers refused or were silent. */
  async arrive(mnId: string, prefix: string): Promise<number | undefined> {
    const attached = await this.#ask<'attached' | 'unreachable'>(`attached ${mnId}`, {
      type: 'attach',
      mnId,
    });
    if (attached.type === 'unreachable') return undefined;
    const { counter } = attached;
    const registration = { mnId, counter, prefixes: [prefix], delegated: [] };
    const { status } = await this.#ask<'registered'>(`registered ${mnId}`, {
      type: 'register',
      ...registration,
    });
    return status === 0 ? counter : undefined;
  }

  async lookUp(where: string): Promise<Effect<'located'>> {
    return await this.#ask<'located'>(`located ${where}`, { type: 'lookup', where });
  }

  async #ask<K extends ClientEffect['type']>(name: string, event: ClientEvent): Promise<Effect<K>> {
    return await new Promise((resolve) => {
      this.#waiting.set(name, (effect) => {
        this.#waiting.delete(name);
        resolve(effect as Effect<K>);
      });
      this.#runner.dispatch(event);
    });
  }
}

function nameOf(effect: Exclude<ClientEffect, { type: 'mobility' | 'timer' | 'trace' }>): string {
  switch (effect.type) {
    case 'located':
      return `located ${effect.where}`;
    case 'registered':
      return `registered ${effect.mnId}`;
    case 'attached':
    case 'unreachable':
      return `attached ${effect.mnId}`;
  }
}
