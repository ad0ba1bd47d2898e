/** Files below the folders that the program was given (`wasmtime run --dir`). */
import { append, arenaTop, reserve } from './arena';
import { EXIT_FAULT, EXIT_USAGE, fail, put, putForeign, putNumber } from './print';
import {
  ERRNO_ACCES,
  ERRNO_NOENT,
  ERRNO_NOTCAPABLE,
  ERRNO_PERM,
  FIRST_FOLDER,
  LOOKUP_SYMLINKS,
  OPEN_CREATE,
  OPEN_TRUNCATE,
  RIGHT_READ,
  RIGHT_WRITE,
  fd_close,
  fd_prestat_dir_name,
  fd_prestat_get,
  fd_read,
  path_open,
} from './wasi_snapshot_preview1';

const CHUNK: usize = 65536;
const NAME_MAX: u32 = 1024;
const SLASH: u32 = 0x2f;
const DOT: u32 = 0x2e;

const NAME: usize = memory.data(1024, 8);
const RESULT: usize = memory.data(16, 8);

/** Octets of `path` that the folder called `NAME` stands for, or -1 where the path does not lie in it. */
function covered(size: usize, path: usize, length: usize): i32 {
  while (size > 0 && load<u8>(NAME + size - 1) == SLASH) size--;
  const absolute = length > 0 && load<u8>(path) == SLASH;
  if (size == 1 && load<u8>(NAME) == DOT) return absolute ? -1 : 0;
  if (size >= length || memory.compare(NAME, path, size) != 0) return -1;
  return load<u8>(path + size) == SLASH ? ((size + 1) as i32) : -1;
}

/** Opens a file; ends the program where that cannot be. */
function open(path: usize, length: usize, flags: u32, rights: u64): u32 {
  let folder: u32 = 0;
  let skip: i32 = -1;
  for (let fd = FIRST_FOLDER; fd_prestat_get(fd, RESULT) == 0; fd++) {
    const size = load<u32>(RESULT, 4);
    if (size > NAME_MAX || fd_prestat_dir_name(fd, NAME, size) != 0) continue;
    const part = covered(size, path, length);
    if (part <= skip) continue;
    skip = part;
    folder = fd;
  }
  const fault =
    skip < 0
      ? ERRNO_NOTCAPABLE
      : path_open(folder, LOOKUP_SYMLINKS, path + skip, length - skip, flags, rights, 0, 0, RESULT);
  if (fault != 0) {
    put('maar-wasi: ');
    putForeign(path, length);
    putFault(fault);
    fail(EXIT_USAGE);
  }
  return load<u32>(RESULT);
}

function putFault(fault: u32): void {
  if (fault == ERRNO_NOENT) put(': no such file');
  else if (fault == ERRNO_ACCES || fault == ERRNO_PERM) put(': not permitted');
  else if (fault == ERRNO_NOTCAPABLE) put(': not in a folder that this program was given, see --dir');
  else {
    put(': WASI error ');
    putNumber(fault);
  }
}

/** Reads at most `size` octets to `at`; how many, 0 at the end, or -1 where that fails. */
export function readSome(fd: u32, at: usize, size: usize): i32 {
  store<u32>(RESULT, at as u32);
  store<u32>(RESULT, size as u32, 4);
  return fd_read(fd, RESULT, 1, RESULT + 8) == 0 ? load<i32>(RESULT, 8) : -1;
}

/** Appends a whole file to the arena: it lies from the arena's top before to the one after. */
export function readFile(path: usize, length: usize): void {
  const fd = open(path, length, 0, RIGHT_READ);
  for (;;) {
    reserve(CHUNK);
    const read = readSome(fd, arenaTop(), CHUNK);
    if (read == 0) break;
    if (read < 0) {
      put('maar-wasi: ');
      putForeign(path, length);
      put(': cannot be read');
      fail(EXIT_USAGE);
    }
    append(read);
  }
  fd_close(fd);
}

/** Opens a file to be written from its beginning. */
export function createFile(path: usize, length: usize): u32 {
  return open(path, length, OPEN_CREATE | OPEN_TRUNCATE, RIGHT_WRITE);
}

/** Ends the program since a file takes no more. */
export function failWriting(path: usize, length: usize): void {
  put('maar-wasi: ');
  putForeign(path, length);
  put(': cannot be written');
  fail(EXIT_FAULT);
}
