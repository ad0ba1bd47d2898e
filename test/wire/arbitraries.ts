import fc from 'fast-check';
import { prefixOf, readAddress, readMac } from '../../host/wire/address.ts';
import type { Address, Mac, Prefix } from '../../host/wire/address.ts';
import type { NdOption } from '../../host/wire/icmpv6/options.ts';
import type { MobilityOption } from '../../host/wire/mobility/options.ts';

/** Records as object literals are, so that deep equality with what a parser built can hold. */
export function record<T>(model: { [K in keyof T]: fc.Arbitrary<T[K]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true });
}

/** Sparse octets, so that runs of zero groups of every length and place come up. */
export const address: fc.Arbitrary<Address> = fc
  .array(fc.oneof({ weight: 2, arbitrary: fc.constant(0) }, fc.integer({ min: 0, max: 255 })), {
    minLength: 16,
    maxLength: 16,
  })
  .map((octets) => readAddress(Uint8Array.from(octets)));

export const prefix: fc.Arbitrary<Prefix> = fc
  .tuple(address, fc.integer({ min: 0, max: 128 }))
  .map(([around, length]) => prefixOf(around, length));

export const mac: fc.Arbitrary<Mac> = fc
  .uint8Array({ minLength: 6, maxLength: 6 })
  .map((octets) => readMac(octets));

export const octets = (minLength: number, maxLength: number): fc.Arbitrary<Uint8Array> =>
  fc.uint8Array({ minLength, maxLength });

export const uint8 = fc.integer({ min: 0, max: 0xff });
export const uint16 = fc.integer({ min: 0, max: 0xffff });
export const uint32 = fc.integer({ min: 0, max: 0xffff_ffff });

/** A Network Access Identifier, also with characters of several octets. */
export const mnId = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 });

export const ndOption: fc.Arbitrary<NdOption> = fc.oneof(
  record({ kind: fc.constantFrom('source-link-layer' as const, 'target-link-layer' as const), mac }),
  record({
    kind: fc.constant('prefix-information' as const),
    prefix,
    onLink: fc.boolean(),
    autonomous: fc.boolean(),
    validSeconds: uint32,
    preferredSeconds: uint32,
  }),
  record({ kind: fc.constant('mtu' as const), mtu: uint32 }),
  record({
    kind: fc.constant('address-list' as const),
    homes: fc.array(address, { maxLength: 4 }),
    correspondents: fc.array(address, { maxLength: 4 }),
  }),
  record({
    kind: fc.constant('unknown' as const),
    type: fc.integer({ min: 200, max: 252 }),
    data: fc.constantFrom(6, 14, 22).chain((length) => octets(length, length)),
  }),
);

export const mobilityOption: fc.Arbitrary<MobilityOption> = fc.oneof(
  record({ kind: fc.constant('refresh-advice' as const), interval: uint16 }),
  record({
    kind: fc.constantFrom(
      'alternate-coa' as const,
      'link-local-address' as const,
      'lma-address' as const,
      'mag-address' as const,
      'serving-maar' as const,
      'dlif-link-local' as const,
    ),
    address,
  }),
  record({ kind: fc.constant('nonce-indices' as const), home: uint16, careOf: uint16 }),
  record({ kind: fc.constant('authorization-data' as const), authenticator: octets(1, 32) }),
  record({
    kind: fc.constantFrom(
      'mobile-network-prefix' as const,
      'home-network-prefix' as const,
      'delegated-prefix' as const,
      'anchored-prefix' as const,
      'local-prefix' as const,
    ),
    prefix,
  }),
  record({
    kind: fc.constant('authentication' as const),
    subtype: uint8,
    spi: uint32,
    authenticator: octets(0, 32),
  }),
  record({
    kind: fc.constant('context-request' as const),
    requests: fc.array(record({ type: uint8, data: octets(0, 10) }), { maxLength: 4 }),
  }),
  record({ kind: fc.constant('mn-id' as const), id: mnId }),
  record({
    kind: fc.constant('vendor' as const),
    enterprise: uint32,
    subtype: uint8,
    data: octets(0, 40),
  }),
  record({
    kind: fc.constantFrom('handoff-indicator' as const, 'access-technology' as const),
    value: uint8,
  }),
  record({
    kind: fc.constantFrom('mn-link-layer-id' as const, 'dlif-link-layer' as const),
    id: octets(0, 20),
  }),
  record({
    kind: fc.constant('timestamp' as const),
    millis: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }),
  }),
  record({ kind: fc.constant('previous-maar' as const), maar: address, prefix }),
  record({
    kind: fc.constant('unknown' as const),
    type: fc.integer({ min: 100, max: 255 }),
    data: octets(0, 40),
  }),
);
