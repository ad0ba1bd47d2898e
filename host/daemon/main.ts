import { messageOf } from '../core/error-message.ts';
import { UsageError } from './usage.ts';

type Command = (args: readonly string[]) => Promise<number>;

interface Entry {
  readonly synopsis: string;
  readonly summary: string;
  /** Loaded only when asked for: a command must not need what only others use. */
  readonly load: () => Promise<Command>;
}

const COMMANDS: Readonly<Record<string, Entry>> = {
  run: {
    synopsis: 'run --config FILE',
    summary: 'a MAAR, until SIGTERM',
    load: async () => (await import('./commands/run.ts')).runCommand,
  },
  aaa: {
    synopsis: 'aaa --config FILE',
    summary: 'the AAA server, until SIGTERM',
    load: async () => (await import('./commands/aaa.ts')).aaaCommand,
  },
  lm: {
    synopsis: 'lm --config FILE [--store sqlite:FILE|etcd://HOST:PORT,...]',
    summary: 'a server of location management, until SIGTERM',
    load: async () => (await import('./commands/lm.ts')).lmCommand,
  },
  replay: {
    synopsis: 'replay --entries E.json [--engine wasm|wasm-scalar|twin|both] [--json] IN.pcap OUT.pcap',
    summary: 'packets of a capture through the data plane; verdicts and counters out',
    load: async () => (await import('./commands/replay.ts')).replayCommand,
  },
  decode: {
    synopsis: 'decode FILE.pcap [--json]',
    summary: 'the packets of a capture, one line each',
    load: async () => (await import('./commands/decode.ts')).decodeCommand,
  },
  check: {
    synopsis: 'check --config FILE [--json]',
    summary: 'every fault of a configuration file, for a MAAR, the AAA or an LM server',
    load: async () => (await import('./commands/check.ts')).checkCommand,
  },
  show: {
    synopsis: 'show status|bindings|sessions|leases|peers|counters [--json] [--config FILE | --socket PATH]',
    summary: 'what a running MAAR or LM server knows',
    load: async () => (await import('./commands/show.ts')).showCommand,
  },
  lab: {
    synopsis:
      'lab [SCENARIO...] [--backend netns|sim] [--dataplane node|wasmtime|wasmtime-cli] [--scheme S] [--list] [--compare] [--seed N] [--keep] [--pcap DIR] [--json] [--verbose]',
    summary: 'a whole domain with moving hosts on this machine, checked',
    load: async () => (await import('./commands/lab.ts')).labCommand,
  },
  bench: {
    synopsis:
      'bench [BENCH...] [--entries N,N...] [--rounds N] [--quick] [--json] | bench lm [--rounds N] [--quick] [--json] | bench scale [--maars N] [--nodes N,...] [--speed S,...] [--design D,...] [--seed N] [--csv FILE] [--svg FILE] [--json]',
    summary: 'the data plane measured beside native engines; location management at scale, simulated',
    load: async () => (await import('./commands/bench.ts')).benchCommand,
  },
};

/** The launcher in bin/ passes signals on; killed, it can pass none, and nobody would end what it started. */
function endWithLauncher(): void {
  process.channel?.unref();
  process.once('disconnect', () => process.kill(process.pid, 'SIGTERM'));
}

function help(): string {
  const lines = Object.values(COMMANDS).map(
    ({ synopsis, summary }) => `  maar ${synopsis}\n      ${summary}\n`,
  );
  return `maar: Mobility Anchor and Access Router\n\n${lines.join('')}\nExit codes: 0 success, 1 failure, 2 usage or configuration.\n`;
}

/** Faults of util.parseArgs, which are the user's. */
function isUsage(error: unknown): boolean {
  if (error instanceof UsageError) return true;
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' && code.startsWith('ERR_PARSE_ARGS_');
}

async function main([name, ...args]: readonly string[]): Promise<number> {
  endWithLauncher();
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') {
    (name === undefined ? process.stderr : process.stdout).write(help());
    return name === undefined ? 2 : 0;
  }
  const entry = Object.hasOwn(COMMANDS, name) ? COMMANDS[name]! : undefined;
  if (entry === undefined) {
    process.stderr.write(`maar: no command "${name}"; there are ${Object.keys(COMMANDS).join(', ')}\n`);
    return 2;
  }
  if (args.includes('--help') || args.includes('-h')) {
    process.stdout.write(`usage: maar ${entry.synopsis}\n`);
    return 0;
  }
  try {
    return await (
      await entry.load()
    )(args);
  } catch (error) {
    if (!isUsage(error)) throw error;
    process.stderr.write(`maar ${name}: ${messageOf(error)}\nusage: maar ${entry.synopsis}\n`);
    return 2;
  }
}

process.exitCode = await main(process.argv.slice(2));
