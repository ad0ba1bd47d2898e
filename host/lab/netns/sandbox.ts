import { spawn, spawnSync } from 'node:child_process';
import type { ChildProcess, ChildProcessWithoutNullStreams, StdioOptions } from 'node:child_process';
import { accessSync, constants } from 'node:fs';
import { once } from 'node:events';
import { owned } from './owned.ts';
import { Shell } from './shell.ts';

const TUN_DEVICE = '/dev/net/tun';
const UNSHARE = ['-U', '-r', '-n', '-m'];
const PROGRAMS = ['ip', 'nft', 'ping', 'nsenter', 'setpriv'];

/** A directory that vanishes with its sandbox, by its path for processes inside and for this one. */
export interface SharedDirectory {
  readonly inside: string;
  readonly outside: string;
}

const SHARED = '/run/lab';

/** Why network namespaces cannot carry the lab here, in one line; undefined where they can. */
export function netnsObstacle(): string | undefined {
  if (process.platform !== 'linux') return `network namespaces need Linux, this is ${process.platform}`;
  const path = { PATH: searchPath() };
  const probe = spawnSync('unshare', [...UNSHARE, 'true'], { encoding: 'utf8', env: path });
  if (probe.error !== undefined) return 'unshare (util-linux) is not installed';
  if (probe.status !== 0) return `the kernel permits no user namespace here (${probe.stderr.trim()})`;
  try {
    accessSync(TUN_DEVICE, constants.R_OK | constants.W_OK);
  } catch {
    return `${TUN_DEVICE} may not be opened by this user`;
  }
  const missing = PROGRAMS.filter(
    (program) => spawnSync('sh', ['-c', `command -v ${program}`], { env: path }).status !== 0,
  );
  return missing.length === 0 ? undefined : `not installed: ${missing.join(', ')}`;
}

/** Unprivileged users often lack the directories of ip and nft in their PATH. */
function searchPath(): string {
  return `${process.env['PATH'] ?? ''}:/usr/local/sbin:/usr/sbin:/sbin`;
}

/**
 * A user, network and mount namespace of its own with named network namespaces in it. It lives as long as its holder
 * process, which ends when its standard input closes: with this process, however that ends. Everything started
 * inside gets SIGKILL at that moment too.
 */
export class Sandbox {
  readonly #holder: ChildProcess;
  readonly #shells = new Map<string, Shell>();
  readonly #children = new Set<ChildProcess>();
  readonly #env: NodeJS.ProcessEnv;

  private constructor(holder: ChildProcess, env: NodeJS.ProcessEnv) {
    this.#holder = holder;
    this.#env = env;
  }

  /** Creates the sandbox with one network namespace for each name. Throws where the system does not permit it. */
  static async create(names: readonly string[]): Promise<Sandbox> {
    const env = { ...process.env, PATH: searchPath() };
    // A tmpfs on /run makes `ip netns` work without touching the system's own namespaces.
    const script = `mount -t tmpfs none /run && mkdir /run/netns ${SHARED} && echo ready && exec cat >/dev/null`;
    const holder = spawn('unshare', [...UNSHARE, 'sh', '-c', script], {
      env,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
    let complaint = '';
    holder.stderr.setEncoding('utf8').on('data', (text: string) => (complaint += text));
    const ready = await Promise.race([
      once(holder.stdout, 'data').then(() => true),
      once(holder, 'exit').then(() => false),
    ]);
    if (!ready) throw new Error(`cannot create namespaces: ${complaint.trim()}`);
    const sandbox = new Sandbox(holder, env);
    try {
      await sandbox.shell().run(names.map((name) => `ip netns add ${name}`).join('\n'));
    } catch (error) {
      await sandbox.close();
      throw error;
    }
    return sandbox;
  }

  /** The shell of one namespace; without a name, of the one that holds them all. */
  shell(name = ''): Shell {
    let shell = this.#shells.get(name);
    if (shell === undefined) {
      const child = this.spawn(name, ['sh'], ['pipe', 'pipe', 'inherit']);
      shell = new Shell(name === '' ? 'the sandbox' : name, child as ChildProcessWithoutNullStreams);
      this.#shells.set(name, shell);
    }
    return shell;
  }

  /** Starts a program in a namespace; its pid is the child's. */
  spawn(name: string, argv: readonly string[], stdio: StdioOptions): ChildProcess {
    const [program, ...args] = [...this.#enter(), ...owned([...inNetns(name), ...argv])];
    // A process group of its own: an interrupt from the terminal is for the lab, which ends its children in order.
    const child = spawn(program!, args, { env: this.#env, stdio, detached: true });
    this.#children.add(child);
    child.on('exit', () => this.#children.delete(child));
    return child;
  }

  get directory(): SharedDirectory {
    return { inside: SHARED, outside: `/proc/${this.#holder.pid}/root${SHARED}` };
  }

  /** What a person types to get a shell in a namespace. */
  entry(name: string): string {
    return [...this.#enter(), ...inNetns(name), 'sh'].join(' ');
  }

  /** Ends everything that runs inside; the kernel then removes the namespaces with all they hold. */
  async close(): Promise<void> {
    const ended = [...this.#children].map((child) => once(child, 'exit'));
    for (const child of this.#children) child.kill('SIGKILL');
    await Promise.all(ended);
    if (this.#holder.exitCode !== null || this.#holder.signalCode !== null) return;
    const gone = once(this.#holder, 'exit');
    this.#holder.stdin!.end();
    await gone;
  }

  #enter(): string[] {
    return ['nsenter', '-t', String(this.#holder.pid), '-U', '-n', '-m', '--preserve-credentials'];
  }
}

function inNetns(name: string): string[] {
  return name === '' ? [] : ['ip', 'netns', 'exec', name];
}
