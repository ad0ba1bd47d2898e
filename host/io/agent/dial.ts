import { readFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import type { Socket } from 'node:net';
import { connect } from 'node:tls';
import type { Address } from '../../../bindings/entries.ts';

/** Where an agent listens. Anybody can speak to one that listens on plain TCP. */
export type AgentAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | { readonly kind: 'tcp'; readonly host: Address; readonly port: number }
  | ({ readonly kind: 'tls'; readonly host: Address; readonly port: number } & Credentials);

/** Files in PEM: our certificate, its key, and the certificate of the authority that both sides were told. */
export interface Credentials {
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
}

/** As it stands in the configuration. */
export function textOf(address: AgentAddress): string {
  if (address.kind === 'unix') return `unix:${address.path}`;
  return `${address.kind}:[${address.host}]:${address.port}`;
}

/**
 * Opens a connection; what is written meanwhile waits. Throws where a file cannot be read; all else that fails is an
 * `error` of the socket. An agent has to show a certificate for the address that we know it by.
 */
export function dial(address: AgentAddress): Socket {
  if (address.kind === 'unix') return createConnection(address.path);
  const { host, port } = address;
  if (address.kind === 'tcp') return createConnection({ host, port, noDelay: true });
  const socket = connect({
    host,
    port,
    minVersion: 'TLSv1.3',
    cert: readFileSync(address.certificate),
    key: readFileSync(address.key),
    ca: readFileSync(address.authority),
  });
  return socket.setNoDelay(true);
}
