import koffi from 'koffi';
import { F, O, SOL_SOCKET } from './linux.ts';

/**
 * The system calls that Node has no interface for. Buffers are passed by address, nothing is copied; all are synchronous.
 * Struct layouts elsewhere in this folder are those of 64-bit Linux, little-endian.
 */
const libc = koffi.load(null);

type Call<Arguments extends unknown[]> = (...args: Arguments) => number;

function declare<Arguments extends unknown[]>(declaration: string): Call<Arguments> {
  return libc.func(declaration) as Call<Arguments>;
}

const socketCall = declare<[number, number, number]>('int socket(int domain, int type, int protocol)');
const bindCall = declare<[number, Uint8Array, number]>(
  'int bind(int fd, const void *address, uint32_t length)',
);
const setsockoptCall = declare<[number, number, number, Uint8Array, number]>(
  'int setsockopt(int fd, int level, int name, const void *value, uint32_t length)',
);
const sendtoCall = declare<[number, Uint8Array, number, number, Uint8Array | null, number]>(
  'long sendto(int fd, const void *data, size_t length, int flags, const void *address, uint32_t addressLength)',
);
const recvCall = declare<[number, Uint8Array, number, number]>(
  'long recv(int fd, void *data, size_t length, int flags)',
);
const recvmsgCall = declare<[number, Uint8Array, number]>('long recvmsg(int fd, void *message, int flags)');
const readCall = declare<[number, Uint8Array, number]>('long read(int fd, void *data, size_t length)');
const writeCall = declare<[number, Uint8Array, number]>(
  'long write(int fd, const void *data, size_t length)',
);
const pollCall = declare<[Uint8Array, number, number]>(
  'int poll(void *entries, unsigned long count, int timeout)',
);
const ioctlCall = declare<[number, number, Uint8Array]>(
  'int ioctl(int fd, unsigned long request, void *argument)',
);
const openCall = declare<[string, number]>('int open(const char *path, int flags)');
const closeCall = declare<[number]>('int close(int fd)');
const pipeCall = declare<[Int32Array, number]>('int pipe2(void *fds, int flags)');
const fcntlCall = declare<[number, number, number]>('int fcntl(int fd, int command, long argument)');
const eventfdCall = declare<[number, number]>('int eventfd(unsigned int initial, int flags)');

const madviseCall = declare<[Uint8Array, number, number]>(
  'int madvise(void *address, size_t length, int advice)',
);

const names = new Map(Object.entries(koffi.os.errno).map(([name, value]) => [value, name]));

/** A system call that failed: which one, on what, and the errno by name. */
export class SystemError extends Error {
  override readonly name = 'SystemError';
  readonly code: string;

  constructor(what: string, errno: number) {
    const code = names.get(errno) ?? `errno ${errno}`;
    super(`${what}: ${code}`);
    this.code = code;
  }
}

function checked(result: number, what: string): number {
  if (result < 0) throw new SystemError(what, koffi.errno());
  return result;
}

const EINTR = koffi.os.errno['EINTR'];
const EAGAIN = koffi.os.errno['EAGAIN'];

/** Result of a read or write: octets, or undefined where it would have to wait (or a signal came between). */
function waiting(result: number, what: string): number | undefined {
  if (result >= 0) return result;
  const errno = koffi.errno();
  if (errno === EAGAIN || errno === EINTR) return undefined;
  throw new SystemError(what, errno);
}

export function socket(domain: number, type: number, protocol: number, what: string): number {
  return checked(socketCall(domain, type, protocol), `socket (${what})`);
}

export function bind(fd: number, address: Uint8Array, what: string): void {
  checked(bindCall(fd, address, address.length), `bind (${what})`);
}

export function setsockopt(fd: number, level: number, name: number, value: Uint8Array, what: string): void {
  checked(setsockoptCall(fd, level, name, value, value.length), `setsockopt ${what}`);
}

/** An option whose value is a C int. */
export function setsockoptInt(fd: number, level: number, name: number, value: number, what: string): void {
  setsockopt(fd, level, name, new Uint8Array(Int32Array.of(value).buffer), what);
}

/**
 * Enlarges the receive buffer past the system's limit. Root of a user namespace may not, and gets up to the limit
 * (net.core.rmem_max).
 */
export function setReceiveBuffer(fd: number, octets: number, what: string): void {
  const { level, rcvbuf, rcvbufforce } = SOL_SOCKET;
  try {
    setsockoptInt(fd, level, rcvbufforce, octets, `${what}: SO_RCVBUFFORCE`);
  } catch (error) {
    if (!(error instanceof SystemError) || error.code !== 'EPERM') throw error;
    setsockoptInt(fd, level, rcvbuf, octets, `${what}: SO_RCVBUF`);
  }
}

export function sendto(fd: number, data: Uint8Array, address: Uint8Array | null, what: string): void {
  checked(sendtoCall(fd, data, data.length, 0, address, address?.length ?? 0), what);
}

/** Octets received, or undefined where nothing waits on a non-blocking socket. */
export function recv(fd: number, data: Uint8Array, what: string): number | undefined {
  return waiting(recvCall(fd, data, data.length, 0), what);
}

/** `message` is a struct msghdr. */
export function recvmsg(fd: number, message: Uint8Array, what: string): number | undefined {
  return waiting(recvmsgCall(fd, message, 0), what);
}

export function read(fd: number, data: Uint8Array, what: string): number | undefined {
  return waiting(readCall(fd, data, data.length), what);
}

export function write(fd: number, data: Uint8Array, what: string): void {
  checked(writeCall(fd, data, data.length), what);
}

/** As much of `data` as there is room for; undefined where there is none. */
export function writeSome(fd: number, data: Uint8Array, what: string): number | undefined {
  return waiting(writeCall(fd, data, data.length), what);
}

/** `entries` holds `count` struct pollfd; a negative `timeout` waits for ever. A signal ends it like a time-out. */
export function poll(entries: Uint8Array, count: number, timeout: number): number {
  const ready = pollCall(entries, count, timeout);
  if (ready >= 0) return ready;
  const errno = koffi.errno();
  if (errno === EINTR) return 0;
  throw new SystemError('poll', errno);
}

export function ioctl(fd: number, request: number, argument: Uint8Array, what: string): void {
  checked(ioctlCall(fd, request, argument), what);
}

export function open(path: string, flags: number): number {
  return checked(openCall(path, flags), `open ${path}`);
}

export function close(fd: number): void {
  closeCall(fd);
}

export function eventfd(flags: number): number {
  return checked(eventfdCall(0, flags), 'eventfd');
}

/** A pipe, closed on exec, with room for `octets`: [the end to read, the end to write]. */
export function pipe(octets: number): [number, number] {
  const fds = new Int32Array(2);
  checked(pipeCall(fds, O.cloexec), 'pipe');
  const [reader, writer] = fds as unknown as [number, number];
  // Unprivileged users may have less (fs.pipe-max-size); a smaller pipe is only slower.
  fcntlCall(writer, F.setPipeSize, octets);
  return [reader, writer];
}

/** Makes reads and writes of this descriptor return where they would wait. */
export function setNonblocking(fd: number): void {
  checked(fcntlCall(fd, F.setFlags, O.nonblock), 'fcntl F_SETFL');
}

/** Address in memory of a buffer's first octet, for structures that point elsewhere. Stays valid while the buffer is referred to. */
export function addressOf(data: Uint8Array): bigint {
  return koffi.address(data);
}

const MADV_HUGEPAGE = 14;

/**
 * Asks for huge pages behind memory that begins on a page, such as that of a WebAssembly instance. A kernel without
 * them refuses, which changes nothing but speed; the result says which.
 */
export function adviseHugePages(memory: Uint8Array): boolean {
  return madviseCall(memory, memory.length, MADV_HUGEPAGE) === 0;
}
