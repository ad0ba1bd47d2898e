/** For a parent that ended before the kernel was asked to watch it: such a child has been given to another by then. */
const STILL_OWNED = '[ "$PPID" = "$0" ] && exec "$@"';

/** Command line of a program, a child of this process, that gets SIGKILL when this process ends: however, and however early. */
export function owned(argv: readonly string[]): [program: string, ...args: string[]] {
  return ['setpriv', '--pdeathsig', 'KILL', 'sh', '-c', STILL_OWNED, String(process.pid), ...argv];
}
