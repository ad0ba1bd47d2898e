// Plain JavaScript on purpose: this file must run under whatever Node the system has.
import { spawn } from 'node:child_process';
import { createRequire } from 'node:module';

/** Path of the pinned Node, or of the running one where no pinned build exists for this machine. */
export function pinnedNode() {
  const require = createRequire(import.meta.url);
  try {
    return require.resolve(`node-${process.platform}-${process.arch}/bin/node`);
  } catch {
    if (Number(process.versions.node.split('.')[0]) >= 24) return process.execPath;
    process.stderr.write(
      `maar: needs Node 24; no pinned build for ${process.platform}-${process.arch} is installed ` +
        `and this is Node ${process.versions.node}. Run "npm ci" without --omit=optional, or install Node 24.\n`,
    );
    process.exit(2);
  }
}

/**
 * Replaces this process, as far as Node allows: same streams, same signals, same exit code. The channel is never
 * written to: it closes when this process ends, however it does, and so tells the other.
 */
export function reexecute(args) {
  const child = spawn(pinnedNode(), args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] });
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'];
  for (const signal of signals) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`maar: cannot start ${child.spawnfile}: ${error.message}\n`);
    process.exit(2);
  });
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    for (const name of signals) process.removeAllListeners(name);
    process.kill(process.pid, signal);
  });
}
