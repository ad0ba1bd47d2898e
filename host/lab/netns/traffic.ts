import type { ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { nodeCommand } from './node-command.ts';
import type { Sandbox } from './sandbox.ts';
import type { PartReport, TrafficAnswer, TrafficOrder } from './traffic-protocol.ts';

interface Waiting {
  readonly resolve: (report: PartReport) => void;
  readonly reject: (error: Error) => void;
}

/** The traffic process of one end, as the lab talks to it. */
export class TrafficProcess {
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, Waiting[]>();
  #ended: Error | undefined;

  constructor(sandbox: Sandbox, netns: string, start: number) {
    const command = nodeCommand(new URL('./traffic-worker.ts', import.meta.url), String(start));
    this.#process = sandbox.spawn(netns, command, ['pipe', 'pipe', 'inherit']);
    createInterface(this.#process.stdout!).on('line', (line) => this.#answered(line));
    this.#process.on('exit', () => {
      this.#ended = new Error(`the traffic process of ${netns} ended`);
      for (const { reject } of [...this.#waiting.values()].flat()) reject(this.#ended);
      this.#waiting.clear();
    });
    // Of a process that has ended, which its exit tells.
    this.#process.stdin!.on('error', () => undefined);
  }

  /** Orders of one id are answered in their order; rejects with the fault that the process reports. */
  order(order: TrafficOrder): Promise<PartReport> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) {
        reject(this.#ended);
        return;
      }
      const queue = this.#waiting.get(order.id) ?? [];
      queue.push({ resolve, reject });
      this.#waiting.set(order.id, queue);
      this.#process.stdin!.write(`${JSON.stringify(order)}\n`);
    });
  }

  #answered(line: string): void {
    const answer = JSON.parse(line) as TrafficAnswer;
    const waiting = this.#waiting.get(answer.id)?.shift();
    if (answer.ok) waiting?.resolve(answer.report);
    else waiting?.reject(new Error(answer.fault));
  }
}
