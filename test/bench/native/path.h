/*
 * The module's pipeline in C for packets of known hosts: encapsulation, decapsulation, tunnelling on, rewriting. Check
 * for check and store for store as in assembly/path/; what those packets never reach (holds, ICMPv6, fragments) is left
 * out, and a packet that would need it ends the program.
 */
#ifndef MAAR_PATH_H
#define MAAR_PATH_H

#include "table.h"

enum { BATCH = 64, FRAME = 2048, HEADROOM = 128, PACKET_MAX = 1900, HEADER = 40, PORT_CORE = 255, MTU = 1500, FLOW_WAYS = 4, RETUNNEL_COST = 8 };
enum { DROP, PASS, DELIVER, CORE };
enum { BOUNCE = 14 };
enum { KIND_DELIVER = 1, KIND_TUNNEL = 2, KIND_REWRITE = 4 };
enum { RX_ACCESS, RX_CORE, DELIVERED, TUNNELLED, REVERSE, RETUNNELLED, DECAPSULATED, PASSED, BOUNCES, FLOWS, REWRITTEN, COUNTERS };

typedef struct {
  uint16_t offset, length;
  uint8_t port, flags, verdict, reason, mac[6], reserved[2];
  uint32_t input, adjacency;
  uint8_t private[8];
} descriptor_t;

typedef struct {
  uint8_t address[16], mac[6], link, kind;
  uint32_t references, next;
} adjacency_t;

typedef struct {
  uint32_t seen[FLOW_WAYS], tag[FLOW_WAYS];
} flow_head_t;

typedef struct {
  table_t *destinations, *sources, *peers;
  uint8_t (*owners)[12];
  adjacency_t *adjacencies;
  flow_head_t *heads;
  uint8_t (*pairs)[32];
  uint64_t flow_mask, seed, counters[COUNTERS];
  uint8_t *frames, locator[16], outer_source[16], last_peer[16], last_source[16], last_link;
  uint32_t *last_entry;
  descriptor_t descriptors[BATCH];
  uint32_t outputs[BATCH], output_count;
  const uint8_t *asked[BATCH];
  uint32_t *found[BATCH];
  uint64_t hashes[BATCH];
  volatile uint32_t touched;
} path_t;

static path_t state;

static uint32_t be16(const uint8_t *at) { return (uint32_t)at[0] << 8 | at[1]; }
static bool equal16(const uint8_t *a, const uint8_t *b) { return ((load64(a) ^ load64(b)) | (load64(a + 8) ^ load64(b + 8))) == 0; }
static bool is_loopback(const uint8_t *a) { return load64(a) == 0 && load64(a + 8) == __builtin_bswap64(1); }
static bool is_link_local(const uint8_t *a) { return a[0] == 0xfe && (a[1] & 0xc0) == 0x80; }
static bool is_unspecified(const uint8_t *a) { return (load64(a) | load64(a + 8)) == 0; }

static bool header_is_right(const uint8_t *packet, uint32_t length) {
  if (length < HEADER || packet[0] >> 4 != 6) return false;
  if (be16(packet + 4) == 0 && packet[6] == 0) return false;
  if (HEADER + be16(packet + 4) > length) return false;
  const uint8_t *source = packet + 8, *destination = packet + 24;
  return !(source[0] == 0xff || is_loopback(source) || is_unspecified(destination) || is_loopback(destination));
}

static bool is_local_pair(const uint8_t *packet) {
  const uint8_t *source = packet + 8, *destination = packet + 24;
  return is_unspecified(source) || is_link_local(source) || is_link_local(destination) || destination[0] == 0xff;
}

static void __attribute__((noreturn, cold)) beyond(const char *what) {
  fprintf(stderr, "the C pipeline does not do %s\n", what);
  exit(1);
}

static uint32_t *longest(table_t *t, const uint8_t *address, uint32_t scope) {
  for (uint32_t i = 0; i < t->distinct; i++) {
    uint64_t high, low;
    prefix_key(address, t->in_use[i], &high, &low);
    uint32_t *word = table_find(t, high, low, mark_of(t->in_use[i]) | scope << 22);
    if (word != NULL) return word;
  }
  return NULL;
}

static uint64_t hash_word(uint64_t h, uint64_t word) {
  h = (h ^ word) * 0x9e3779b97f4a7c15u;
  return h ^ h >> 32;
}

static uint64_t hash_address(uint64_t h, const uint8_t *address) {
  return hash_word(hash_word(h, load64(address)), load64(address + 8));
}

static uint64_t pair_hash(const uint8_t *destination) {
  return hash_word(hash_address(hash_address(state.seed, destination - 16), destination), 0);
}

#include "events.h"

/* A bit for each place of a bucket that has the tag. */
static uint32_t tagged(const flow_head_t *head, uint32_t tag) {
  uint32_t some = 0;
  for (int way = 0; way < FLOW_WAYS; way++) some |= (uint32_t)(head->tag[way] == tag) << way;
  return some;
}

static void flow_seen(const uint8_t *source, const uint8_t *destination, uint64_t hash) {
  uint32_t seconds = seconds_now + 1;
  uint64_t bucket = hash & state.flow_mask;
  flow_head_t *head = &state.heads[bucket];
  int oldest = 0;
  for (uint32_t some = tagged(head, hash >> 32); some != 0; some &= some - 1) {
    int way = __builtin_ctz(some);
    uint8_t *pair = state.pairs[bucket * FLOW_WAYS + way];
    if (head->seen[way] != 0 && equal16(pair, source) && equal16(pair + 16, destination)) {
      if (head->seen[way] == seconds) return;
      state.counters[FLOWS] += seconds - head->seen[way] >= 2;
      head->seen[way] = seconds;
      return;
    }
  }
  for (int way = 1; way < FLOW_WAYS; way++) {
    if (head->seen[way] < head->seen[oldest]) oldest = way;
  }
  memcpy(state.pairs[bucket * FLOW_WAYS + oldest], source, 16);
  memcpy(state.pairs[bucket * FLOW_WAYS + oldest] + 16, destination, 16);
  head->seen[oldest] = seconds;
  head->tag[oldest] = hash >> 32;
  state.counters[FLOWS]++;
}

static uint32_t be32(const uint8_t *at) { return be16(at) << 16 | be16(at + 2); }

static uint32_t flow_label(const uint8_t *packet, uint64_t pair) {
  uint32_t label = (pair ^ (be32(packet) & 0xfffff)) * 0x9e3779b97f4a7c15u >> 44;
  return label == 0 ? 1 : label;
}

static void to_core(uint32_t index, descriptor_t *d, uint8_t *packet, uint32_t adjacency, uint8_t hop_limit, int counter) {
  uint32_t flow = (be32(packet) & 0x0ff00000) | flow_label(packet, state.hashes[index]);
  if (d->length + HEADER > MTU) beyond("fragments");
  uint8_t *outer = packet - HEADER;
  uint32_t first = __builtin_bswap32(0x60000000u | flow);
  uint16_t length = __builtin_bswap16(d->length);
  memcpy(outer, &first, 4);
  memcpy(outer + 4, &length, 2);
  outer[6] = 41;
  outer[7] = hop_limit;
  memcpy(outer + 8, state.locator, 16);
  memcpy(outer + 24, state.adjacencies[adjacency].address, 16);
  d->offset -= HEADER;
  d->length += HEADER;
  d->verdict = CORE;
  d->reason = 0;
  d->adjacency = adjacency;
  state.counters[counter]++;
}

static void decrement(uint8_t *packet) {
  if (packet[7] <= 1) beyond("hop limits");
  packet[7]--;
}

static void deliver(descriptor_t *d, uint8_t *packet, uint32_t adjacency) {
  decrement(packet);
  d->verdict = DELIVER;
  d->reason = 0;
  d->adjacency = adjacency;
  state.counters[DELIVERED]++;
}

/* The adjacency holds what takes the place of the first bits, and their number where others have a MAC. */
static void rewrite(descriptor_t *d, uint8_t *packet, uint32_t adjacency) {
  decrement(packet);
  if (d->length > MTU) beyond("packets too big");
  const adjacency_t *by = &state.adjacencies[adjacency];
  uint64_t half[2] = {(load64(packet + 24) & ~masks[by->mac[0]][0]) | load64(by->address),
                      (load64(packet + 32) & ~masks[by->mac[0]][1]) | load64(by->address + 8)};
  memcpy(packet + 24, half, 16);
  d->verdict = CORE;
  d->reason = 0;
  d->adjacency = adjacency;
  state.counters[REWRITTEN]++;
}

static uint32_t *destination_of(uint32_t index, const uint8_t *address) {
  return state.asked[index] == address ? state.found[index] : longest(state.destinations, address, 0);
}

static void from_access(uint32_t index, descriptor_t *d, uint8_t *packet) {
  if (is_local_pair(packet)) beyond("local pairs");
  uint8_t next = packet[6];
  if (next == 0 || next == 43 || next == 44 || next == 60 || next == 41 || next == 135) beyond("extension headers");
  uint32_t *source = state.last_entry;
  if (d->port != state.last_link || !equal16(packet + 8, state.last_source)) {
    source = state.last_entry = longest(state.sources, packet + 8, d->port);
    state.last_link = d->port;
    memcpy(state.last_source, packet + 8, 16);
  }
  if (source == NULL) beyond("unknown sources");
  uint8_t *owner = state.owners[((uint8_t *)source - (uint8_t *)state.sources->buckets) / 64 * WAYS +
                               (((uintptr_t)source & 63) - offsetof(bucket_t, word)) / 4];
  if ((d->flags & 1) != 0 && memcmp(owner + 4, "\0\0\0\0\0\0", 6) != 0 && memcmp(owner + 4, d->mac, 6) != 0) beyond("stations");
  uint32_t stamp;
  memcpy(&stamp, owner, 4);
  if (stamp != seconds_now) memcpy(owner, &seconds_now, 4);
  flow_seen(packet + 8, packet + 24, state.hashes[index]);
  uint32_t *entry = destination_of(index, packet + 24);
  if (entry == NULL) beyond("reverse tunnels");
  entry_touch(state.destinations, entry);
  uint32_t adjacency = *entry & VALUE_MASK;
  if (state.adjacencies[adjacency].kind == KIND_DELIVER) {
    deliver(d, packet, adjacency);
    return;
  }
  if (state.adjacencies[adjacency].kind == KIND_REWRITE) {
    rewrite(d, packet, adjacency);
    return;
  }
  decrement(packet);
  to_core(index, d, packet, adjacency, 64, TUNNELLED);
}

static void from_core(uint32_t index, descriptor_t *d, uint8_t *outer) {
  if (!equal16(outer + 24, state.locator) || outer[6] != 41) beyond("native packets");
  if (!equal16(outer + 8, state.last_peer)) {
    if (longest(state.peers, outer + 8, 0) == NULL) beyond("unknown peers");
    memcpy(state.last_peer, outer + 8, 16);
  }
  uint8_t *inner = outer + HEADER;
  uint32_t length = d->length - HEADER;
  if (length >= HEADER) {
    uint8_t in = inner[1] >> 4 & 3, out = outer[1] >> 4 & 3, ecn = in;
    if (in == 0 && out == 3) beyond("congestion");
    if (out == 3 || (out == 1 && in == 2)) ecn = out;
    inner[1] = (uint8_t)((inner[1] & 0xcf) | ecn << 4);
  }
  state.counters[DECAPSULATED]++;
  d->offset += HEADER;
  d->length = length;
  if (!header_is_right(inner, length)) beyond("malformed packets");
  d->length = HEADER + be16(inner + 4);
  if (is_local_pair(inner)) beyond("local pairs");
  memcpy(state.outer_source, outer + 8, 16);
  uint8_t hop_limit = outer[7];
  uint32_t *entry = destination_of(index, inner + 24);
  if (entry == NULL) beyond("unknown destinations");
  entry_touch(state.destinations, entry);
  uint32_t adjacency = *entry & VALUE_MASK;
  if (state.adjacencies[adjacency].kind == KIND_DELIVER) {
    flow_seen(inner + 8, inner + 24, state.hashes[index]);
    deliver(d, inner, adjacency);
    return;
  }
  raise_redirect(state.outer_source, inner + 8, inner + 24);
  if (equal16(state.adjacencies[adjacency].address, state.outer_source)) {
    d->verdict = DROP;
    d->reason = BOUNCE;
    state.counters[BOUNCES]++;
    return;
  }
  if (hop_limit <= RETUNNEL_COST) beyond("hop limits");
  to_core(index, d, inner, adjacency, hop_limit - RETUNNEL_COST, RETUNNELLED);
}

static const uint8_t *address_of(uint32_t index) {
  const descriptor_t *d = &state.descriptors[index];
  if (d->offset < HEADROOM || d->offset + d->length > FRAME || d->length < HEADER) return NULL;
  const uint8_t *packet = state.frames + (size_t)index * FRAME + d->offset;
  if (d->port != PORT_CORE || !equal16(packet + 24, state.locator)) return packet + 24;
  return packet[6] != 41 || d->length < 2 * HEADER ? NULL : packet + HEADER + 24;
}

static uint32_t process_batch(uint32_t count, bool by_load) {
  const uint8_t *addresses[BATCH];
  uint32_t *found[BATCH];
  state.output_count = 0;
  memset(state.last_peer, 0xff, sizeof state.last_peer);
  memset(state.last_source, 0xff, sizeof state.last_source);
  for (uint32_t i = 0; i < count; i++) {
    addresses[i] = state.asked[i] = address_of(i);
    if (addresses[i] == NULL) beyond("packets without a destination");
  }
  if (by_load) match_batch_load(state.destinations, addresses, count, found);
  else match_batch_prefetch(state.destinations, addresses, count, found);
  memcpy(state.found, found, count * sizeof *found);
  uint32_t all = 0;
  for (uint32_t i = 0; i < count; i++) {
    state.hashes[i] = pair_hash(addresses[i]);
    all ^= state.heads[state.hashes[i] & state.flow_mask].seen[0];
  }
  for (uint32_t i = 0; i < count; i++) {
    uint64_t bucket = state.hashes[i] & state.flow_mask;
    int way = __builtin_ctz(tagged(&state.heads[bucket], state.hashes[i] >> 32) | 8);
    all ^= state.pairs[bucket * FLOW_WAYS + way][0];
  }
  state.touched = all;
  for (uint32_t i = 0; i < count; i++) {
    descriptor_t *d = &state.descriptors[i];
    state.outputs[state.output_count++] = i;
    d->input = i;
    d->adjacency = NONE;
    state.counters[d->port == PORT_CORE ? RX_CORE : RX_ACCESS]++;
    if (d->offset < HEADROOM || d->offset + d->length > FRAME || d->length > PACKET_MAX) beyond("wrong descriptors");
    uint8_t *packet = state.frames + (size_t)i * FRAME + d->offset;
    if (!header_is_right(packet, d->length)) beyond("malformed packets");
    d->length = HEADER + be16(packet + 4);
    if (d->port == PORT_CORE) from_core(i, d, packet);
    else from_access(i, d, packet);
  }
  return state.output_count;
}

#endif
