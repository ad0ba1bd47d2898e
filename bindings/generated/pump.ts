// Written by scripts/generate.ts from bindings/pump/v1.json; edit that file.

export const PUMP_VERSION = 1;
export const BODY_MAX = 2097152;
export const KIND_HELLO = 1;
export const KIND_INIT = 2;
export const KIND_APPLY = 3;
export const KIND_PROCESS = 4;
export const KIND_EVENTS = 5;
export const KIND_LOOKUP = 6;
export const KIND_COUNTERS = 7;
export const KIND_ENTRIES = 8;
export const ANSWER_FLAG_EVENTS = 1;
export const HEADER_SIZE = 16;
export const HEADER_LENGTH_AT = 0;
export const HEADER_KIND_AT = 4;
export const HEADER_FLAGS_AT = 5;
export const HEADER_NUMBER_AT = 8;
export const VERSIONS_SIZE = 8;
export const VERSIONS_PROTOCOL_AT = 0;
export const VERSIONS_ABI_AT = 4;
export const INIT_SIZE = 64;
export const INIT_BATCH_AT = 0;
export const INIT_DESTINATIONS_AT = 4;
export const INIT_SOURCES_AT = 8;
export const INIT_PEERS_AT = 12;
export const INIT_FLOWS_AT = 16;
export const INIT_HELD_AT = 20;
export const INIT_FLOW_ENTRIES_AT = 24;
export const INIT_CORE_MTU_AT = 28;
export const INIT_SEED_AT = 32;
export const INIT_FLAGS_AT = 40;
export const INIT_LOCATOR_AT = 48;
export const INSTANCE_SIZE = 12;
export const INSTANCE_STATUS_AT = 0;
export const INSTANCE_OUTPUTS_AT = 4;
export const INSTANCE_ADJACENCIES_AT = 8;
export const LISTING_REQUEST_SIZE = 8;
export const LISTING_REQUEST_TABLE_AT = 0;
export const LISTING_REQUEST_FROM_AT = 4;
export const LISTING_SIZE = 8;
export const LISTING_NEXT_AT = 0;
export const LISTING_COUNT_AT = 4;

export const KIND_NAMES: Readonly<Record<number, string>> = {
  1: 'hello',
  2: 'init',
  3: 'apply',
  4: 'process',
  5: 'events',
  6: 'lookup',
  7: 'counters',
  8: 'entries',
};

export const ANSWER_FLAG_NAMES: Readonly<Record<number, string>> = {
  1: 'events',
};
