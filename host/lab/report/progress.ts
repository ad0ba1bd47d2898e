/** Where progress goes: a terminal redraws one line, anything else gets a line for each step. */
export interface ProgressOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const ERASE_LINE = '\r\x1b[K';

export class Progress {
  readonly #output: ProgressOutput;
  #drawn = false;

  constructor(output: ProgressOutput) {
    this.#output = output;
  }

  step(line: string): void {
    if (this.#output.isTTY !== true) {
      this.#output.write(`${line}\n`);
      return;
    }
    this.#output.write(`${ERASE_LINE}${line.slice(0, (this.#output.columns ?? 80) - 1)}`);
    this.#drawn = true;
  }

  /** Leaves the line empty for what is printed next. */
  clear(): void {
    if (this.#drawn) this.#output.write(ERASE_LINE);
    this.#drawn = false;
  }
}
