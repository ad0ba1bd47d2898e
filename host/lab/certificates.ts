/** Certificates of the control channel (bindings/cpdp/README.md) for a laboratory, made by the program `openssl`. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { Address } from '../../bindings/entries.ts';

/** Files in PEM. */
export interface Certificate {
  readonly certificate: string;
  readonly key: string;
}

const NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-noenc'];
const DAYS = '30';

/** An authority that both ends are told. Without purposes, who holds one router's key could pose as control to all others. */
export class Authority {
  readonly certificate: string;
  readonly #directory: string;
  readonly #key: string;

  /** Makes one, with its files in `directory`; throws where `openssl` is missing or fails. */
  constructor(directory: string, name = 'authority') {
    this.#directory = directory;
    ({ certificate: this.certificate, key: this.#key } = this.#make(name, []));
  }

  /** For an agent, which control knows by the address that it connects to. */
  agent(name: string, address: Address): Certificate {
    return this.#issue(name, 'serverAuth', [`subjectAltName=IP:${address}`]);
  }

  control(name: string): Certificate {
    return this.#issue(name, 'clientAuth', []);
  }

  #issue(name: string, purpose: string, extensions: readonly string[]): Certificate {
    const all = ['basicConstraints=critical,CA:FALSE', `extendedKeyUsage=${purpose}`, ...extensions];
    const signer = ['-CA', this.certificate, '-CAkey', this.#key];
    return this.#make(name, [...signer, ...all.flatMap((extension) => ['-addext', extension])]);
  }

  #make(name: string, args: readonly string[]): Certificate {
    const [certificate, key] = [join(this.#directory, `${name}.pem`), join(this.#directory, `${name}.key`)];
    const files = ['-keyout', key, '-out', certificate, '-subj', `/CN=${name}`, '-days', DAYS];
    execFileSync('openssl', ['req', '-x509', ...NEW_KEY, ...files, ...args], { stdio: 'pipe' });
    return { certificate, key };
  }
}
