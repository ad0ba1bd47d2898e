import type { MobilityOption } from '../../../wire/mobility/options.ts';
import { ROLE, VENDOR_SUBTYPE } from './constants.ts';

/** What a Vendor Specific option of ours says. Numbers are big-endian; counters take 8 octets. */
export type VendorItem =
  | { readonly item: 'registrationCounter' | 'correspondentCounter'; readonly counter: number }
  | { readonly item: 'homeLifetime'; readonly seconds: number }
  | { readonly item: 'part'; readonly part: number; readonly parts: number }
  | { readonly item: 'role'; readonly role: keyof typeof ROLE };

export function vendorOption(enterprise: number, item: VendorItem): MobilityOption {
  return { kind: 'vendor', enterprise, subtype: VENDOR_SUBTYPE[item.item], data: vendorData(item) };
}

function vendorData(item: VendorItem): Uint8Array {
  switch (item.item) {
    case 'registrationCounter':
    case 'correspondentCounter': {
      const data = new Uint8Array(8);
      new DataView(data.buffer).setBigUint64(0, BigInt(item.counter));
      return data;
    }
    case 'homeLifetime': {
      const data = new Uint8Array(4);
      new DataView(data.buffer).setUint32(0, item.seconds);
      return data;
    }
    case 'part':
      return Uint8Array.of(item.part >> 8, item.part, item.parts >> 8, item.parts);
    case 'role':
      return Uint8Array.of(ROLE[item.role]);
  }
}

/**
 * Reads a Vendor Specific option: 'foreign' if it is another enterprise's or of a subtype not known here
 * (both are skipped), undefined if it is ours and malformed.
 */
export function readVendor(
  enterprise: number,
  option: Extract<MobilityOption, { kind: 'vendor' }>,
): VendorItem | 'foreign' | undefined {
  if (option.enterprise !== enterprise) return 'foreign';
  const { data } = option;
  const view = new DataView(data.buffer, data.byteOffset, data.length);
  switch (option.subtype) {
    case VENDOR_SUBTYPE.registrationCounter:
    case VENDOR_SUBTYPE.correspondentCounter: {
      if (data.length !== 8) return undefined;
      const counter = Number(view.getBigUint64(0));
      const item =
        option.subtype === VENDOR_SUBTYPE.registrationCounter
          ? 'registrationCounter'
          : 'correspondentCounter';
      return Number.isSafeInteger(counter) ? { item, counter } : undefined;
    }
    case VENDOR_SUBTYPE.homeLifetime:
      return data.length === 4 ? { item: 'homeLifetime', seconds: view.getUint32(0) } : undefined;
    case VENDOR_SUBTYPE.part:
      if (data.length !== 4) return undefined;
      return { item: 'part', part: view.getUint16(0), parts: view.getUint16(2) };
    case VENDOR_SUBTYPE.role:
      if (data.length !== 1 || data[0]! > ROLE.d) return undefined;
      return { item: 'role', role: data[0] === ROLE.d ? 'd' : 's' };
    default:
      return 'foreign';
  }
}
