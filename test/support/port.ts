/**
 * A TCP port for the servers of this process: below those that the kernel gives to connections, so that nobody takes it
 * before it is bound, and by number of the process, so that test files which run at once differ.
 */
export const OWN_PORT = 20_000 + (process.pid % 10_000);
