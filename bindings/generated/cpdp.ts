// Written by scripts/generate.ts from bindings/cpdp/v1.json; edit that file.

export const CPDP_VERSION = 1;
export const BODY_MAX = 24576;
export const PING_MILLIS = 1000;
export const SILENCE_MILLIS = 3500;
export const QUEUE_MAX = 262144;
export const KIND_GREETING = 1;
export const KIND_HELLO = 2;
export const KIND_APPLY = 3;
export const KIND_APPLIED = 4;
export const KIND_EVENT = 5;
export const KIND_STATUS = 6;
export const KIND_PING = 7;
export const KIND_PONG = 8;
export const KIND_FAULT = 9;
export const KIND_PACKET_IN = 10;
export const KIND_PACKET_OUT = 11;
export const APPLY_FLAG_BEGIN = 1;
export const APPLY_FLAG_END = 2;
export const FAULT_PROTOCOL = 1;
export const FAULT_ABI = 2;
export const FAULT_MALFORMED = 3;
export const FAULT_GENERATION = 4;
export const FAULT_BUSY = 5;
export const HEADER_SIZE = 16;
export const HEADER_LENGTH_AT = 0;
export const HEADER_KIND_AT = 4;
export const HEADER_FLAGS_AT = 5;
export const HEADER_NUMBER_AT = 8;
export const GREETING_SIZE = 8;
export const GREETING_PROTOCOL_AT = 0;
export const GREETING_ABI_AT = 4;
export const HELLO_SIZE = 56;
export const HELLO_PROTOCOL_AT = 0;
export const HELLO_ABI_AT = 4;
export const HELLO_BOOT_AT = 8;
export const HELLO_GENERATION_AT = 16;
export const HELLO_BATCH_AT = 24;
export const HELLO_DESTINATIONS_AT = 28;
export const HELLO_SOURCES_AT = 32;
export const HELLO_PEERS_AT = 36;
export const HELLO_FLOWS_AT = 40;
export const HELLO_HELD_AT = 44;
export const HELLO_FLOW_ENTRIES_AT = 48;
export const PACKET_SIZE = 24;
export const PACKET_ADDRESS_AT = 0;
export const PACKET_INTERFACE_AT = 16;
export const PACKET_PROTOCOL_AT = 20;
export const PACKET_HOP_LIMIT_AT = 21;
export const STATUS_SIZE = 72;
export const STATUS_GENERATION_AT = 0;
export const STATUS_UP_MILLIS_AT = 8;
export const STATUS_BUSY_MICROS_AT = 16;
export const STATUS_PACKETS_AT = 24;
export const STATUS_BATCHES_AT = 32;
export const STATUS_DROPPED_AT = 40;
export const STATUS_REBUILDS_AT = 48;
export const STATUS_ENTRIES_AT = 56;
export const STATUS_MEMORY_AT = 64;

export const KIND_NAMES: Readonly<Record<number, string>> = {
  1: 'greeting',
  2: 'hello',
  3: 'apply',
  4: 'applied',
  5: 'event',
  6: 'status',
  7: 'ping',
  8: 'pong',
  9: 'fault',
  10: 'packet-in',
  11: 'packet-out',
};

export const APPLY_FLAG_NAMES: Readonly<Record<number, string>> = {
  1: 'begin',
  2: 'end',
};

export const FAULT_NAMES: Readonly<Record<number, string>> = {
  1: 'protocol',
  2: 'abi',
  3: 'malformed',
  4: 'generation',
  5: 'busy',
};
