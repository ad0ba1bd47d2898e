/*
 * Data plane ABI: numbers, records and calls. The contract is bindings/abi/v1/README.md.
 * Written by scripts/generate.ts from bindings/abi/v1.json; edit that file. C99 and C++.
 *
 * The structures are the records of linear memory. Their integers of more than one octet are little-endian there:
 * on a host of either byte order, read and write them through maar_le16, maar_le32 and maar_le64.
 */
#ifndef MAAR_ABI_H
#define MAAR_ABI_H

#include <stddef.h>
#include <stdint.h>

/** what `abi_version` returns */
#define MAAR_ABI_VERSION 1u

/** octets of one frame */
#define MAAR_LIMIT_FRAME_SIZE 2048u
/** octets before the packet that the module may overwrite */
#define MAAR_LIMIT_HEADROOM 128u
/** octets of the longest packet taken in */
#define MAAR_LIMIT_PACKET_MAX 1900u
/** largest capacity `batch` */
#define MAAR_LIMIT_BATCH_MAX 1024u
/** largest capacity `destinations` */
#define MAAR_LIMIT_DESTINATIONS_MAX 1048576u
/** largest capacity `sources` */
#define MAAR_LIMIT_SOURCES_MAX 1048576u
/** largest capacity `peers` */
#define MAAR_LIMIT_PEERS_MAX 65536u
/** largest capacity `flows` */
#define MAAR_LIMIT_FLOWS_MAX 1048576u
/** largest capacity `held` */
#define MAAR_LIMIT_HELD_MAX 16384u
/** largest capacity `flow_entries`, which may be 0 */
#define MAAR_LIMIT_FLOW_ENTRIES_MAX 65536u
/** hold entries */
#define MAAR_LIMIT_HOLDS 1024u
/** commands of one `apply` */
#define MAAR_LIMIT_COMMANDS 128u
/** events kept between two calls of `events` */
#define MAAR_LIMIT_EVENTS 256u
/** slots of the event suppression table */
#define MAAR_LIMIT_SUPPRESSIONS 256u
/** pairs of one bucket of the flow table */
#define MAAR_LIMIT_FLOW_WAYS 4u
/** records that one call of `entries` writes at most */
#define MAAR_LIMIT_LISTING 64u
/** smallest `core_mtu` (RFC 8200 section 5) */
#define MAAR_LIMIT_MTU_MIN 1280u
/** largest `core_mtu` */
#define MAAR_LIMIT_MTU_MAX 65535u

/** `port` of a packet that came from the core; smaller values are access links */
#define MAAR_PORT_CORE 255u
/** `link` of a source entry whose packets arrive through a tunnel */
#define MAAR_LINK_TUNNEL 255u
/** no adjacency, no input packet; also a refused `process` */
#define MAAR_NONE 4294967295u
/** hop limit of outer headers and of ICMPv6 messages made here */
#define MAAR_TUNNEL_HOP_LIMIT 64u
/** what a packet tunnelled on loses of its outer hop limit */
#define MAAR_RETUNNEL_COST 8u
/** time within which the same event is not raised again */
#define MAAR_SUPPRESS_MILLIS 100u
/** tokens of the bucket of ICMPv6 errors */
#define MAAR_ICMP_BURST 20u
/** tokens a second that refill it */
#define MAAR_ICMP_RATE 100u
/** octets of the longest ICMPv6 error (RFC 4443 section 2.4 c) */
#define MAAR_ICMP_MAX 1280u
/** extension headers walked in one packet */
#define MAAR_EXTENSIONS_MAX 8u
/** time for which the path MTU of a tunnel is kept */
#define MAAR_PATH_MTU_SECONDS 600u
/** datagrams put together from outer fragments at one time */
#define MAAR_REASSEMBLIES 8u
/** time within which all fragments of a datagram must come (RFC 8200 section 4.5) */
#define MAAR_REASSEMBLY_MILLIS 60000u

/** done */
#define MAAR_STATUS_OK 0u
/** the table holds as many entries as its capacity; nothing changed */
#define MAAR_STATUS_FULL 1u
/** nothing to delete */
#define MAAR_STATUS_ABSENT 2u
/** malformed command or argument; nothing changed */
#define MAAR_STATUS_INVALID 3u
/** `init` only: the engine refused to grow the memory */
#define MAAR_STATUS_MEMORY 4u
/** called before `init`, or `init` a second time */
#define MAAR_STATUS_STATE 5u

/** hop limits are decremented outside: the module leaves those of forwarded packets alone */
#define MAAR_INIT_FLAG_HOP_LIMIT_DONE 1u
/** the MSS of TCP is lowered to what fits the tunnel */
#define MAAR_INIT_FLAG_CLAMP_MSS 2u

/** frames; frame i belongs to descriptor i; 4096-aligned */
#define MAAR_AREA_FRAMES 0u
/** `descriptor` records */
#define MAAR_AREA_DESCRIPTORS 1u
/** u32 descriptor indices in sending order */
#define MAAR_AREA_OUTPUTS 2u
/** `command` records */
#define MAAR_AREA_COMMANDS 3u
/** `event` records */
#define MAAR_AREA_EVENTS 4u
/** u64 counters */
#define MAAR_AREA_COUNTERS 5u
/** `adjacency` records */
#define MAAR_AREA_ADJACENCIES 6u
/** destination entries: no records here, `entries` lists them */
#define MAAR_AREA_DESTINATIONS 7u
/** source entries, likewise */
#define MAAR_AREA_SOURCES 8u
/** peer entries, likewise */
#define MAAR_AREA_PEERS 9u
/** address pairs, likewise */
#define MAAR_AREA_FLOWS 10u
/** `slot` or `flow` records that `entries` wrote */
#define MAAR_AREA_LISTING 11u
/** addresses for `lookup`, 16 octets each */
#define MAAR_AREA_LOOKUP_KEYS 12u
/** u32 for each of them */
#define MAAR_AREA_LOOKUP_RESULTS 13u
/** flow entries: no records here, `entries` lists them */
#define MAAR_AREA_FLOW_ENTRIES 14u

/** the field `mac` names the sending station */
#define MAAR_DESCRIPTOR_FLAG_MAC 1u

/** discard; `reason` says why */
#define MAAR_VERDICT_DROP 0u
/** native routing by whoever runs the module */
#define MAAR_VERDICT_PASS 1u
/** to the access link, next hop and MAC of the adjacency */
#define MAAR_VERDICT_DELIVER 2u
/** to the core: encapsulated (or a fragment of that) to the locator of the adjacency, or rewritten */
#define MAAR_VERDICT_CORE 3u
/** the module keeps a copy; the frame is free again */
#define MAAR_VERDICT_HOLD 4u

/** not dropped */
#define MAAR_REASON_NONE 0u
/** the packet does not lie within its frame after the headroom */
#define MAAR_REASON_DESCRIPTOR 1u
/** longer than the module takes */
#define MAAR_REASON_OVERSIZED 2u
/** shorter than its header or payload length says */
#define MAAR_REASON_TRUNCATED 3u
/** not IPv6 */
#define MAAR_REASON_VERSION 4u
/** payload length 0 with a hop-by-hop header */
#define MAAR_REASON_JUMBOGRAM 5u
/** a source or destination that must not be forwarded */
#define MAAR_REASON_ADDRESS 6u
/** extension headers truncated or too many */
#define MAAR_REASON_EXTENSION 7u
/** IPv6 in IPv6 from an access link */
#define MAAR_REASON_ACCESS_TUNNEL 8u
/** Mobility Header from an access link */
#define MAAR_REASON_ACCESS_MOBILITY 9u
/** no source entry and no hold entry for the source */
#define MAAR_REASON_SOURCE_UNKNOWN 10u
/** the source belongs to another station */
#define MAAR_REASON_SOURCE_MAC 11u
/** tunnelled here by an address that is no peer */
#define MAAR_REASON_PEER_UNKNOWN 12u
/** congestion marked on the way, inner packet not ECN-capable */
#define MAAR_REASON_ECN 13u
/** would be tunnelled back to where it came from */
#define MAAR_REASON_BOUNCE 14u
/** tunnelled on too many times */
#define MAAR_REASON_LOOP 15u
/** tunnelled here or restored, no destination entry (and no hold entry) */
#define MAAR_REASON_DESTINATION_UNKNOWN 16u
/** hop limit exhausted */
#define MAAR_REASON_HOP_LIMIT 17u
/** does not fit the core after encapsulation */
#define MAAR_REASON_TOO_BIG 18u
/** held packet displaced by a later one */
#define MAAR_REASON_HOLD_OVERFLOW 19u
/** held longer than its entry allows */
#define MAAR_REASON_HOLD_EXPIRED 20u
/** carries an encapsulation limit that allows no further tunnel */
#define MAAR_REASON_ENCAPSULATION_LIMIT 21u
/** outer fragments that make no packet: malformed, overlapping, late or too many */
#define MAAR_REASON_REASSEMBLY 22u

/** prefix, length (or flag `flow`), link, mac, address = next hop */
#define MAAR_COMMAND_PUT_DELIVER 1u
/** prefix, length (or flag `flow`), address = locator */
#define MAAR_COMMAND_PUT_TUNNEL 2u
/** prefix, length, link; mac unless zero; address = reverse locator with flag `reverse` */
#define MAAR_COMMAND_PUT_SOURCE 3u
/** prefix = address */
#define MAAR_COMMAND_PUT_PEER 4u
/** direction; prefix and length, or link and mac; packets, millis */
#define MAAR_COMMAND_PUT_HOLD 5u
/** prefix, length (or flag `flow`) */
#define MAAR_COMMAND_DELETE_DESTINATION 6u
/** prefix, length, link */
#define MAAR_COMMAND_DELETE_SOURCE 7u
/** prefix = address */
#define MAAR_COMMAND_DELETE_PEER 8u
/** direction; prefix and length, or link and mac */
#define MAAR_COMMAND_DELETE_HOLD 9u
/** direction; prefix and length, or link and mac */
#define MAAR_COMMAND_RELEASE 10u
/** direction; prefix and length, or link and mac */
#define MAAR_COMMAND_DISCARD 11u
/** prefix, length, packets, bytes, millis */
#define MAAR_COMMAND_PUT_BUFFER 12u
/** prefix, length, address = what takes the place of the prefix; flag `restore` */
#define MAAR_COMMAND_PUT_REWRITE 13u

/** the field `address` is the reverse locator of a source entry */
#define MAAR_COMMAND_FLAG_REVERSE 1u
/** packets into the tunnel of the entry carry the field `encapsulation-limit` */
#define MAAR_COMMAND_FLAG_LIMIT 2u
/** the entry is one of a flow: protocol, ports, source, and prefix = destination, in place of prefix and length */
#define MAAR_COMMAND_FLAG_FLOW 4u
/** of `put-rewrite`: the original destination comes back, and is looked up */
#define MAAR_COMMAND_FLAG_RESTORE 8u

/** hold by source, packets from access links */
#define MAAR_DIRECTION_FROM 0u
/** hold by destination, decapsulated packets; also of a buffer entry */
#define MAAR_DIRECTION_TO 1u
/** hold by link and MAC, packets from access links */
#define MAAR_DIRECTION_STATION 2u

/** src, dst */
#define MAAR_EVENT_FLOW 1u
/** src, link; mac with flag `mac` */
#define MAAR_EVENT_UNKNOWN_SOURCE 2u
/** src, dst of the inner packet; peer = outer source */
#define MAAR_EVENT_REDIRECT 3u
/** src, dst of the inner packet; peer = outer source */
#define MAAR_EVENT_UNKNOWN_DESTINATION 4u
/** direction, length; src = prefix of the hold entry, or key of a station hold (see _Hold_) */
#define MAAR_EVENT_HOLD_DROP 5u

/** the field `mac` names the sending station */
#define MAAR_EVENT_FLAG_MAC 1u

/** not in use */
#define MAAR_ADJACENCY_KIND_FREE 0u
/** address = next hop; mac and link as in the deliver entry */
#define MAAR_ADJACENCY_KIND_DELIVER 1u
/** address = locator; mac = path MTU (u16) and the second of `now` in which it is forgotten (u32), or zero; link = encapsulation limit, 255 for none */
#define MAAR_ADJACENCY_KIND_TUNNEL 2u
/** address = prefix of the entry; the rest is the module's own */
#define MAAR_ADJACENCY_KIND_BUFFER 3u
/** address = that of the prefix that destinations get; mac: its length, then zero; link 255 */
#define MAAR_ADJACENCY_KIND_REWRITE 4u
/** the same of an entry with flag `restore`; no verdict names it */
#define MAAR_ADJACENCY_KIND_RESTORE 5u

/** descriptors processed with an access link as port */
#define MAAR_COUNTER_RX_ACCESS 0u
/** descriptors processed with port core */
#define MAAR_COUNTER_RX_CORE 1u
/** verdicts deliver */
#define MAAR_COUNTER_DELIVERED 2u
/** packets encapsulated by a tunnel entry that came from an access link or natively from the core */
#define MAAR_COUNTER_TUNNELLED 3u
/** packets encapsulated to the reverse locator of their source */
#define MAAR_COUNTER_REVERSE_TUNNELLED 4u
/** decapsulated packets encapsulated again */
#define MAAR_COUNTER_RETUNNELLED 5u
/** packets whose outer header was taken off */
#define MAAR_COUNTER_DECAPSULATED 6u
/** verdicts pass of packets, messages made here not counted */
#define MAAR_COUNTER_PASSED 7u
/** times that a packet was put on hold */
#define MAAR_COUNTER_HELD 8u
/** held packets taken up again after a release */
#define MAAR_COUNTER_RELEASED 9u
/** held packets discarded by command */
#define MAAR_COUNTER_HOLD_DISCARDED 10u
/** outer fragments made */
#define MAAR_COUNTER_FRAGMENTS 11u
/** Packet Too Big messages made */
#define MAAR_COUNTER_TOO_BIG_SENT 12u
/** ICMPv6 errors not made because the bucket was empty */
#define MAAR_COUNTER_ICMP_LIMITED 13u
/** events raised while the event area was full */
#define MAAR_COUNTER_EVENTS_LOST 14u
/** Time Exceeded messages made */
#define MAAR_COUNTER_TIME_EXCEEDED_SENT 15u
/** Parameter Problem messages made */
#define MAAR_COUNTER_PARAMETER_PROBLEM_SENT 16u
/** ICMPv6 errors from inside a tunnel told to inner sources */
#define MAAR_COUNTER_ERRORS_RELAYED 17u
/** TCP segments whose MSS was lowered */
#define MAAR_COUNTER_MSS_CLAMPED 18u
/** packets put together from outer fragments */
#define MAAR_COUNTER_REASSEMBLED 19u
/** packets that left for the core with another destination */
#define MAAR_COUNTER_REWRITTEN 20u
/** packets that got their original destination back */
#define MAAR_COUNTER_RESTORED 21u
/** the packet does not lie within its frame after the headroom */
#define MAAR_COUNTER_DROP_DESCRIPTOR 33u
/** longer than the module takes */
#define MAAR_COUNTER_DROP_OVERSIZED 34u
/** shorter than its header or payload length says */
#define MAAR_COUNTER_DROP_TRUNCATED 35u
/** not IPv6 */
#define MAAR_COUNTER_DROP_VERSION 36u
/** payload length 0 with a hop-by-hop header */
#define MAAR_COUNTER_DROP_JUMBOGRAM 37u
/** a source or destination that must not be forwarded */
#define MAAR_COUNTER_DROP_ADDRESS 38u
/** extension headers truncated or too many */
#define MAAR_COUNTER_DROP_EXTENSION 39u
/** IPv6 in IPv6 from an access link */
#define MAAR_COUNTER_DROP_ACCESS_TUNNEL 40u
/** Mobility Header from an access link */
#define MAAR_COUNTER_DROP_ACCESS_MOBILITY 41u
/** no source entry and no hold entry for the source */
#define MAAR_COUNTER_DROP_SOURCE_UNKNOWN 42u
/** the source belongs to another station */
#define MAAR_COUNTER_DROP_SOURCE_MAC 43u
/** tunnelled here by an address that is no peer */
#define MAAR_COUNTER_DROP_PEER_UNKNOWN 44u
/** congestion marked on the way, inner packet not ECN-capable */
#define MAAR_COUNTER_DROP_ECN 45u
/** would be tunnelled back to where it came from */
#define MAAR_COUNTER_DROP_BOUNCE 46u
/** tunnelled on too many times */
#define MAAR_COUNTER_DROP_LOOP 47u
/** tunnelled here or restored, no destination entry (and no hold entry) */
#define MAAR_COUNTER_DROP_DESTINATION_UNKNOWN 48u
/** hop limit exhausted */
#define MAAR_COUNTER_DROP_HOP_LIMIT 49u
/** does not fit the core after encapsulation */
#define MAAR_COUNTER_DROP_TOO_BIG 50u
/** held packet displaced by a later one */
#define MAAR_COUNTER_DROP_HOLD_OVERFLOW 51u
/** held longer than its entry allows */
#define MAAR_COUNTER_DROP_HOLD_EXPIRED 52u
/** carries an encapsulation limit that allows no further tunnel */
#define MAAR_COUNTER_DROP_ENCAPSULATION_LIMIT 53u
/** outer fragments that make no packet: malformed, overlapping, late or too many */
#define MAAR_COUNTER_DROP_REASSEMBLY 54u

/** counters of the area `counters`, unused ones included */
#define MAAR_COUNTER_SLOTS 96u

/** From little-endian to the host's byte order, or back. */
static inline uint16_t maar_le16(uint16_t value)
{
    const uint8_t *octets = (const uint8_t *)&value;
    return (uint16_t)((uint16_t)octets[0] |
        ((uint16_t)octets[1] << 8));
}

static inline uint32_t maar_le32(uint32_t value)
{
    const uint8_t *octets = (const uint8_t *)&value;
    return (uint32_t)((uint32_t)octets[0] |
        ((uint32_t)octets[1] << 8) |
        ((uint32_t)octets[2] << 16) |
        ((uint32_t)octets[3] << 24));
}

static inline uint64_t maar_le64(uint64_t value)
{
    const uint8_t *octets = (const uint8_t *)&value;
    return (uint64_t)((uint64_t)octets[0] |
        ((uint64_t)octets[1] << 8) |
        ((uint64_t)octets[2] << 16) |
        ((uint64_t)octets[3] << 24) |
        ((uint64_t)octets[4] << 32) |
        ((uint64_t)octets[5] << 40) |
        ((uint64_t)octets[6] << 48) |
        ((uint64_t)octets[7] << 56));
}

/** Fails to compile unless `test` holds; C99 has no static assertion. */
#define MAAR_CHECK(name, test) typedef char maar_check_##name[(test) ? 1 : -1]

struct maar_descriptor {
    /** first octet of the packet, from the beginning of its frame; host and module */
    uint16_t offset;
    /** octets of the packet; host and module */
    uint16_t length;
    /** where it came from; host */
    uint8_t port;
    /** descriptor flags; host */
    uint8_t flags;
    /** module */
    uint8_t verdict;
    /** drop reason, else 0; module */
    uint8_t reason;
    /** sending station, with flag `mac`; host */
    uint8_t mac[6];
    /** zero */
    uint8_t reserved[2];
    /** index of the input descriptor, `none` for one made or released; module */
    uint32_t input;
    /** adjacency of `deliver` and `core`, else `none`; module */
    uint32_t adjacency;
    /** the module's own */
    uint8_t private_[8];
};
#define MAAR_DESCRIPTOR_SIZE 32u
#define MAAR_DESCRIPTOR_OFFSET_AT 0u
#define MAAR_DESCRIPTOR_LENGTH_AT 2u
#define MAAR_DESCRIPTOR_PORT_AT 4u
#define MAAR_DESCRIPTOR_FLAGS_AT 5u
#define MAAR_DESCRIPTOR_VERDICT_AT 6u
#define MAAR_DESCRIPTOR_REASON_AT 7u
#define MAAR_DESCRIPTOR_MAC_AT 8u
#define MAAR_DESCRIPTOR_INPUT_AT 16u
#define MAAR_DESCRIPTOR_ADJACENCY_AT 20u
#define MAAR_DESCRIPTOR_PRIVATE_AT 24u
MAAR_CHECK(descriptor_size, sizeof(struct maar_descriptor) == MAAR_DESCRIPTOR_SIZE);
MAAR_CHECK(descriptor_offset, offsetof(struct maar_descriptor, offset) == MAAR_DESCRIPTOR_OFFSET_AT);
MAAR_CHECK(descriptor_length, offsetof(struct maar_descriptor, length) == MAAR_DESCRIPTOR_LENGTH_AT);
MAAR_CHECK(descriptor_port, offsetof(struct maar_descriptor, port) == MAAR_DESCRIPTOR_PORT_AT);
MAAR_CHECK(descriptor_flags, offsetof(struct maar_descriptor, flags) == MAAR_DESCRIPTOR_FLAGS_AT);
MAAR_CHECK(descriptor_verdict, offsetof(struct maar_descriptor, verdict) == MAAR_DESCRIPTOR_VERDICT_AT);
MAAR_CHECK(descriptor_reason, offsetof(struct maar_descriptor, reason) == MAAR_DESCRIPTOR_REASON_AT);
MAAR_CHECK(descriptor_mac, offsetof(struct maar_descriptor, mac) == MAAR_DESCRIPTOR_MAC_AT);
MAAR_CHECK(descriptor_input, offsetof(struct maar_descriptor, input) == MAAR_DESCRIPTOR_INPUT_AT);
MAAR_CHECK(descriptor_adjacency, offsetof(struct maar_descriptor, adjacency) == MAAR_DESCRIPTOR_ADJACENCY_AT);
MAAR_CHECK(descriptor_private, offsetof(struct maar_descriptor, private_) == MAAR_DESCRIPTOR_PRIVATE_AT);

struct maar_adjacency {
    /** next hop or locator */
    uint8_t address[16];
    /** destination station; path MTU of a tunnel */
    uint8_t mac[6];
    /** access link */
    uint8_t link;
    /** adjacency kind */
    uint8_t kind;
    /** entries that use it */
    uint32_t references;
    /** the module's own */
    uint32_t next;
};
#define MAAR_ADJACENCY_SIZE 32u
#define MAAR_ADJACENCY_ADDRESS_AT 0u
#define MAAR_ADJACENCY_MAC_AT 16u
#define MAAR_ADJACENCY_LINK_AT 22u
#define MAAR_ADJACENCY_KIND_AT 23u
#define MAAR_ADJACENCY_REFERENCES_AT 24u
#define MAAR_ADJACENCY_NEXT_AT 28u
MAAR_CHECK(adjacency_size, sizeof(struct maar_adjacency) == MAAR_ADJACENCY_SIZE);
MAAR_CHECK(adjacency_address, offsetof(struct maar_adjacency, address) == MAAR_ADJACENCY_ADDRESS_AT);
MAAR_CHECK(adjacency_mac, offsetof(struct maar_adjacency, mac) == MAAR_ADJACENCY_MAC_AT);
MAAR_CHECK(adjacency_link, offsetof(struct maar_adjacency, link) == MAAR_ADJACENCY_LINK_AT);
MAAR_CHECK(adjacency_kind, offsetof(struct maar_adjacency, kind) == MAAR_ADJACENCY_KIND_AT);
MAAR_CHECK(adjacency_references, offsetof(struct maar_adjacency, references) == MAAR_ADJACENCY_REFERENCES_AT);
MAAR_CHECK(adjacency_next, offsetof(struct maar_adjacency, next) == MAAR_ADJACENCY_NEXT_AT);

struct maar_command {
    /** command; host */
    uint8_t op;
    /** status; module */
    uint8_t status;
    /** prefix length, 0 to 128 */
    uint8_t length;
    /** access link, or `link-tunnel` for a source */
    uint8_t link;
    /** direction of a hold */
    uint8_t direction;
    /** command flags */
    uint8_t flags;
    /** station */
    uint8_t mac[6];
    /** budget of a hold or buffer entry */
    uint32_t packets;
    /** address of the prefix */
    uint8_t prefix[16];
    /** next hop, locator, reverse locator or what takes the place of a prefix */
    uint8_t address[16];
    /** time of a hold or buffer entry */
    uint32_t millis;
    /** budget of a buffer entry in octets */
    uint32_t bytes;
    /** limit of a tunnel with flag `limit`, 0 to 254 */
    uint8_t encapsulation_limit;
    /** protocol of a flow */
    uint8_t protocol;
    /** source port of a flow */
    uint16_t source_port;
    /** destination port of a flow */
    uint16_t destination_port;
    /** zero */
    uint8_t reserved_62[2];
    /** source of a flow */
    uint8_t source[16];
    /** zero */
    uint8_t reserved[16];
};
#define MAAR_COMMAND_SIZE 96u
#define MAAR_COMMAND_OP_AT 0u
#define MAAR_COMMAND_STATUS_AT 1u
#define MAAR_COMMAND_LENGTH_AT 2u
#define MAAR_COMMAND_LINK_AT 3u
#define MAAR_COMMAND_DIRECTION_AT 4u
#define MAAR_COMMAND_FLAGS_AT 5u
#define MAAR_COMMAND_MAC_AT 6u
#define MAAR_COMMAND_PACKETS_AT 12u
#define MAAR_COMMAND_PREFIX_AT 16u
#define MAAR_COMMAND_ADDRESS_AT 32u
#define MAAR_COMMAND_MILLIS_AT 48u
#define MAAR_COMMAND_BYTES_AT 52u
#define MAAR_COMMAND_ENCAPSULATION_LIMIT_AT 56u
#define MAAR_COMMAND_PROTOCOL_AT 57u
#define MAAR_COMMAND_SOURCE_PORT_AT 58u
#define MAAR_COMMAND_DESTINATION_PORT_AT 60u
#define MAAR_COMMAND_SOURCE_AT 64u
MAAR_CHECK(command_size, sizeof(struct maar_command) == MAAR_COMMAND_SIZE);
MAAR_CHECK(command_op, offsetof(struct maar_command, op) == MAAR_COMMAND_OP_AT);
MAAR_CHECK(command_status, offsetof(struct maar_command, status) == MAAR_COMMAND_STATUS_AT);
MAAR_CHECK(command_length, offsetof(struct maar_command, length) == MAAR_COMMAND_LENGTH_AT);
MAAR_CHECK(command_link, offsetof(struct maar_command, link) == MAAR_COMMAND_LINK_AT);
MAAR_CHECK(command_direction, offsetof(struct maar_command, direction) == MAAR_COMMAND_DIRECTION_AT);
MAAR_CHECK(command_flags, offsetof(struct maar_command, flags) == MAAR_COMMAND_FLAGS_AT);
MAAR_CHECK(command_mac, offsetof(struct maar_command, mac) == MAAR_COMMAND_MAC_AT);
MAAR_CHECK(command_packets, offsetof(struct maar_command, packets) == MAAR_COMMAND_PACKETS_AT);
MAAR_CHECK(command_prefix, offsetof(struct maar_command, prefix) == MAAR_COMMAND_PREFIX_AT);
MAAR_CHECK(command_address, offsetof(struct maar_command, address) == MAAR_COMMAND_ADDRESS_AT);
MAAR_CHECK(command_millis, offsetof(struct maar_command, millis) == MAAR_COMMAND_MILLIS_AT);
MAAR_CHECK(command_bytes, offsetof(struct maar_command, bytes) == MAAR_COMMAND_BYTES_AT);
MAAR_CHECK(command_encapsulation_limit, offsetof(struct maar_command, encapsulation_limit) == MAAR_COMMAND_ENCAPSULATION_LIMIT_AT);
MAAR_CHECK(command_protocol, offsetof(struct maar_command, protocol) == MAAR_COMMAND_PROTOCOL_AT);
MAAR_CHECK(command_source_port, offsetof(struct maar_command, source_port) == MAAR_COMMAND_SOURCE_PORT_AT);
MAAR_CHECK(command_destination_port, offsetof(struct maar_command, destination_port) == MAAR_COMMAND_DESTINATION_PORT_AT);
MAAR_CHECK(command_source, offsetof(struct maar_command, source) == MAAR_COMMAND_SOURCE_AT);

struct maar_event {
    /** event */
    uint8_t kind;
    /** access link */
    uint8_t link;
    /** event flags */
    uint8_t flags;
    /** direction of a hold */
    uint8_t direction;
    /** prefix length */
    uint8_t length;
    /** zero */
    uint8_t reserved_5;
    /** station */
    uint8_t mac[6];
    /** zero */
    uint8_t reserved_12[4];
    /** source, or the prefix of a hold */
    uint8_t src[16];
    /** destination */
    uint8_t dst[16];
    /** outer source */
    uint8_t peer[16];
};
#define MAAR_EVENT_SIZE 64u
#define MAAR_EVENT_KIND_AT 0u
#define MAAR_EVENT_LINK_AT 1u
#define MAAR_EVENT_FLAGS_AT 2u
#define MAAR_EVENT_DIRECTION_AT 3u
#define MAAR_EVENT_LENGTH_AT 4u
#define MAAR_EVENT_MAC_AT 6u
#define MAAR_EVENT_SRC_AT 16u
#define MAAR_EVENT_DST_AT 32u
#define MAAR_EVENT_PEER_AT 48u
MAAR_CHECK(event_size, sizeof(struct maar_event) == MAAR_EVENT_SIZE);
MAAR_CHECK(event_kind, offsetof(struct maar_event, kind) == MAAR_EVENT_KIND_AT);
MAAR_CHECK(event_link, offsetof(struct maar_event, link) == MAAR_EVENT_LINK_AT);
MAAR_CHECK(event_flags, offsetof(struct maar_event, flags) == MAAR_EVENT_FLAGS_AT);
MAAR_CHECK(event_direction, offsetof(struct maar_event, direction) == MAAR_EVENT_DIRECTION_AT);
MAAR_CHECK(event_length, offsetof(struct maar_event, length) == MAAR_EVENT_LENGTH_AT);
MAAR_CHECK(event_mac, offsetof(struct maar_event, mac) == MAAR_EVENT_MAC_AT);
MAAR_CHECK(event_src, offsetof(struct maar_event, src) == MAAR_EVENT_SRC_AT);
MAAR_CHECK(event_dst, offsetof(struct maar_event, dst) == MAAR_EVENT_DST_AT);
MAAR_CHECK(event_peer, offsetof(struct maar_event, peer) == MAAR_EVENT_PEER_AT);

struct maar_slot {
    /** address of the prefix */
    uint8_t prefix[16];
    /** adjacency of a destination; reverse adjacency of a source or `none` */
    uint32_t value;
    /** whole seconds of `now` of the last packet, 0 if never */
    uint32_t last_used;
    /** prefix length + 1; 0 in an empty slot */
    uint8_t length;
    /** link of a source, else 0 */
    uint8_t scope;
    /** station of a source, zero for any */
    uint8_t mac[6];
};
#define MAAR_SLOT_SIZE 32u
#define MAAR_SLOT_PREFIX_AT 0u
#define MAAR_SLOT_VALUE_AT 16u
#define MAAR_SLOT_LAST_USED_AT 20u
#define MAAR_SLOT_LENGTH_AT 24u
#define MAAR_SLOT_SCOPE_AT 25u
#define MAAR_SLOT_MAC_AT 26u
MAAR_CHECK(slot_size, sizeof(struct maar_slot) == MAAR_SLOT_SIZE);
MAAR_CHECK(slot_prefix, offsetof(struct maar_slot, prefix) == MAAR_SLOT_PREFIX_AT);
MAAR_CHECK(slot_value, offsetof(struct maar_slot, value) == MAAR_SLOT_VALUE_AT);
MAAR_CHECK(slot_last_used, offsetof(struct maar_slot, last_used) == MAAR_SLOT_LAST_USED_AT);
MAAR_CHECK(slot_length, offsetof(struct maar_slot, length) == MAAR_SLOT_LENGTH_AT);
MAAR_CHECK(slot_scope, offsetof(struct maar_slot, scope) == MAAR_SLOT_SCOPE_AT);
MAAR_CHECK(slot_mac, offsetof(struct maar_slot, mac) == MAAR_SLOT_MAC_AT);

struct maar_flow {
    /** source */
    uint8_t src[16];
    /** destination */
    uint8_t dst[16];
    /** whole seconds of `now` of the last packet, plus 1; 0 in an empty slot */
    uint32_t seen;
    /** zero */
    uint8_t reserved[12];
};
#define MAAR_FLOW_SIZE 48u
#define MAAR_FLOW_SRC_AT 0u
#define MAAR_FLOW_DST_AT 16u
#define MAAR_FLOW_SEEN_AT 32u
MAAR_CHECK(flow_size, sizeof(struct maar_flow) == MAAR_FLOW_SIZE);
MAAR_CHECK(flow_src, offsetof(struct maar_flow, src) == MAAR_FLOW_SRC_AT);
MAAR_CHECK(flow_dst, offsetof(struct maar_flow, dst) == MAAR_FLOW_DST_AT);
MAAR_CHECK(flow_seen, offsetof(struct maar_flow, seen) == MAAR_FLOW_SEEN_AT);

struct maar_flow_entry {
    /** source */
    uint8_t src[16];
    /** destination */
    uint8_t dst[16];
    /** adjacency */
    uint32_t value;
    /** whole seconds of `now` of the last packet, 0 if never */
    uint32_t last_used;
    /** source port */
    uint16_t source_port;
    /** destination port */
    uint16_t destination_port;
    /** protocol */
    uint8_t protocol;
    /** 1; 0 in an empty slot */
    uint8_t present;
    /** zero */
    uint8_t reserved[2];
};
#define MAAR_FLOW_ENTRY_SIZE 48u
#define MAAR_FLOW_ENTRY_SRC_AT 0u
#define MAAR_FLOW_ENTRY_DST_AT 16u
#define MAAR_FLOW_ENTRY_VALUE_AT 32u
#define MAAR_FLOW_ENTRY_LAST_USED_AT 36u
#define MAAR_FLOW_ENTRY_SOURCE_PORT_AT 40u
#define MAAR_FLOW_ENTRY_DESTINATION_PORT_AT 42u
#define MAAR_FLOW_ENTRY_PROTOCOL_AT 44u
#define MAAR_FLOW_ENTRY_PRESENT_AT 45u
MAAR_CHECK(flow_entry_size, sizeof(struct maar_flow_entry) == MAAR_FLOW_ENTRY_SIZE);
MAAR_CHECK(flow_entry_src, offsetof(struct maar_flow_entry, src) == MAAR_FLOW_ENTRY_SRC_AT);
MAAR_CHECK(flow_entry_dst, offsetof(struct maar_flow_entry, dst) == MAAR_FLOW_ENTRY_DST_AT);
MAAR_CHECK(flow_entry_value, offsetof(struct maar_flow_entry, value) == MAAR_FLOW_ENTRY_VALUE_AT);
MAAR_CHECK(flow_entry_last_used, offsetof(struct maar_flow_entry, last_used) == MAAR_FLOW_ENTRY_LAST_USED_AT);
MAAR_CHECK(flow_entry_source_port, offsetof(struct maar_flow_entry, source_port) == MAAR_FLOW_ENTRY_SOURCE_PORT_AT);
MAAR_CHECK(flow_entry_destination_port, offsetof(struct maar_flow_entry, destination_port) == MAAR_FLOW_ENTRY_DESTINATION_PORT_AT);
MAAR_CHECK(flow_entry_protocol, offsetof(struct maar_flow_entry, protocol) == MAAR_FLOW_ENTRY_PROTOCOL_AT);
MAAR_CHECK(flow_entry_present, offsetof(struct maar_flow_entry, present) == MAAR_FLOW_ENTRY_PRESENT_AT);

/** The name of a status, a null pointer for a code that has none. */
static inline const char *maar_status_name(uint32_t code)
{
    switch (code) {
    case 0: return "ok";
    case 1: return "full";
    case 2: return "absent";
    case 3: return "invalid";
    case 4: return "memory";
    case 5: return "state";
    default: return NULL;
    }
}

/** The name of a verdict, a null pointer for a code that has none. */
static inline const char *maar_verdict_name(uint32_t code)
{
    switch (code) {
    case 0: return "drop";
    case 1: return "pass";
    case 2: return "deliver";
    case 3: return "core";
    case 4: return "hold";
    default: return NULL;
    }
}

/** The name of a reason, a null pointer for a code that has none. */
static inline const char *maar_reason_name(uint32_t code)
{
    switch (code) {
    case 0: return "none";
    case 1: return "descriptor";
    case 2: return "oversized";
    case 3: return "truncated";
    case 4: return "version";
    case 5: return "jumbogram";
    case 6: return "address";
    case 7: return "extension";
    case 8: return "access-tunnel";
    case 9: return "access-mobility";
    case 10: return "source-unknown";
    case 11: return "source-mac";
    case 12: return "peer-unknown";
    case 13: return "ecn";
    case 14: return "bounce";
    case 15: return "loop";
    case 16: return "destination-unknown";
    case 17: return "hop-limit";
    case 18: return "too-big";
    case 19: return "hold-overflow";
    case 20: return "hold-expired";
    case 21: return "encapsulation-limit";
    case 22: return "reassembly";
    default: return NULL;
    }
}

/** The name of a event, a null pointer for a code that has none. */
static inline const char *maar_event_name(uint32_t code)
{
    switch (code) {
    case 1: return "flow";
    case 2: return "unknown-source";
    case 3: return "redirect";
    case 4: return "unknown-destination";
    case 5: return "hold-drop";
    default: return NULL;
    }
}

/** The name of a counter, a null pointer for a code that has none. */
static inline const char *maar_counter_name(uint32_t code)
{
    switch (code) {
    case 0: return "rx-access";
    case 1: return "rx-core";
    case 2: return "delivered";
    case 3: return "tunnelled";
    case 4: return "reverse-tunnelled";
    case 5: return "retunnelled";
    case 6: return "decapsulated";
    case 7: return "passed";
    case 8: return "held";
    case 9: return "released";
    case 10: return "hold-discarded";
    case 11: return "fragments";
    case 12: return "too-big-sent";
    case 13: return "icmp-limited";
    case 14: return "events-lost";
    case 15: return "time-exceeded-sent";
    case 16: return "parameter-problem-sent";
    case 17: return "errors-relayed";
    case 18: return "mss-clamped";
    case 19: return "reassembled";
    case 20: return "rewritten";
    case 21: return "restored";
    case 33: return "drop-descriptor";
    case 34: return "drop-oversized";
    case 35: return "drop-truncated";
    case 36: return "drop-version";
    case 37: return "drop-jumbogram";
    case 38: return "drop-address";
    case 39: return "drop-extension";
    case 40: return "drop-access-tunnel";
    case 41: return "drop-access-mobility";
    case 42: return "drop-source-unknown";
    case 43: return "drop-source-mac";
    case 44: return "drop-peer-unknown";
    case 45: return "drop-ecn";
    case 46: return "drop-bounce";
    case 47: return "drop-loop";
    case 48: return "drop-destination-unknown";
    case 49: return "drop-hop-limit";
    case 50: return "drop-too-big";
    case 51: return "drop-hold-overflow";
    case 52: return "drop-hold-expired";
    case 53: return "drop-encapsulation-limit";
    case 54: return "drop-reassembly";
    default: return NULL;
    }
}

/* The exported functions. In WebAssembly uint32_t is i32 and uint64_t is i64. */

/** the version */
typedef uint32_t maar_abi_version_fn(void);
/** octets of memory that such an instance needs, a multiple of 65,536; 0 where a capacity is 0 (`flow_entries` may be) or over its limit, or where the sum passes 4 GiB */
typedef uint32_t maar_plan_fn(uint32_t batch, uint32_t destinations, uint32_t sources, uint32_t peers, uint32_t flows, uint32_t held, uint32_t flow_entries);
/** status */
typedef uint32_t maar_init_fn(uint32_t batch, uint32_t destinations, uint32_t sources, uint32_t peers, uint32_t flows, uint32_t held, uint32_t flow_entries, uint64_t seed, uint64_t locator_high, uint64_t locator_low, uint32_t core_mtu, uint32_t flags);
/** address of the area's first record; 0 before `init` or for an unknown area */
typedef uint32_t maar_base_fn(uint32_t area);
/** records of the area */
typedef uint32_t maar_extent_fn(uint32_t area);
/** status */
typedef uint32_t maar_apply_fn(uint32_t count);
/** outputs, or `none` where refused */
typedef uint32_t maar_process_fn(uint32_t count, uint64_t now);
/** events raised since the last call */
typedef uint32_t maar_events_fn(void);
/** milliseconds on the clock of `now` by which `process` is due; 0 at once, 2^64 - 1 never */
typedef uint64_t maar_deadline_fn(void);
/** status */
typedef uint32_t maar_lookup_fn(uint32_t count, uint64_t now);
/** where to go on, or `none` */
typedef uint32_t maar_entries_fn(uint32_t table, uint32_t from);

#endif
