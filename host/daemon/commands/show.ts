import { parseArgs } from 'node:util';
import { messageOf } from '../../core/error-message.ts';
import type { StatusView } from '../../core/view.ts';
import type { ServerView } from '../../functions/lm/server/view.ts';
import { askControl, controlPath } from '../../io/control-socket.ts';
import { configKind } from '../config/kind.ts';
import { lmSchema, lmStateDirectory } from '../config/lm.ts';
import { formatFaults, loadConfig } from '../config/load.ts';
import type { ConfigFault } from '../config/load.ts';
import { maarSchema, stateDirectory } from '../config/maar.ts';
import { LM_SUBJECTS } from '../show/lm-subjects.ts';
import { SUBJECTS } from '../show/subjects.ts';
import type { Subject } from '../show/subjects.ts';
import { UsageError } from '../usage.ts';

const DEFAULT_CONFIG = '/etc/maar/maar.toml';

/** `maar show SUBJECT`: asks the running daemon; exit code 1 where none answers. */
export async function showCommand(args: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      config: { type: 'string' },
      socket: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  });
  const [name = 'status', ...rest] = positionals;
  if (!Object.hasOwn(SUBJECTS, name) || rest.length > 0) {
    throw new UsageError(`show takes one of ${Object.keys(SUBJECTS).join(', ')}`);
  }
  if (values.config !== undefined && values.socket !== undefined) {
    throw new UsageError('show takes --config or --socket, not both');
  }
  const socket = values.socket ?? socketOf(values.config ?? DEFAULT_CONFIG);
  if (socket === undefined) return 2;
  let status: unknown;
  try {
    status = await askControl(socket, { show: name });
    if (typeof status === 'object' && status !== null && 'error' in status)
      throw new Error(String(status.error));
  } catch (error) {
    process.stderr.write(`maar show: no daemon answers at ${socket}: ${messageOf(error)}\n`);
    return 1;
  }
  const shown = present(name as Subject, status);
  if (shown === undefined) {
    process.stderr.write(`maar show: an LM server has ${Object.keys(LM_SUBJECTS).join(', ')}, not ${name}\n`);
    return 2;
  }
  process.stdout.write(values.json ? `${JSON.stringify(shown.json())}\n` : shown.text());
  return 0;
}

/** The control socket of the daemon that a file configures; undefined, and its faults told, if it has any. */
function socketOf(path: string): string | undefined {
  const directory = (): string | readonly ConfigFault[] => {
    if (configKind(path) === 'lm') {
      const file = loadConfig(path, lmSchema);
      return file.ok ? lmStateDirectory(file.value) : file.faults;
    }
    const file = loadConfig(path, maarSchema);
    return file.ok ? stateDirectory(file.value) : file.faults;
  };
  const found = directory();
  if (typeof found === 'string') return controlPath(found);
  process.stderr.write(formatFaults(found));
  return undefined;
}

/** How an answer is shown, which says itself whether it is a MAAR's; undefined if there is no such thing to show. */
function present(
  name: Subject,
  status: unknown,
): { readonly json: () => unknown; readonly text: () => string } | undefined {
  if ((status as Partial<ServerView>).role !== 'lm') {
    const subject = SUBJECTS[name];
    return {
      json: () => subject.select(status as StatusView),
      text: () => subject.text(status as StatusView),
    };
  }
  if (!Object.hasOwn(LM_SUBJECTS, name)) return undefined;
  const subject = LM_SUBJECTS[name as keyof typeof LM_SUBJECTS];
  return { json: () => subject.select(status as ServerView), text: () => subject.text(status as ServerView) };
}
