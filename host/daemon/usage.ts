/** A command line that cannot be carried out; reported as one line, exit code 2. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
