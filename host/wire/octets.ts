/**
 * A copy of the octets from `start` to `end`. Not `slice`: on a Buffer, which is what sockets and files yield,
 * that makes a view, and what is kept of a message would change with the buffer's next use.
 */
export function copyOctets(data: Uint8Array, start = 0, end = data.length): Uint8Array {
  return new Uint8Array(data.subarray(start, end));
}
