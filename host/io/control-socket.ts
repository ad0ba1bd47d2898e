import { chmodSync, rmSync } from 'node:fs';
import { createConnection, createServer } from 'node:net';
import type { Server } from 'node:net';
import { messageOf } from '../core/error-message.ts';
import { parseMac } from '../wire/address.ts';

/** Longest request line. */
const REQUEST_OCTETS = 4096;
const ANSWER_MS = 5000;

/** `leaving` is the link layer's announcement that a station leaves its port, answered once its packets are kept. */
export type ControlRequest =
  { readonly show: string } | { readonly leaving: { readonly port: string; readonly mac: string } };

/** Path of the control socket in a daemon's state directory. */
export function controlPath(stateDirectory: string): string {
  return `${stateDirectory}/control.sock`;
}

/**
 * Serves one JSON document for each connection that sends one request line. `answer` returns what is sent, or throws
 * what is reported as `{ "error": ... }`. Only the daemon's user may connect.
 */
export function serveControl(
  path: string,
  answer: (request: ControlRequest) => Promise<unknown>,
): Promise<Server> {
  // What is left of a daemon that was killed; one that runs holds its interfaces and was found before.
  rmSync(path, { force: true });
  const server = createServer((connection) => {
    let text = '';
    connection.setEncoding('utf8');
    connection.on('error', () => connection.destroy());
    connection.on('data', (part: string) => {
      text += part;
      const end = text.indexOf('\n');
      if (end < 0 && text.length <= REQUEST_OCTETS) return;
      connection.removeAllListeners('data');
      void reply(text.slice(0, end), answer).then((document) => connection.end(`${document}\n`));
    });
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      chmodSync(path, 0o600);
      resolve(server);
    });
  });
}

async function reply(line: string, answer: (request: ControlRequest) => Promise<unknown>): Promise<string> {
  try {
    return JSON.stringify(await answer(parseRequest(line)));
  } catch (error) {
    return JSON.stringify({ error: messageOf(error) });
  }
}

function parseRequest(line: string): ControlRequest {
  const { show, leaving } = fields(JSON.parse(line));
  if (typeof show === 'string') return { show };
  const { port, mac } = fields(leaving);
  const canonical = typeof mac === 'string' ? parseMac(mac) : undefined;
  if (typeof port === 'string' && canonical !== undefined) return { leaving: { port, mac: canonical } };
  throw new Error('a request is one line, {"show": NAME} or {"leaving": {"port": INTERFACE, "mac": MAC}}');
}

function fields(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

/** Asks a daemon; rejects where none listens, or none answers in time. */
export function askControl(path: string, request: ControlRequest): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let text = '';
    const connection = createConnection(path, () => connection.write(`${JSON.stringify(request)}\n`));
    connection.setEncoding('utf8');
    connection.setTimeout(ANSWER_MS, () =>
      connection.destroy(new Error(`${path}: no answer in ${ANSWER_MS} ms`)),
    );
    connection.on('error', reject);
    connection.on('data', (part: string) => (text += part));
    connection.on('end', () => {
      try {
        resolve(JSON.parse(text));
      } catch {
        reject(new Error(`${path}: the answer is no JSON document`));
      }
    });
  });
}
