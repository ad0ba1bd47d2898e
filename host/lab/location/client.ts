import { CLIENT_SETTINGS, LocationClient } from '../../functions/lm/client/client.ts';
import type { ClientEffect, ClientEvent, ClientSettings } from '../../functions/lm/client/client.ts';
import { clockFrom, clockOrigin } from '../../io/clock.ts';
import { hmacSha256 } from '../../io/lm/hmac.ts';
import { MobilitySocket } from '../../io/lm/mobility-socket.ts';
import { Runner } from '../../io/runner.ts';

/** Names every key. */
const SPI = 256;

type Effect<K extends ClientEffect['type']> = Extract<ClientEffect, { type: K }>;

export interface LmClientSettings {
  readonly address: string;
  /** In order of preference, each with the key that is shared with it, in hexadecimal. */
  readonly servers: readonly { readonly address: string; readonly key: string }[];
  readonly settings?: Partial<ClientSettings>;
}

/** A client of location management on a raw socket of its own, for many MNs at a time. `close` it before the process ends. */
export class LmClient {
  readonly address: string;
  readonly #waiting = new Map<string, (effect: ClientEffect) => void>();
  readonly #socket: MobilitySocket;
  readonly #runner: Runner<ClientEvent, ClientEffect>;

  constructor({ address, servers, settings = {} }: LmClientSettings) {
    this.address = address;
    const clock = clockFrom(clockOrigin());
    const peers = servers.map((server) => ({
      address: server.address,
      name: server.address,
      key: { spi: SPI, hmac: hmacSha256(Buffer.from(server.key, 'hex')) },
    }));
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
  }

  async close(): Promise<void> {
    this.#runner.close();
    await this.#socket.close();
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
    case 'asked':
      return `asked ${effect.asked.message.mnId}`;
    case 'context':
    case 'registered':
      return `${effect.type} ${effect.mnId}`;
    case 'attached':
    case 'unreachable':
      return `attached ${effect.mnId}`;
  }
}
