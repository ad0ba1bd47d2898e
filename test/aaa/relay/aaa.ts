// `maar aaa` as a process of its own.
import { aaaCommand } from '../../../host/daemon/commands/aaa.ts';

process.exitCode = await aaaCommand(process.argv.slice(2));
