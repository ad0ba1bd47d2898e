// Written by scripts/generate.ts from bindings/abi/v1.json; edit that file.

export const ABI_VERSION = 1;
export const LIMIT_FRAME_SIZE = 2048;
export const LIMIT_HEADROOM = 128;
export const LIMIT_PACKET_MAX = 1900;
export const LIMIT_BATCH_MAX = 1024;
export const LIMIT_DESTINATIONS_MAX = 1048576;
export const LIMIT_SOURCES_MAX = 1048576;
export const LIMIT_PEERS_MAX = 65536;
export const LIMIT_FLOWS_MAX = 1048576;
export const LIMIT_HELD_MAX = 16384;
export const LIMIT_FLOW_ENTRIES_MAX = 65536;
export const LIMIT_HOLDS = 1024;
export const LIMIT_COMMANDS = 128;
export const LIMIT_EVENTS = 256;
export const LIMIT_SUPPRESSIONS = 256;
export const LIMIT_FLOW_WAYS = 4;
export const LIMIT_LISTING = 64;
export const LIMIT_MTU_MIN = 1280;
export const LIMIT_MTU_MAX = 65535;
export const PORT_CORE = 255;
export const LINK_TUNNEL = 255;
export const NONE = 4294967295;
export const TUNNEL_HOP_LIMIT = 64;
export const RETUNNEL_COST = 8;
export const SUPPRESS_MILLIS = 100;
export const ICMP_BURST = 20;
export const ICMP_RATE = 100;
export const ICMP_MAX = 1280;
export const EXTENSIONS_MAX = 8;
export const PATH_MTU_SECONDS = 600;
export const REASSEMBLIES = 8;
export const REASSEMBLY_MILLIS = 60000;
export const STATUS_OK = 0;
export const STATUS_FULL = 1;
export const STATUS_ABSENT = 2;
export const STATUS_INVALID = 3;
export const STATUS_MEMORY = 4;
export const STATUS_STATE = 5;
export const INIT_FLAG_HOP_LIMIT_DONE = 1;
export const INIT_FLAG_CLAMP_MSS = 2;
export const AREA_FRAMES = 0;
export const AREA_DESCRIPTORS = 1;
export const AREA_OUTPUTS = 2;
export const AREA_COMMANDS = 3;
export const AREA_EVENTS = 4;
export const AREA_COUNTERS = 5;
export const AREA_ADJACENCIES = 6;
export const AREA_DESTINATIONS = 7;
export const AREA_SOURCES = 8;
export const AREA_PEERS = 9;
export const AREA_FLOWS = 10;
export const AREA_LISTING = 11;
export const AREA_LOOKUP_KEYS = 12;
export const AREA_LOOKUP_RESULTS = 13;
export const AREA_FLOW_ENTRIES = 14;
export const DESCRIPTOR_FLAG_MAC = 1;
export const VERDICT_DROP = 0;
export const VERDICT_PASS = 1;
export const VERDICT_DELIVER = 2;
export const VERDICT_CORE = 3;
export const VERDICT_HOLD = 4;
export const REASON_NONE = 0;
export const REASON_DESCRIPTOR = 1;
export const REASON_OVERSIZED = 2;
export const REASON_TRUNCATED = 3;
export const REASON_VERSION = 4;
export const REASON_JUMBOGRAM = 5;
export const REASON_ADDRESS = 6;
export const REASON_EXTENSION = 7;
export const REASON_ACCESS_TUNNEL = 8;
export const REASON_ACCESS_MOBILITY = 9;
export const REASON_SOURCE_UNKNOWN = 10;
export const REASON_SOURCE_MAC = 11;
export const REASON_PEER_UNKNOWN = 12;
export const REASON_ECN = 13;
export const REASON_BOUNCE = 14;
export const REASON_LOOP = 15;
export const REASON_DESTINATION_UNKNOWN = 16;
export const REASON_HOP_LIMIT = 17;
export const REASON_TOO_BIG = 18;
export const REASON_HOLD_OVERFLOW = 19;
export const REASON_HOLD_EXPIRED = 20;
export const REASON_ENCAPSULATION_LIMIT = 21;
export const REASON_REASSEMBLY = 22;
export const COMMAND_PUT_DELIVER = 1;
export const COMMAND_PUT_TUNNEL = 2;
export const COMMAND_PUT_SOURCE = 3;
export const COMMAND_PUT_PEER = 4;
export const COMMAND_PUT_HOLD = 5;
export const COMMAND_DELETE_DESTINATION = 6;
export const COMMAND_DELETE_SOURCE = 7;
export const COMMAND_DELETE_PEER = 8;
export const COMMAND_DELETE_HOLD = 9;
export const COMMAND_RELEASE = 10;
export const COMMAND_DISCARD = 11;
export const COMMAND_PUT_BUFFER = 12;
export const COMMAND_PUT_REWRITE = 13;
export const COMMAND_FLAG_REVERSE = 1;
export const COMMAND_FLAG_LIMIT = 2;
export const COMMAND_FLAG_FLOW = 4;
export const COMMAND_FLAG_RESTORE = 8;
export const DIRECTION_FROM = 0;
export const DIRECTION_TO = 1;
export const DIRECTION_STATION = 2;
export const EVENT_FLOW = 1;
export const EVENT_UNKNOWN_SOURCE = 2;
export const EVENT_REDIRECT = 3;
export const EVENT_UNKNOWN_DESTINATION = 4;
export const EVENT_HOLD_DROP = 5;
export const EVENT_FLAG_MAC = 1;
export const ADJACENCY_KIND_FREE = 0;
export const ADJACENCY_KIND_DELIVER = 1;
export const ADJACENCY_KIND_TUNNEL = 2;
export const ADJACENCY_KIND_BUFFER = 3;
export const ADJACENCY_KIND_REWRITE = 4;
export const ADJACENCY_KIND_RESTORE = 5;
export const COUNTER_RX_ACCESS = 0;
export const COUNTER_RX_CORE = 1;
export const COUNTER_DELIVERED = 2;
export const COUNTER_TUNNELLED = 3;
export const COUNTER_REVERSE_TUNNELLED = 4;
export const COUNTER_RETUNNELLED = 5;
export const COUNTER_DECAPSULATED = 6;
export const COUNTER_PASSED = 7;
export const COUNTER_HELD = 8;
export const COUNTER_RELEASED = 9;
export const COUNTER_HOLD_DISCARDED = 10;
export const COUNTER_FRAGMENTS = 11;
export const COUNTER_TOO_BIG_SENT = 12;
export const COUNTER_ICMP_LIMITED = 13;
export const COUNTER_EVENTS_LOST = 14;
export const COUNTER_TIME_EXCEEDED_SENT = 15;
export const COUNTER_PARAMETER_PROBLEM_SENT = 16;
export const COUNTER_ERRORS_RELAYED = 17;
export const COUNTER_MSS_CLAMPED = 18;
export const COUNTER_REASSEMBLED = 19;
export const COUNTER_REWRITTEN = 20;
export const COUNTER_RESTORED = 21;
export const DROP_COUNTER_BASE = 32;
export const COUNTER_SLOTS = 96;
export const DESCRIPTOR_SIZE = 32;
export const DESCRIPTOR_OFFSET_AT = 0;
export const DESCRIPTOR_LENGTH_AT = 2;
export const DESCRIPTOR_PORT_AT = 4;
export const DESCRIPTOR_FLAGS_AT = 5;
export const DESCRIPTOR_VERDICT_AT = 6;
export const DESCRIPTOR_REASON_AT = 7;
export const DESCRIPTOR_MAC_AT = 8;
export const DESCRIPTOR_INPUT_AT = 16;
export const DESCRIPTOR_ADJACENCY_AT = 20;
export const DESCRIPTOR_PRIVATE_AT = 24;
export const ADJACENCY_SIZE = 32;
export const ADJACENCY_ADDRESS_AT = 0;
export const ADJACENCY_MAC_AT = 16;
export const ADJACENCY_LINK_AT = 22;
export const ADJACENCY_KIND_AT = 23;
export const ADJACENCY_REFERENCES_AT = 24;
export const ADJACENCY_NEXT_AT = 28;
export const COMMAND_SIZE = 96;
export const COMMAND_OP_AT = 0;
export const COMMAND_STATUS_AT = 1;
export const COMMAND_LENGTH_AT = 2;
export const COMMAND_LINK_AT = 3;
export const COMMAND_DIRECTION_AT = 4;
export const COMMAND_FLAGS_AT = 5;
export const COMMAND_MAC_AT = 6;
export const COMMAND_PACKETS_AT = 12;
export const COMMAND_PREFIX_AT = 16;
export const COMMAND_ADDRESS_AT = 32;
export const COMMAND_MILLIS_AT = 48;
export const COMMAND_BYTES_AT = 52;
export const COMMAND_ENCAPSULATION_LIMIT_AT = 56;
export const COMMAND_PROTOCOL_AT = 57;
export const COMMAND_SOURCE_PORT_AT = 58;
export const COMMAND_DESTINATION_PORT_AT = 60;
export const COMMAND_SOURCE_AT = 64;
export const EVENT_SIZE = 64;
export const EVENT_KIND_AT = 0;
export const EVENT_LINK_AT = 1;
export const EVENT_FLAGS_AT = 2;
export const EVENT_DIRECTION_AT = 3;
export const EVENT_LENGTH_AT = 4;
export const EVENT_MAC_AT = 6;
export const EVENT_SRC_AT = 16;
export const EVENT_DST_AT = 32;
export const EVENT_PEER_AT = 48;
export const SLOT_SIZE = 32;
export const SLOT_PREFIX_AT = 0;
export const SLOT_VALUE_AT = 16;
export const SLOT_LAST_USED_AT = 20;
export const SLOT_LENGTH_AT = 24;
export const SLOT_SCOPE_AT = 25;
export const SLOT_MAC_AT = 26;
export const FLOW_SIZE = 48;
export const FLOW_SRC_AT = 0;
export const FLOW_DST_AT = 16;
export const FLOW_SEEN_AT = 32;
export const FLOW_ENTRY_SIZE = 48;
export const FLOW_ENTRY_SRC_AT = 0;
export const FLOW_ENTRY_DST_AT = 16;
export const FLOW_ENTRY_VALUE_AT = 32;
export const FLOW_ENTRY_LAST_USED_AT = 36;
export const FLOW_ENTRY_SOURCE_PORT_AT = 40;
export const FLOW_ENTRY_DESTINATION_PORT_AT = 42;
export const FLOW_ENTRY_PROTOCOL_AT = 44;
export const FLOW_ENTRY_PRESENT_AT = 45;

export const STATUS_NAMES: Readonly<Record<number, string>> = {
  0: 'ok',
  1: 'full',
  2: 'absent',
  3: 'invalid',
  4: 'memory',
  5: 'state',
};

export const INIT_FLAG_NAMES: Readonly<Record<number, string>> = {
  1: 'hop-limit-done',
  2: 'clamp-mss',
};

export const AREA_NAMES: Readonly<Record<number, string>> = {
  0: 'frames',
  1: 'descriptors',
  2: 'outputs',
  3: 'commands',
  4: 'events',
  5: 'counters',
  6: 'adjacencies',
  7: 'destinations',
  8: 'sources',
  9: 'peers',
  10: 'flows',
  11: 'listing',
  12: 'lookup-keys',
  13: 'lookup-results',
  14: 'flow-entries',
};

export const DESCRIPTOR_FLAG_NAMES: Readonly<Record<number, string>> = {
  1: 'mac',
};

export const VERDICT_NAMES: Readonly<Record<number, string>> = {
  0: 'drop',
  1: 'pass',
  2: 'deliver',
  3: 'core',
  4: 'hold',
};

export const REASON_NAMES: Readonly<Record<number, string>> = {
  0: 'none',
  1: 'descriptor',
  2: 'oversized',
  3: 'truncated',
  4: 'version',
  5: 'jumbogram',
  6: 'address',
  7: 'extension',
  8: 'access-tunnel',
  9: 'access-mobility',
  10: 'source-unknown',
  11: 'source-mac',
  12: 'peer-unknown',
  13: 'ecn',
  14: 'bounce',
  15: 'loop',
  16: 'destination-unknown',
  17: 'hop-limit',
  18: 'too-big',
  19: 'hold-overflow',
  20: 'hold-expired',
  21: 'encapsulation-limit',
  22: 'reassembly',
};

export const COMMAND_NAMES: Readonly<Record<number, string>> = {
  1: 'put-deliver',
  2: 'put-tunnel',
  3: 'put-source',
  4: 'put-peer',
  5: 'put-hold',
  6: 'delete-destination',
  7: 'delete-source',
  8: 'delete-peer',
  9: 'delete-hold',
  10: 'release',
  11: 'discard',
  12: 'put-buffer',
  13: 'put-rewrite',
};

export const COMMAND_FLAG_NAMES: Readonly<Record<number, string>> = {
  1: 'reverse',
  2: 'limit',
  4: 'flow',
  8: 'restore',
};

export const DIRECTION_NAMES: Readonly<Record<number, string>> = {
  0: 'from',
  1: 'to',
  2: 'station',
};

export const EVENT_NAMES: Readonly<Record<number, string>> = {
  1: 'flow',
  2: 'unknown-source',
  3: 'redirect',
  4: 'unknown-destination',
  5: 'hold-drop',
};

export const EVENT_FLAG_NAMES: Readonly<Record<number, string>> = {
  1: 'mac',
};

export const ADJACENCY_KIND_NAMES: Readonly<Record<number, string>> = {
  0: 'free',
  1: 'deliver',
  2: 'tunnel',
  3: 'buffer',
  4: 'rewrite',
  5: 'restore',
};

export const COUNTER_NAMES: Readonly<Record<number, string>> = {
  0: 'rx-access',
  1: 'rx-core',
  2: 'delivered',
  3: 'tunnelled',
  4: 'reverse-tunnelled',
  5: 'retunnelled',
  6: 'decapsulated',
  7: 'passed',
  8: 'held',
  9: 'released',
  10: 'hold-discarded',
  11: 'fragments',
  12: 'too-big-sent',
  13: 'icmp-limited',
  14: 'events-lost',
  15: 'time-exceeded-sent',
  16: 'parameter-problem-sent',
  17: 'errors-relayed',
  18: 'mss-clamped',
  19: 'reassembled',
  20: 'rewritten',
  21: 'restored',
  33: 'drop-descriptor',
  34: 'drop-oversized',
  35: 'drop-truncated',
  36: 'drop-version',
  37: 'drop-jumbogram',
  38: 'drop-address',
  39: 'drop-extension',
  40: 'drop-access-tunnel',
  41: 'drop-access-mobility',
  42: 'drop-source-unknown',
  43: 'drop-source-mac',
  44: 'drop-peer-unknown',
  45: 'drop-ecn',
  46: 'drop-bounce',
  47: 'drop-loop',
  48: 'drop-destination-unknown',
  49: 'drop-hop-limit',
  50: 'drop-too-big',
  51: 'drop-hold-overflow',
  52: 'drop-hold-expired',
  53: 'drop-encapsulation-limit',
  54: 'drop-reassembly',
};
