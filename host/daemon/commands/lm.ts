import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import type { Server } from 'node:net';
import { parseArgs } from 'node:util';
import { messageOf } from '../../core/error-message.ts';
import { LocationServer } from '../../functions/lm/server/server.ts';
import type { ServerEffect, ServerEvent } from '../../functions/lm/server/server.ts';
import type { ServerStore } from '../../functions/lm/store.ts';
import { clockFrom, clockOrigin } from '../../io/clock.ts';
import { controlPath, serveControl } from '../../io/control-socket.ts';
import { MobilitySocket } from '../../io/lm/mobility-socket.ts';
import { openStore, parseStore } from '../../io/lm/open-store.ts';
import { Runner } from '../../io/runner.ts';
import { formatFaults, loadConfig } from '../config/load.ts';
import { lmSchema, lmStateDirectory, serverSettings, storeName } from '../config/lm.ts';
import { Log } from '../log.ts';
import { UsageError } from '../usage.ts';

/** `maar lm`: a server of location management until SIGTERM or SIGINT. Resolves to the exit code: 0, 1 after a failure, 2 for configuration. */
export async function lmCommand(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: { config: { type: 'string' }, store: { type: 'string' } },
  });
  if (values.config === undefined) throw new UsageError('lm needs --config FILE');
  const named = values.store === undefined ? undefined : storeName.safeParse(values.store);
  if (named?.success === false) {
    throw new UsageError(`--store "${values.store}" ${named.error.issues[0]?.message}`);
  }
  const file = loadConfig(values.config, lmSchema);
  if (!file.ok) {
    process.stderr.write(formatFaults(file.faults));
    return 2;
  }
  const config = file.value;
  const where = values.store ?? config.store;
  const place = where === undefined ? undefined : parseStore(where);
  if (place === undefined)
    throw new UsageError(
      `lm needs --store sqlite:FILE or etcd://HOST:PORT,..., or "store" in ${values.config}`,
    );
  const log = new Log(config.name);
  const fail = (what: string, error: unknown): number => {
    log.trace({ what: 'error', detail: { reason: `${what}: ${messageOf(error)}` } });
    return 1;
  };
  let store: ServerStore;
  try {
    const report = (reason: string): void => log.trace({ what: 'store', detail: { reason } });
    store = await openStore(place, { maxLifetime: config.maxLifetimeSeconds, report });
  } catch (error) {
    return fail(`cannot open ${where}`, error);
  }
  const clock = clockFrom(clockOrigin());
  const settings = { ...serverSettings(config), random: uniform, shared: store.shared };
  const server = new LocationServer(settings, store.state, clock());
  const runner: Runner<ServerEvent, ServerEffect> = new Runner(server, clock, (effect, now) => {
    switch (effect.type) {
      case 'trace':
        log.trace(effect, now);
        break;
      case 'mobility':
        try {
          socket?.send(effect.dst, effect.data);
        } catch (error) {
          // No route now: the sender asks again, or this server does.
          log.trace({ what: 'drop', to: effect.dst, detail: { why: messageOf(error) } });
        }
        break;
      default:
        store.add(effect);
    }
  });
  const { address } = config;
  const stopped = Promise.withResolvers<undefined>();
  const stop = (): void => stopped.resolve(undefined);
  for (const signal of ['SIGTERM', 'SIGINT'] as const) process.once(signal, stop);
  let socket: MobilitySocket | undefined;
  let control: Server | undefined;
  try {
    socket = new MobilitySocket(address, (batch) => {
      for (const { src, data } of batch) runner.dispatch({ type: 'mobility', src, dst: address, data });
    });
    const directory = lmStateDirectory(config);
    mkdirSync(directory, { recursive: true });
    control = await serveControl(controlPath(directory), () => Promise.resolve(server.view(clock())));
    store.start((event) => runner.dispatch(event));
    runner.dispatch({ type: 'start' });
    log.trace({ what: 'start', detail: { address, store: where } });
    await stopped.promise;
    runner.dispatch({ type: 'stop' });
    log.trace({ what: 'stop' });
    return 0;
  } catch (error) {
    return fail('cannot serve', error);
  } finally {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.off(signal, stop);
    await store.close();
    runner.close();
    control?.close();
    await socket?.close();
  }
}

/** Uniform in [0, 1) with 48 bits. */
function uniform(): number {
  return randomBytes(6).readUIntBE(0, 6) / 2 ** 48;
}
