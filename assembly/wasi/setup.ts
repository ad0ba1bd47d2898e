/** From an entries file to a data plane that has the entries. */
import { AREA_COMMANDS, COMMAND_STATUS_AT, STATUS_OK } from '../../bindings/generated/abi.as';
import { statusName } from '../../bindings/generated/names.as';
import { areaBase } from '../mem/areas';
import { apply } from '../path/instance';
import { arenaTop, restartArena, take } from './arena';
import { writeEntry } from './entries';
import { expectList, expectObject, required } from './fields';
import { readFile } from './files';
import { Json, beginFault, parseJson } from './json';
import { makeInstance, plannedMemory, readOptions } from './options';
import { readPorts } from './ports';
import { EXIT_USAGE, fail, put } from './print';

/** Reads an entries file and makes of it what `setUpText` does. */
export function setUp(path: usize, length: usize): Json {
  restartArena(__heap_base);
  const first = arenaTop();
  readFile(path, length);
  return setUpText(first, arenaTop() - first, path, length);
}

/**
 * Makes the instance that the text of an entries file asks for and puts the entries in; the root of the file.
 * The areas of the instance begin where the static data end and must be zero there, and how large they are stands in the
 * text. So the text stands where they will be, its options are looked at, and it is moved behind them.
 */
export function setUpText(first: usize, size: usize, name: usize, nameSize: usize): Json {
  readOptions(required(parseJson(first, size, name, nameSize), 'options'));
  const used = arenaTop();
  restartArena(max<usize>(used, plannedMemory()));
  const text = take(size);
  memory.copy(text, first, size);
  memory.fill(__heap_base, 0, used - __heap_base);
  const root = parseJson(text, size, name, nameSize);
  expectObject(root, 'options ports entries commands');
  const options = required(root, 'options');
  readOptions(options);
  makeInstance(options);
  readPorts(required(root, 'ports'));
  const entries = required(root, 'entries');
  expectList(entries);
  for (let entry = entries.first; entry !== null; entry = entry!.next) {
    writeEntry(entry, areaBase(AREA_COMMANDS));
    carryOut(entry);
  }
  return root;
}

/** Carries out the first command of the command area, which `node` asks for; ends the program where it is refused. */
export function carryOut(node: Json): void {
  apply(1);
  const status: u32 = load<u8>(areaBase(AREA_COMMANDS), COMMAND_STATUS_AT);
  if (status == STATUS_OK) return;
  beginFault(node);
  put('the data plane answers "');
  put(statusName(status));
  put('"; see docs/replay.md');
  fail(EXIT_USAGE);
}
