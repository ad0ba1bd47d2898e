/**
 * WASI preview 1, as far as this program needs it: these are all imports of the module, and a test counts them.
 * The compiler names the module that they are imported from after this file.
 */

export declare function args_sizes_get(count: usize, octets: usize): u32;

export declare function args_get(pointers: usize, octets: usize): u32;

export declare function clock_time_get(clock: u32, precision: u64, time: usize): u32;

export declare function fd_prestat_get(fd: u32, prestat: usize): u32;

export declare function fd_prestat_dir_name(fd: u32, path: usize, length: usize): u32;

export declare function path_open(
  directory: u32,
  lookup: u32,
  path: usize,
  length: usize,
  open: u32,
  rights: u64,
  inheriting: u64,
  flags: u32,
  fd: usize,
): u32;

export declare function fd_read(fd: u32, vectors: usize, count: usize, read: usize): u32;

export declare function fd_write(fd: u32, vectors: usize, count: usize, written: usize): u32;

export declare function fd_close(fd: u32): u32;

export declare function proc_exit(code: u32): void;

export const STDIN: u32 = 0;
export const STDOUT: u32 = 1;
export const STDERR: u32 = 2;

/** First descriptor that can be a folder given to the program. */
export const FIRST_FOLDER: u32 = 3;

export const ERRNO_ACCES: u32 = 2;
export const ERRNO_NOENT: u32 = 44;
export const ERRNO_PERM: u32 = 63;
export const ERRNO_PIPE: u32 = 64;
export const ERRNO_NOTCAPABLE: u32 = 76;

export const LOOKUP_SYMLINKS: u32 = 1;
export const OPEN_CREATE: u32 = 1;
export const OPEN_TRUNCATE: u32 = 8;
export const RIGHT_READ: u64 = 1 << 1;
export const RIGHT_WRITE: u64 = 1 << 6;
export const CLOCK_MONOTONIC: u32 = 1;
