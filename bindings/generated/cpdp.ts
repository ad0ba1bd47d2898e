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
export const KIND_FRAME_IN = 12;
export const KIND_FRAME_OUT = 13;
export const KIND_PRESENCE = 14;
export const KIND_ATTACHED = 15;
export const KIND_KEEPING = 16;
export const KIND_USAGE = 17;
export const KIND_ACTIVITY = 18;
export const APPLY_FLAG_BEGIN = 1;
export const APPLY_FLAG_END = 2;
export const ANSWER_FLAG_MORE = 1;
export const FAULT_PROTOCOL = 1;
export const FAULT_ABI = 2;
export const FAULT_MALFORMED = 3;
export const FAULT_GENERATION = 4;
export const FAULT_BUSY = 5;
export const PRESENCE_PORT_UP = 1;
export const PRESENCE_PORT_DOWN = 2;
export const PRESENCE_PRESENT = 3;
export const PRESENCE_ABSENT = 4;
export const PRESENCE_LEAVING = 5;
export const SIDE_CORE = 0;
export const SIDE_ACCESS = 1;
export const HELLO_FLAG_ACTIVITY = 1;
export const HELLO_FLAG_CLAMP_MSS = 2;
export const HEADER_SIZE = 16;
export const HEADER_LENGTH_AT = 0;
export const HEADER_KIND_AT = 4;
export const HEADER_FLAGS_AT = 5;
export const HEADER_NUMBER_AT = 8;
export const GREETING_SIZE = 16;
export const GREETING_PROTOCOL_AT = 0;
export const GREETING_ABI_AT = 4;
export const GREETING_LIFETIME_AT = 8;
export const HELLO_SIZE = 104;
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
export const HELLO_CORE_MTU_AT = 52;
export const HELLO_LOCATOR_AT = 56;
export const HELLO_POOL_AT = 72;
export const HELLO_POOL_LENGTH_AT = 88;
export const HELLO_LINKS_AT = 89;
export const HELLO_FLAGS_AT = 90;
export const LINK_SIZE = 40;
export const LINK_LINK_AT = 0;
export const LINK_MAC_AT = 2;
export const LINK_LINK_LOCAL_AT = 8;
export const LINK_INTERFACE_AT = 24;
export const PACKET_SIZE = 24;
export const PACKET_ADDRESS_AT = 0;
export const PACKET_INTERFACE_AT = 16;
export const PACKET_PROTOCOL_AT = 20;
export const PACKET_HOP_LIMIT_AT = 21;
export const PACKET_SIDE_AT = 22;
export const FRAME_SIZE = 20;
export const FRAME_LINK_AT = 0;
export const FRAME_PORT_AT = 4;
export const PRESENCE_SIZE = 28;
export const PRESENCE_LINK_AT = 0;
export const PRESENCE_WHAT_AT = 1;
export const PRESENCE_MAC_AT = 2;
export const PRESENCE_PORT_AT = 8;
export const USE_SIZE = 48;
export const USE_SOURCE_AT = 0;
export const USE_DESTINATION_AT = 16;
export const USE_IDLE_MILLIS_AT = 32;
export const USE_LENGTH_AT = 40;
export const ACTIVITY_SIZE = 24;
export const ACTIVITY_MAC_AT = 0;
export const ACTIVITY_SENT_AT = 8;
export const ACTIVITY_RECEIVED_AT = 16;
export const STATUS_SIZE = 112;
export const STATUS_GENERATION_AT = 0;
export const STATUS_UP_MILLIS_AT = 8;
export const STATUS_BUSY_MICROS_AT = 16;
export const STATUS_PACKETS_AT = 24;
export const STATUS_BATCHES_AT = 32;
export const STATUS_DROPPED_AT = 40;
export const STATUS_REBUILDS_AT = 48;
export const STATUS_ENTRIES_AT = 56;
export const STATUS_MEMORY_AT = 64;
export const STATUS_ACCESS_TUNNEL_AT = 72;
export const STATUS_ACCESS_MOBILITY_AT = 80;
export const STATUS_SOURCE_MAC_AT = 88;
export const STATUS_REDIRECTS_AT = 96;
export const STATUS_NATIVE_FLOWS_AT = 104;

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
  12: 'frame-in',
  13: 'frame-out',
  14: 'presence',
  15: 'attached',
  16: 'keeping',
  17: 'usage',
  18: 'activity',
};

export const APPLY_FLAG_NAMES: Readonly<Record<number, string>> = {
  1: 'begin',
  2: 'end',
};

export const ANSWER_FLAG_NAMES: Readonly<Record<number, string>> = {
  1: 'more',
};

export const FAULT_NAMES: Readonly<Record<number, string>> = {
  1: 'protocol',
  2: 'abi',
  3: 'malformed',
  4: 'generation',
  5: 'busy',
};

export const PRESENCE_NAMES: Readonly<Record<number, string>> = {
  1: 'port-up',
  2: 'port-down',
  3: 'present',
  4: 'absent',
  5: 'leaving',
};

export const SIDE_NAMES: Readonly<Record<number, string>> = {
  0: 'core',
  1: 'access',
};

export const HELLO_FLAG_NAMES: Readonly<Record<number, string>> = {
  1: 'activity',
  2: 'clamp-mss',
};
