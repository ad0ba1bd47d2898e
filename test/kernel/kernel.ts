/** A Linux kernel with ip6_tunnel as a second opinion: packets in, packets out. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { fileURLToPath } from 'node:url';
import { missing } from '../support/tools.ts';

/** `access` and `core` are devices of the kernel; `socket` is a raw socket of protocol 41. */
export type Device = 'access' | 'core' | 'socket';

export interface Step {
  readonly device: Device;
  readonly packet: Uint8Array;
  /** How many packets to wait for; what comes soon after them is reported too. */
  readonly expected: number;
}

export interface Answer {
  readonly device: Device;
  readonly packet: Uint8Array;
}

export interface Request {
  /** Lines for sh, run as root in a network of its own where both devices are up. */
  readonly setup: string;
  /** Ends of what the socket sends. */
  readonly from: string;
  readonly to: string;
  readonly steps: readonly Step[];
}

/** Debian's own: `init` of a user-mode kernel is started without a PATH. */
const PYTHON = '/usr/bin/python3';
const script = fileURLToPath(new URL('./exchange.py', import.meta.url));
/** Where Debian's package user-mode-linux keeps its modules. */
const UML_MODULES = '/usr/lib/uml/modules';
const PROBE = 'ip -6 tunnel add probe mode ip6ip6 local ::1 remote 2001:db8::1';
const LIMIT_MS = 60_000;

/** The command that runs the script: in a namespace of this kernel where it has ip6_tunnel, else in a user-mode kernel. */
function commandFor(): ((request: string, response: string) => string[]) | undefined {
  if (spawnSync('unshare', ['-n', 'sh', '-c', PROBE]).status === 0) {
    return (request, response) => ['unshare', '-n', PYTHON, script, request, response];
  }
  if (spawnSync('linux.uml', ['--version']).status !== 0) return undefined;
  const modules = join(UML_MODULES, readdirSync(UML_MODULES)[0]!);
  const machine = ['linux.uml', 'mem=128M', 'rootfstype=hostfs', 'rw', `init=${PYTHON}`, 'con=null'];
  return (request, response) => [
    ...machine,
    'con0=null,fd:1',
    'quiet',
    '--',
    script,
    request,
    response,
    modules,
  ];
}

/** What the kernel answers to each step; undefined where there is none, and the test is skipped or failed. */
export function exchange(t: TestContext, { setup, from, to, steps }: Request): Answer[][] | undefined {
  const command = commandFor();
  if (command === undefined) {
    missing(t, 'ip6_tunnel (as root on a kernel that has it, or by the package user-mode-linux)');
    return undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), 'maar-kernel-'));
  try {
    const [request, response] = [join(folder, 'request'), join(folder, 'response')];
    const asked = steps.map(({ device, packet, expected }) => [
      device,
      Buffer.from(packet).toString('hex'),
      expected,
    ]);
    writeFileSync(request, JSON.stringify({ setup, from, to, steps: asked }));
    const [program, ...args] = command(request, response) as [string, ...string[]];
    const run = spawnSync(program, args, { encoding: 'utf8', timeout: LIMIT_MS });
    let text = '';
    try {
      text = readFileSync(response, 'utf8');
    } catch {
      throw new Error(`${program} gives no answer\n${run.stdout}\n${run.stderr}`);
    }
    return (JSON.parse(text) as [Device, string][][]).map((answers) =>
      answers.map(([device, hex]) => ({ device, packet: new Uint8Array(Buffer.from(hex, 'hex')) })),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}
