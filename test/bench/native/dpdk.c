/* DPDK's tables for the same keys: rte_hash for whole addresses, rte_fib6 for prefixes. See rounds.h for the commands. */
#include <stdbool.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_fib6.h>
#include <rte_hash.h>
#include <rte_hash_crc.h>
#include <rte_malloc.h>
#include <rte_memory.h>
#include "rounds.h"

/* MiB. A trie takes 4 KiB for each prefix, all in one piece: of more than LARGE it gets memory added to the heap. */
enum { HEAP = 2048, LARGE_HEAP = 5632, LARGE = 200000, HUGE_PAGE = 2 << 20 };

static int heap;
static bool has_large;
static struct rte_hash *hash;
static struct rte_fib6 *fib;
static uint8_t *keys;
static uint32_t key_count;

static void fail(const char *what) {
  printf("fail %s: %s\n", what, rte_strerror(rte_errno));
  fflush(stdout);
  exit(2);
}

static int is_host(void) { return keys[16] == 128; }

static void add(const uint8_t *key, const uint8_t *address, uint32_t value) {
  int result = is_host() ? rte_hash_add_key_data(hash, address, (void *)(uintptr_t)value)
                         : rte_fib6_add(fib, address, key[16], value);
  if (result < 0) {
    rte_errno = -result;
    fail("insert");
  }
}

/* Memory for the tables in huge pages, as all engines have it, without taking any from the system's pool. */
static int add_memory(size_t size) {
  void *at = mmap(NULL, size + HUGE_PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED) return -1;
  at = (void *)(((uintptr_t)at + HUGE_PAGE - 1) & ~(uintptr_t)(HUGE_PAGE - 1));
  madvise(at, size, MADV_HUGEPAGE);
  return rte_malloc_heap_memory_add("tables", at, size, NULL, 0, HUGE_PAGE);
}

static void make_tables(void) {
  rte_hash_free(hash);
  rte_fib6_free(fib);
  hash = NULL, fib = NULL;
  if (is_host()) {
    struct rte_hash_parameters parameters = {
        .name = "keys", .entries = key_count < 8 ? 8 : key_count, .key_len = 16, .hash_func = rte_hash_crc, .socket_id = heap};
    /* Chained buckets take what displacement cannot settle: at 2^n entries the plain table may report that it is full. */
    parameters.extra_flag = RTE_HASH_EXTRA_FLAGS_EXT_TABLE;
    hash = rte_hash_create(&parameters);
    if (hash == NULL) fail("rte_hash_create");
    return;
  }
  if (key_count > LARGE && !has_large) {
    if (add_memory((size_t)LARGE_HEAP << 20) < 0) fail("rte_malloc_heap_memory_add");
    has_large = true;
  }
  struct rte_fib6_conf conf = {.type = RTE_FIB6_TRIE, .default_nh = 0xffff, .max_routes = (int)key_count + 8};
  conf.trie.nh_sz = RTE_FIB6_TRIE_4B;
  conf.trie.num_tbl8 = key_count * 4 + 65536;
  fib = rte_fib6_create("prefixes", heap, &conf);
  if (fib == NULL) fail("rte_fib6_create");
}

static void load_keys(const char *path, uint32_t count) {
  if (keys != NULL) unmap_file(keys, (size_t)key_count * KEY_RECORD);
  keys = map_file(path);
  key_count = count;
  make_tables();
  for (uint32_t i = 0; i < count; i++) {
    const uint8_t *key = keys + (size_t)i * KEY_RECORD;
    add(key, key, i % VALUES);
  }
  printf("%u\n", count);
}

static void churn(void) {
  for (int pass = 0; is_host() && pass < 5; pass++) {
    for (int back = 0; back < 2; back++) {
      for (uint32_t i = 0; i < key_count; i++) {
        const uint8_t *key = keys + (size_t)i * KEY_RECORD;
        uint8_t other[16];
        other_key(key, other);
        rte_hash_del_key(hash, back ? other : key);
        add(key, back ? key : other, i % VALUES);
      }
    }
  }
  printf("%u\n", key_count);
}

static void single(const uint8_t *from, uint32_t count, uint32_t *results) {
  for (uint32_t i = 0; i < count; i++) {
    void *data;
    results[i] = rte_hash_lookup_data(hash, from + i * 16, &data) < 0 ? 0xffffffffu : (uint32_t)(uintptr_t)data;
  }
}

static void bulk(const uint8_t *from, uint32_t count, uint32_t *results) {
  for (uint32_t i = 0; i < count; i += 64) {
    const void *addresses[64];
    void *data[64];
    uint64_t hits = 0;
    for (int k = 0; k < 64; k++) addresses[k] = from + (i + k) * 16;
    rte_hash_lookup_bulk_data(hash, addresses, 64, &hits, data);
    for (int k = 0; k < 64; k++) results[i + k] = hits >> k & 1 ? (uint32_t)(uintptr_t)data[k] : 0xffffffffu;
  }
}

static void fib_bulk(const uint8_t *from, uint32_t count, uint32_t *results) {
  uint8_t addresses[64][16];
  uint64_t hops[64];
  for (uint32_t i = 0; i < count; i += 64) {
    memcpy(addresses, from + i * 16, sizeof addresses);
    rte_fib6_lookup_bulk(fib, addresses, hops, 64);
    for (int k = 0; k < 64; k++) results[i + k] = hops[k] == 0xffff ? 0xffffffffu : (uint32_t)hops[k];
  }
}

static int make_heap(void) {
  if (rte_malloc_heap_create("tables") < 0 || add_memory((size_t)HEAP << 20) < 0) return -1;
  return rte_malloc_heap_get_socket("tables");
}

int main(void) {
  char *arguments[] = {"dpdk",      "--no-huge", "--no-pci",          "--no-shconf", "--no-telemetry", "-m",
                       "2048",      "-l",        "0",                 "--log-level=error"};
  if (rte_eal_init(sizeof arguments / sizeof *arguments, arguments) < 0) fail("rte_eal_init");
  heap = make_heap();
  if (heap < 0) fail("rte_malloc_heap_create");
  char line[4096], path[3000], engine[64];
  uint32_t count;
  printf("ready\n");
  fflush(stdout);
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (sscanf(line, "keys %2999s %u", path, &count) == 2) load_keys(path, count);
    else if (strncmp(line, "churn", 5) == 0) churn();
    else if (sscanf(line, "round %2999s %u %63s", path, &count, engine) == 3)
      run_round(path, count, strcmp(engine, "fib6") == 0 ? fib_bulk : strcmp(engine, "bulk") == 0 ? bulk : single);
    else printf("what?\n");
    fflush(stdout);
  }
  return 0;
}
