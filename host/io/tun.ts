import { close, ioctl, open } from './ffi.ts';
import { IFREQ, O, TUN } from './linux.ts';

/**
 * Creates a TUN device that carries bare IPv6 packets and vanishes, with every route to it, when the file descriptor
 * closes. Throws a SystemError: EBUSY if another process holds the name, EPERM without CAP_NET_ADMIN.
 */
export function openTun(name: string): number {
  if (name.length > IFREQ.nameMax)
    throw new RangeError(`interface name "${name}" is longer than ${IFREQ.nameMax}`);
  const fd = open(TUN.device, O.rdwr | O.cloexec | O.nonblock);
  const request = new Uint8Array(IFREQ.size);
  request.set(Buffer.from(name));
  new DataView(request.buffer).setUint16(IFREQ.flags, TUN.tun | TUN.noPi, true);
  try {
    ioctl(fd, TUN.setiff, request, `create TUN device ${name}`);
  } catch (error) {
    close(fd);
    throw error;
  }
  return fd;
}
