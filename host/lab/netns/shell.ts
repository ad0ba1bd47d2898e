import type { ChildProcessWithoutNullStreams } from 'node:child_process';

interface Job {
  readonly text: string;
  readonly resolve: (output: string) => void;
  readonly reject: (error: Error) => void;
}

/** Ends the output of each job; no tool that runs here prints it. */
const MARK = '--done--';

/**
 * One shell that stays in a namespace and runs script after script: entering a namespace for each command would
 * add 10 ms to every change of a link, and a move is measured in milliseconds.
 */
export class Shell {
  readonly #name: string;
  readonly #process: ChildProcessWithoutNullStreams;
  readonly #waiting: Job[] = [];
  #running: Job | undefined;
  #output = '';
  #ended: Error | undefined;

  constructor(name: string, process: ChildProcessWithoutNullStreams) {
    this.#name = name;
    this.#process = process;
    process.stdout.setEncoding('utf8').on('data', (text: string) => this.#read(text));
    process.on('exit', () => this.#fail(new Error(`the shell in ${name} ended`)));
    process.on('error', (error) => this.#fail(error));
    process.stdin.on('error', () => this.#fail(new Error(`the shell in ${name} takes no more commands`)));
  }

  /** Runs lines of sh and returns what they print; rejects with their output if a line fails, leaving out those after it. */
  run(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      this.#waiting.push({ text, resolve, reject });
      this.#next();
    });
  }

  #next(): void {
    if (this.#running !== undefined) return;
    this.#running = this.#waiting.shift();
    if (this.#running === undefined) return;
    this.#process.stdin.write(`( set -e\n${this.#running.text}\n) 2>&1 </dev/null\necho "${MARK}$?"\n`);
  }

  #read(text: string): void {
    this.#output += text;
    const end = new RegExp(`${MARK}(\\d+)\n$`).exec(this.#output);
    const job = this.#running;
    if (end === null || job === undefined) return;
    const output = this.#output.slice(0, end.index);
    this.#output = '';
    this.#running = undefined;
    if (end[1] === '0') job.resolve(output);
    else job.reject(new Error(`in ${this.#name}: ${job.text.trim()}\n${output.trim()}`));
    this.#next();
  }

  #fail(error: Error): void {
    this.#ended = error;
    const jobs = this.#running === undefined ? this.#waiting : [this.#running, ...this.#waiting];
    this.#running = undefined;
    for (const job of jobs.splice(0)) job.reject(error);
  }
}
