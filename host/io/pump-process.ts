import { spawn } from 'node:child_process';
import { close, pipe, setNonblocking } from './ffi.ts';
import type { PumpEnds } from './worker/pump-pipes.ts';

/** Room of each pipe: a whole batch of the longest packets, so that it takes one switch to the other process. */
const PIPE_OCTETS = 1 << 20;

/** The data plane in a process of its own: `wasmtime run MODULE pump`, reached through two pipes. */
export class PumpProcess {
  readonly ends: PumpEnds;
  #ended = false;

  /** `died` is told if the program cannot be started, or ends before `end` is called. */
  constructor(wasmtime: string, module: string, died: (error: Error) => void) {
    const [childInput, requests] = pipe(PIPE_OCTETS);
    const [answers, childOutput] = pipe(PIPE_OCTETS);
    setNonblocking(requests);
    setNonblocking(answers);
    this.ends = { requests, answers };
    // A process group of its own: a terminal's interrupt is for the daemon, which needs the data plane to end in order.
    const child = spawn(wasmtime, ['run', module, 'pump'], {
      stdio: [childInput, childOutput, 'inherit'],
      detached: true,
    });
    close(childInput);
    close(childOutput);
    child.on('error', (error) => died(new Error(`${wasmtime}: ${error.message}`)));
    child.on('exit', (code, signal) => {
      if (this.#ended) return;
      const how = signal === null ? `code ${code}` : `signal ${signal}`;
      died(new Error(`${wasmtime} run ${module} pump has ended with ${how}`));
    });
  }

  /** Closes the pipes, at which the pump ends. No thread may use them any more. */
  end(): void {
    this.#ended = true;
    close(this.ends.requests);
    close(this.ends.answers);
  }
}
