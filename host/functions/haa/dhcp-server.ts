import type { Address, Prefix } from '../../../bindings/entries.ts';
import { contains } from '../../wire/address.ts';
import type { DhcpKind, DhcpMessage } from '../../wire/dhcpv6/message.ts';
import type { DhcpOption, IaAddress, IaNa } from '../../wire/dhcpv6/options.ts';
import { DHCPV6_STATUS } from '../../wire/dhcpv6/registry.ts';
import type { InterfaceIds } from './interface-ids.ts';

/** A home of the MN that asks, as DHCPv6 may speak of it. Seconds that are left. */
export interface DhcpHome {
  readonly prefix: Prefix;
  /** Whether new addresses come from it: a stateful network of this MAAR. */
  readonly gives: boolean;
  readonly preferredSeconds: number;
  readonly validSeconds: number;
}

/** What the server knows of the MN that asks. */
export interface DhcpClient {
  readonly mnId: string;
  /** Whether a stateful network of this MAAR is for the MN, be there anything left of it or not. */
  readonly stateful: boolean;
  /** Whether all its homes are known: until then an address that is in none of them may still be good. */
  readonly settled: boolean;
  readonly homes: readonly DhcpHome[];
}

/** RFC 8415 section 21.4: T1 and T2 as parts of the shortest preferred lifetime. */
const T1 = 0.5;
const T2 = 0.8;
/** Associations answered of one message. */
const MAX_ASSOCIATIONS = 8;

/** Messages that must name us, and those that must name no server (sections 16.2 to 16.9). */
const TO_US: ReadonlySet<DhcpKind> = new Set(['request', 'renew', 'release', 'decline']);
const TO_ANY: ReadonlySet<DhcpKind> = new Set(['solicit', 'confirm', 'rebind']);

/** What a received message asks for, or why it is not answered. */
export interface DhcpRequest {
  readonly message: DhcpMessage;
  readonly client: string;
  readonly associations: readonly IaNa[];
}

/** A message as far as it can be checked without knowing the MN; otherwise a name for a counter. */
export function readRequest(message: DhcpMessage, server: string): DhcpRequest | string {
  const ids = (kind: 'client-id' | 'server-id'): string[] =>
    message.options.flatMap((option) => (option.kind === kind ? [option.duid] : []));
  const [client, ...others] = ids('client-id');
  if (client === undefined || others.length > 0) return 'dhcp-client-id';
  const servers = ids('server-id');
  if (TO_US.has(message.kind)) {
    if (servers.length !== 1 || servers[0] !== server) return 'dhcp-other-server';
  } else if (!TO_ANY.has(message.kind)) {
    return 'dhcp-unanswered';
  } else if (servers.length > 0) return 'dhcp-other-server';
  const associations = message.options.filter((option) => option.kind === 'ia-na').slice(0, MAX_ASSOCIATIONS);
  return { message, client, associations };
}

/**
 * The server of one MAAR for addresses, RFC 8415 section 18.3. It keeps no bindings: an address is good for as long as its
 * home is, whoever gave it, and what an association is given follows from its name (`InterfaceIds`).
 */
export class DhcpServer {
  readonly #duid: string;
  readonly #ids: InterfaceIds;

  /** `duid` is the same at every MAAR of a domain: to a client that moves, its server is always there. */
  constructor(duid: string, ids: InterfaceIds) {
    this.#duid = duid;
    this.#ids = ids;
  }

  /** The answer to a request; undefined where there is none to give (now). */
  answer(request: DhcpRequest, client: DhcpClient): DhcpMessage | undefined {
    const { message, associations } = request;
    switch (message.kind) {
      case 'solicit':
        return this.#solicited(request, client);
      case 'request':
        if (!client.stateful) return undefined;
        return this.#reply(
          request,
          associations.map((ia) => this.#requested(request, client, ia)),
        );
      case 'renew':
      case 'rebind':
        if (!client.settled && addressesOf(associations).some((one) => homeOf(client, one) === undefined)) {
          return undefined;
        }
        return this.#reply(
          request,
          associations.map((ia) => this.#renewed(request, client, ia)),
        );
      case 'confirm':
        return this.#confirmed(request, client);
      case 'decline':
        for (const ia of associations) {
          for (const address of addressesOf([ia]))
            this.#ids.decline(client.mnId, request.client, ia.iaid, address);
        }
        return this.#reply(request, [status('success')]);
      case 'release':
        return this.#reply(request, [status('success')]);
      default:
        return undefined;
    }
  }

  #solicited(request: DhcpRequest, client: DhcpClient): DhcpMessage | undefined {
    if (!client.stateful) return undefined;
    const given = request.associations.map((ia) => this.#granted(request, client, ia, []));
    const rapid = request.message.options.some(({ kind }) => kind === 'rapid-commit');
    if (rapid) return this.#reply(request, [{ kind: 'rapid-commit' }, ...given]);
    return { ...this.#reply(request, given), kind: 'advertise' };
  }

  #requested(request: DhcpRequest, client: DhcpClient, ia: IaNa): DhcpOption {
    const foreign = addressesOf([ia]).some((address) => homeOf(client, address) === undefined);
    // Section 18.3.2: an address of another link makes the client begin anew.
    if (foreign) return { ...ia, t1: 0, t2: 0, options: [status('notOnLink')] };
    return this.#granted(request, client, ia, []);
  }

  /** Sections 18.3.4 and 18.3.5: what is good here is renewed, what is not ends, and what is new is added. */
  #renewed(request: DhcpRequest, client: DhcpClient, ia: IaNa): DhcpOption {
    const addresses = [...new Set(addressesOf([ia]))];
    return this.#granted(request, client, ia, addresses);
  }

  #confirmed(request: DhcpRequest, client: DhcpClient): DhcpMessage | undefined {
    const addresses = addressesOf(request.associations);
    // Section 18.3.3: without an address there is nothing to confirm, and without knowledge nothing to say.
    if (addresses.length === 0) return undefined;
    if (addresses.every((address) => homeOf(client, address) !== undefined)) {
      return this.#reply(request, [status('success')]);
    }
    return client.settled ? this.#reply(request, [status('notOnLink')]) : undefined;
  }

  /** An association with `held`, renewed as far as they are good, and an address of every home that gives and has none there. */
  #granted(request: DhcpRequest, client: DhcpClient, ia: IaNa, held: readonly Address[]): IaNa {
    const kept = held.map((address) => lifetimes(address, homeOf(client, address)));
    const fresh = client.homes
      .filter(({ gives, validSeconds }) => gives && validSeconds > 0)
      .filter(({ prefix }) => !held.some((address) => contains(prefix, address)))
      .map((home) => {
        const address = this.#ids.address(client.mnId, request.client, ia.iaid, home.prefix);
        return lifetimes(address, home);
      });
    const addresses = [...fresh, ...kept];
    const good = addresses.filter(({ validSeconds }) => validSeconds > 0);
    if (good.length === 0) {
      return { kind: 'ia-na', iaid: ia.iaid, t1: 0, t2: 0, options: [...kept, status('noAddrsAvail')] };
    }
    const preferred = good.map(({ preferredSeconds }) => preferredSeconds).filter((seconds) => seconds > 0);
    const shortest = Math.min(
      ...(preferred.length > 0 ? preferred : good.map(({ validSeconds }) => validSeconds)),
    );
    const [t1, t2] = [Math.floor(shortest * T1), Math.floor(shortest * T2)];
    return { kind: 'ia-na', iaid: ia.iaid, t1, t2, options: addresses };
  }

  #reply({ message, client }: DhcpRequest, options: readonly DhcpOption[]): DhcpMessage {
    const ids: DhcpOption[] = [
      { kind: 'client-id', duid: client },
      { kind: 'server-id', duid: this.#duid },
    ];
    return { kind: 'reply', transaction: message.transaction, options: [...ids, ...options] };
  }
}

function addressesOf(associations: readonly IaNa[]): Address[] {
  return associations.flatMap(({ options }) =>
    options.flatMap((option) => (option.kind === 'ia-address' ? [option.address] : [])),
  );
}

function homeOf(client: DhcpClient, address: Address): DhcpHome | undefined {
  return client.homes.find(({ prefix, validSeconds }) => validSeconds > 0 && contains(prefix, address));
}

function lifetimes(address: Address, home: DhcpHome | undefined): IaAddress {
  const { preferredSeconds = 0, validSeconds = 0 } = home ?? {};
  return { kind: 'ia-address', address, preferredSeconds, validSeconds, options: [] };
}

const TEXT = {
  success: '',
  noAddrsAvail: 'no prefix is left of the networks that are for this client',
  notOnLink: 'an address is of no home that this client has',
} as const;

function status(name: keyof typeof TEXT): DhcpOption {
  return { kind: 'status', code: DHCPV6_STATUS[name], text: TEXT[name] };
}
