import { parseArgs } from 'node:util';
import type { StatusView } from '../../core/view.ts';
import { askControl, controlPath } from '../../io/control-socket.ts';
import { formatFaults, loadConfig } from '../config/load.ts';
import { maarSchema, stateDirectory } from '../config/maar.ts';
import { SUBJECTS } from '../show/subjects.ts';
import type { Subject } from '../show/subjects.ts';
import { UsageError, messageOf } from '../usage.ts';

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
  const subject = Object.hasOwn(SUBJECTS, name) ? SUBJECTS[name as Subject] : undefined;
  if (subject === undefined || rest.length > 0) {
    throw new UsageError(`show takes one of ${Object.keys(SUBJECTS).join(', ')}`);
  }
  if (values.config !== undefined && values.socket !== undefined) {
    throw new UsageError('show takes --config or --socket, not both');
  }
  let socket = values.socket;
  if (socket === undefined) {
    const file = loadConfig(values.config ?? DEFAULT_CONFIG, maarSchema);
    if (!file.ok) {
      process.stderr.write(formatFaults(file.faults));
      return 2;
    }
    socket = controlPath(stateDirectory(file.value));
  }
  let status: StatusView;
  try {
    const answer = await askControl(socket, { show: name });
    if (typeof answer === 'object' && answer !== null && 'error' in answer)
      throw new Error(String(answer.error));
    status = answer as StatusView;
  } catch (error) {
    process.stderr.write(`maar show: no MAAR answers at ${socket}: ${messageOf(error)}\n`);
    return 1;
  }
  process.stdout.write(values.json ? `${JSON.stringify(subject.select(status))}\n` : subject.text(status));
  return 0;
}
