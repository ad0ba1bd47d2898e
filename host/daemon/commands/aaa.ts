import { parseArgs } from 'node:util';
import type { PeerEffect } from '../../aaa/peer-interface.ts';
import { AAA_SERVER_SETTINGS, AaaServer } from '../../aaa/server.ts';
import type { AaaServerEvent } from '../../aaa/server.ts';
import { messageOf } from '../../core/error-message.ts';
import { SqliteStore } from '../../io/aaa-store.ts';
import { clockFrom, clockOrigin } from '../../io/clock.ts';
import { Runner } from '../../io/runner.ts';
import { Streams } from '../../io/streams.ts';
import { aaaSchema } from '../config/aaa.ts';
import type { AaaServerConfig } from '../config/aaa.ts';
import { formatFaults, loadConfig } from '../config/load.ts';
import { Log } from '../log.ts';

const USAGE = 'usage: maar aaa --config FILE\n';

/** `maar aaa`: the AAA server until SIGTERM or SIGINT. Resolves to the exit code: 0, 1 after a failure, 2 for usage. */
export async function aaaCommand(args: readonly string[]): Promise<number> {
  let file: string | undefined;
  try {
    file = parseArgs({ args: [...args], options: { config: { type: 'string' } } }).values.config;
  } catch (error) {
    process.stderr.write(`maar aaa: ${messageOf(error)}\n`);
  }
  if (file === undefined) {
    process.stderr.write(USAGE);
    return 2;
  }
  const config = loadConfig(file, aaaSchema);
  if (!config.ok) {
    process.stderr.write(formatFaults(config.faults));
    return 2;
  }
  return serve(config.value);
}

async function serve(config: AaaServerConfig): Promise<number> {
  const log = new Log(config.name);
  const fail = (what: string, error: unknown): number => {
    log.trace({ what: 'error', detail: { reason: `${what}: ${messageOf(error)}` } });
    return 1;
  };
  let store: SqliteStore;
  try {
    store = new SqliteStore(config.database);
  } catch (error) {
    return fail(`cannot open ${config.database}`, error);
  }
  const server = new AaaServer({
    originHost: config.originHost,
    originRealm: config.originRealm,
    address: config.listen[0]!.address,
    vendorId: config.vendorId,
    peers: config.peer.map(({ host, role, address }) => ({
      host,
      role,
      ...(address === undefined ? {} : { address }),
    })),
    subscribers: store.profiles(config.subscriber),
    store,
    random: Math.random,
    originStateId: Math.floor(Date.now() / 1000),
    settings: {
      hold: config.holdSeconds * 1000,
      peer: { ...AAA_SERVER_SETTINGS.peer, watchdog: config.watchdogSeconds * 1000 },
    },
  });
  const stopped = Promise.withResolvers<undefined>();
  let stopping = false;
  const machine = {
    step(event: AaaServerEvent, now: number): PeerEffect[] {
      const effects = server.step(event, now);
      // A peer that never answers DPR is given up by its own deadline.
      if (stopping && server.closed) stopped.resolve(undefined);
      return effects;
    },
  };
  const runner = new Runner<AaaServerEvent, PeerEffect>(machine, clockFrom(clockOrigin()), (effect, now) => {
    if (effect.type === 'trace') log.trace(effect, now);
    else streams.handle(effect);
  });
  const streams = new Streams((event) => runner.dispatch(event));
  const stop = (): void => {
    if (stopping) return;
    stopping = true;
    streams.deafen();
    runner.dispatch({ type: 'stop' });
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  try {
    for (const { address, port } of config.listen) {
      await streams.listen(address, port, 'aaa:accepted/');
      log.trace({ what: 'listen', detail: { address, port } });
    }
    await stopped.promise;
    log.trace({ what: 'stop' });
    return 0;
  } catch (error) {
    return fail('cannot listen', error);
  } finally {
    process.off('SIGTERM', stop);
    process.off('SIGINT', stop);
    runner.close();
    streams.close();
    store.close();
  }
}
