import { join } from 'node:path';
import type { Address, Mac } from '../../../bindings/entries.ts';
import type { Credentials } from '../../io/agent/dial.ts';
import type { AgentEngine } from '../agent-programs.ts';
import { Authority } from '../certificates.ts';
import type { LabOptions, MaarName } from '../lab.ts';
import { CONTROL, MAARS, maarConfig } from '../plan.ts';
import { stateDirectory } from './config-files.ts';
import type { Sandbox, SharedDirectory } from './sandbox.ts';
import { ACCESS_INTERFACE } from './topology.ts';

/** No port that IANA gives to anybody. */
const PORT = 7077;
/** More than the lab has stations: a flood of invented ones is one of its scenarios. */
const BINDINGS = 4096;

/** The section `[agent]` of a MAAR's file. */
export interface AgentSection extends Credentials {
  readonly connect: string;
  readonly settle: number;
}

/** The agents of the domain's routers, one in the namespace of each MAAR; all control is in a namespace of its own. */
export class Agents {
  readonly #engine: AgentEngine;
  readonly #directory: SharedDirectory;
  readonly #options: LabOptions;

  /** Makes an authority for this run, and a certificate for control and each agent. Throws where `openssl` is missing. */
  constructor(engine: AgentEngine, directory: SharedDirectory, options: LabOptions) {
    this.#engine = engine;
    this.#directory = directory;
    this.#options = options;
    const authority = new Authority(directory.outside);
    authority.control(CONTROL.name);
    for (const name of MAARS) authority.agent(agentName(name), maarConfig(name, options).address);
  }

  section(name: MaarName): AgentSection {
    return {
      connect: listen(maarConfig(name, this.#options).address),
      ...this.#files(CONTROL.name),
      settle: CONTROL.settle,
    };
  }

  command(name: MaarName): string[] {
    const { address, pool, links, coreMtu, buffer } = maarConfig(name, this.#options);
    const { certificate, key, authority } = this.#files(agentName(name));
    return [
      this.#engine.agent,
      ...['--module', this.#engine.module, '--locator', address, '--pool', pool.prefix],
      ...['--control', listen(address), '--certificate', certificate, '--key', key, '--authority', authority],
      ...links.flatMap(({ id, linkLocal, mac }) => [
        '--access',
        `${id}=${ACCESS_INTERFACE},${linkLocal},${mac}`,
      ]),
      ...['--name', name, '--state', stateDirectory(this.#directory, agentName(name)).inside],
      ...[
        '--core-mtu',
        String(coreMtu),
        '--bindings',
        String(BINDINGS),
        '--stations',
        this.#stations(name).inside,
      ],
      ...(buffer.silence > 0 ? ['--activity'] : []),
    ];
  }

  /** Announces, as an access point would, that a station leaves; resolves once its packets are kept. */
  async announce(sandbox: Sandbox, name: MaarName, port: string, mac: Mac): Promise<void> {
    const { agent } = this.#engine;
    const answer = await sandbox
      .shell(name)
      .run(`${agent} station ${this.#stations(name).inside} leaving ${port} ${mac}`);
    if (answer.trim() !== 'keeping')
      throw new Error(`${name} does not keep what comes for ${mac}: ${answer}`);
  }

  #stations(name: MaarName): SharedDirectory {
    const { inside, outside } = stateDirectory(this.#directory, agentName(name));
    return { inside: join(inside, 'stations'), outside: join(outside, 'stations') };
  }

  #files(name: string): Credentials {
    const file = (base: string): string => join(this.#directory.inside, base);
    return { certificate: file(`${name}.pem`), key: file(`${name}.key`), authority: file('authority.pem') };
  }
}

/** Of a MAAR's router alone. */
export function agentName(name: MaarName): `agent-${MaarName}` {
  return `agent-${name}`;
}

function listen(address: Address): string {
  return `tls:[${address}]:${PORT}`;
}
