/* The module's tables in C, touched by loads or by prefetch. See rounds.h for the commands. */
#include "table.h"
#define TOUCH_BY_LOAD
#include "match.h"
#undef TOUCH_BY_LOAD
#include "match.h"
#include "rounds.h"
#include "path.h"

enum { STATIONS = 256, STATION_AT = 7, FIRST_PEER = 2, OUTER_SOURCE_AT = 8 };

static table_t *table;
static uint8_t *keys;
static uint32_t key_count;

static void load_keys(const char *path, uint32_t count) {
  if (table != NULL) {
    table_free(table);
    state.destinations = NULL;
    unmap_file(keys, (size_t)key_count * KEY_RECORD);
  }
  keys = map_file(path);
  key_count = count;
  table = table_new(count);
  for (uint32_t i = 0; i < count; i++) {
    const uint8_t *key = keys + (size_t)i * KEY_RECORD;
    if (!table_insert(table, key, key[16], i % VALUES)) {
      fprintf(stderr, "table full at %u of %u\n", i, count);
      exit(1);
    }
  }
  printf("%u\n", table->count);
}

static void churn(void) {
  for (int pass = 0; pass < 5; pass++) {
    for (int back = 0; back < 2; back++) {
      for (uint32_t i = 0; i < key_count; i++) {
        const uint8_t *key = keys + (size_t)i * KEY_RECORD;
        uint8_t other[16];
        other_key(key, other);
        table_delete(table, back ? other : key, key[16]);
        table_insert(table, back ? key : other, key[16], i % VALUES);
      }
    }
  }
  printf("%u\n", table->count);
}

static void by_load(const uint8_t *from, uint32_t count, uint32_t *results) { lookup_load(table, from, count, results); }
static void by_prefetch(const uint8_t *from, uint32_t count, uint32_t *results) {
  lookup_prefetch(table, from, count, results);
}

/* Gives every key an adjacency of its own: the prefix in 2003::/16 that is checksum-neutral to it. */
static void make_rewrites(void) {
  for (uint32_t i = 0; i < key_count; i++) {
    const uint8_t *key = keys + (size_t)i * KEY_RECORD;
    uint64_t high, low;
    prefix_key(key, key[16], &high, &low);
    uint32_t *word = table_find(table, high, low, mark_of(key[16]));
    *word = (*word & ~VALUE_MASK) | i;
    adjacency_t *adjacency = &state.adjacencies[i];
    uint32_t second = (be16(key + 2) + 0xfffe) % 0xffff;
    memcpy(adjacency->address, key, 16);
    adjacency->address[1]++;
    adjacency->address[2] = second >> 8, adjacency->address[3] = second;
    adjacency->mac[0] = key[16];
    adjacency->kind = KIND_REWRITE;
  }
}

static void make_adjacencies(int kind) {
  free(state.adjacencies);
  state.adjacencies = huge((key_count + VALUES) * sizeof *state.adjacencies);
  if (kind == KIND_REWRITE) {
    make_rewrites();
    return;
  }
  for (uint8_t i = 0; i < VALUES; i++) {
    uint8_t *address = state.adjacencies[i].address;
    address[0] = 0x20, address[15] = FIRST_PEER + i;
    state.adjacencies[i].kind = kind;
  }
}

/* Tables for a bench, whose destinations lead to adjacencies of `kind`. */
static void make_path(int kind) {
  static const uint8_t locator[16] = {0x20, 1, 0x0d, 0xb8, 0, 0xff, [15] = 1};
  if (state.frames == NULL) {
    state.frames = huge((size_t)BATCH * FRAME);
    state.sources = table_new(STATIONS);
    state.sources->key_mask = HOST_MARK | EPOCH_MASK;
    state.owners = huge((size_t)(state.sources->reach + STASH) * WAYS * 12);
    state.peers = table_new(16);
    state.peers->key_mask = HOST_MARK | EPOCH_MASK;
    memcpy(state.locator, locator, 16);
    for (int i = 0; i < STATIONS; i++) {
      uint8_t source[16] = {0x20, 1, 0x0d, 0xb9, [STATION_AT] = (uint8_t)i};
      table_insert(state.sources, source, 64, VALUE_MASK);
    }
    for (int i = 0; i < VALUES; i++) {
      uint8_t peer[16] = {0x20, [15] = (uint8_t)(FIRST_PEER + i)};
      table_insert(state.peers, peer, 128, 0);
    }
  }
  if (state.destinations != table || state.adjacencies->kind != kind) make_adjacencies(kind);
  uint64_t buckets = 1;
  while (buckets < key_count) buckets *= 2;
  if (state.flow_mask != buckets - 1) {
    free(state.heads);
    free(state.pairs);
    state.heads = huge(buckets * sizeof *state.heads);
    state.pairs = huge(buckets * FLOW_WAYS * sizeof *state.pairs);
    state.flow_mask = buckets - 1;
    state.seed = 0x1122334455667788u;
  }
  state.destinations = table;
}

/*
 * Writes packet `index` of a batch as the template says, with its destination from `address`, whose last octet chooses
 * station and peer (host/lab/bench/packets.ts).
 */
static void put_packet(uint32_t index, const uint8_t *packet, uint32_t length, uint32_t at, bool core, const uint8_t *address) {
  descriptor_t *d = &state.descriptors[index];
  uint8_t *to = state.frames + (size_t)index * FRAME + HEADROOM;
  memcpy(to, packet, length);
  memcpy(to + at, address, 16);
  to[at - 16 + STATION_AT] = address[15];
  if (core) to[OUTER_SOURCE_AT + 15] = FIRST_PEER + address[15] % VALUES;
  *d = (descriptor_t){.offset = HEADROOM, .length = length, .port = core ? PORT_CORE : 0};
}

/* Like run_round, of whole packets: FILE begins with one, its length and where its destination stands. */
static void run_path(const char *bench, const char *template_path, const char *path_of_queries, uint32_t count, bool by_load) {
  bool deliver = strcmp(bench, "decapsulate") == 0, core = deliver || strcmp(bench, "re-tunnel") == 0;
  make_path(deliver ? KIND_DELIVER : strcmp(bench, "rewrite") == 0 ? KIND_REWRITE : KIND_TUNNEL);
  uint8_t *template = map_file(template_path), *queries = map_file(path_of_queries);
  uint32_t length = be16(template), at = be16(template + 2);
  uint64_t spent = 0, sum = 0;
  for (uint32_t from = 0; from + BATCH <= count; from += BATCH) {
    for (uint32_t i = 0; i < BATCH; i++) put_packet(i, template + 4, length, at, core, queries + (size_t)(from + i) * 16);
    uint64_t start = nanoseconds();
    process_batch(BATCH, by_load);
    spent += nanoseconds() - start;
    for (uint32_t i = 0; i < BATCH; i++) {
      const descriptor_t *d = &state.descriptors[state.outputs[i]];
      const uint8_t *packet = state.frames + (size_t)state.outputs[i] * FRAME + d->offset;
      for (int k = 0; k < HEADER; k++) sum += packet[k];
      sum += d->verdict + d->length;
    }
    take_events();
  }
  unmap_file(template, 4 + length);
  unmap_file(queries, (size_t)count * 16);
  printf("%llu %u %llu\n", (unsigned long long)spent, count, (unsigned long long)sum);
}

int main(void) {
  char line[8192], path[3000], template[3000], bench[64], engine[64];
  uint32_t count;
  table_setup(0x1122334455667788u);
  set_seconds(1000);
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (sscanf(line, "keys %2999s %u", path, &count) == 2) load_keys(path, count);
    else if (strncmp(line, "churn", 5) == 0) churn();
    else if (sscanf(line, "round %2999s %u %63s", path, &count, engine) == 3)
      run_round(path, count, strcmp(engine, "prefetch") == 0 ? by_prefetch : by_load);
    else if (sscanf(line, "path %63s %2999s %2999s %u %63s", bench, template, path, &count, engine) == 5)
      run_path(bench, template, path, count, strcmp(engine, "prefetch") != 0);
    else printf("what?\n");
    fflush(stdout);
  }
  return 0;
}
