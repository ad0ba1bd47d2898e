import { fileURLToPath } from 'node:url';

/** Command line that runs one of our own files under the Node that runs this process. */
export function nodeCommand(file: URL, ...args: readonly string[]): string[] {
  // A compiled package carries .js where the repository carries .ts.
  const path = fileURLToPath(file);
  const compiled = import.meta.url.endsWith('.js') ? path.replace(/\.ts$/, '.js') : path;
  return [process.execPath, compiled, ...args];
}
