import { createHmac, createSecretKey } from 'node:crypto';

/** HMAC-SHA-256 with a secret: 32 octets for any data. */
export function hmacSha256(secret: Uint8Array): (data: Uint8Array) => Uint8Array {
  const key = createSecretKey(secret);
  return (data) => createHmac('sha256', key).update(data).digest();
}
