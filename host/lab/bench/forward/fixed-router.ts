/**
 * A router with the data plane in Node and a fixed set of entries, which come with everything else in one JSON argument.
 * Writes "ready" once they stand.
 */
import type { Command } from '../../../../bindings/entries.ts';
import type { MaarEffect, MaarEvent } from '../../../core/maar-io.ts';
import type { Machine } from '../../../core/machine.ts';
import { clockOrigin } from '../../../io/clock.ts';
import type { LinuxConfig } from '../../../io/linux-config.ts';
import { LinuxHost } from '../../../io/linux-host.ts';

export interface FixedRouter {
  readonly config: LinuxConfig;
  readonly commands: readonly Command[];
}

const { config, commands } = JSON.parse(process.argv[2]!) as FixedRouter;

const machine: Machine<MaarEvent, MaarEffect> = {
  step(event) {
    if (event.type === 'start') return [{ type: 'apply', batch: 0, commands }];
    if (event.type === 'applied') {
      const refused = event.statuses.filter((status) => status !== 'ok');
      process.stdout.write(refused.length === 0 ? 'ready\n' : `refused: ${refused.join(', ')}\n`);
    }
    return [];
  },
};

const host = new LinuxHost({
  config,
  machine,
  view: () => {
    throw new Error('a fixed router has no view');
  },
  trace: (effect) => void process.stderr.write(`${JSON.stringify(effect)}\n`),
  clockOrigin: clockOrigin(),
  seed: 1n,
});
process.once('SIGTERM', () => void host.stop());
await host.start();
