import { z } from 'zod';
import type { ChannelPeer } from '../../functions/lm/channel.ts';
import { hmacSha256 } from '../../io/lm/hmac.ts';

/** RFC 4285 section 5: 0 to 255 are reserved. */
const FIRST_SPI = 256;
/** As long as the hash is recommended (RFC 2104 section 3); half of it is the least. */
const KEY = /^(?:[0-9a-f]{2}){16,64}$/i;
const A_KEY = 'a key of 16 to 64 octets in hexadecimal';

export const ASSOCIATION_REMEDY =
  'must be given, or ipsec = true where IPsec protects the messages, but not both';

/** How the messages of location management between this node and another are protected (docs/lm-messages.md). */
export const association = {
  spi: z
    .int({ error: 'must name the key, a number from 256 on' })
    .min(FIRST_SPI, { error: `must be at least ${FIRST_SPI} (RFC 4285 section 5)` })
    .max(0xffff_ffff, { error: 'must fit 32 bits' })
    .default(FIRST_SPI),
  key: z
    .string({ error: `must be ${A_KEY}` })
    .regex(KEY, { error: 'must be 16 to 64 octets in hexadecimal' })
    .exactOptional(),
  ipsec: z.boolean({ error: 'must be true or false' }).default(false),
};

interface Association {
  readonly spi: number;
  readonly key?: string;
  readonly ipsec: boolean;
}

export function isProtected({ key, ipsec }: Association): boolean {
  return (key === undefined) === ipsec;
}

/** The other node as a party to a channel. */
export function channelPeer(node: { name: string; address: string } & Association): ChannelPeer {
  const { name, address, spi, key } = node;
  return {
    ...{ name, address },
    key: key === undefined ? undefined : { spi, hmac: hmacSha256(Buffer.from(key, 'hex')) },
  };
}
