/* The module's tables in C, touched by loads or by prefetch. See rounds.h for the commands. */
#include "table.h"
#define TOUCH_BY_LOAD
#include "match.h"
#undef TOUCH_BY_LOAD
#include "match.h"
#include "rounds.h"

static table_t *table;
static uint8_t *keys;
static uint32_t key_count;

static void load_keys(const char *path, uint32_t count) {
  if (table != NULL) {
    table_free(table);
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

int main(void) {
  char line[4096], path[3000], engine[64];
  uint32_t count;
  table_setup(0x1122334455667788u);
  set_seconds(1000);
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (sscanf(line, "keys %2999s %u", path, &count) == 2) load_keys(path, count);
    else if (strncmp(line, "churn", 5) == 0) churn();
    else if (sscanf(line, "round %2999s %u %63s", path, &count, engine) == 3)
      run_round(path, count, strcmp(engine, "prefetch") == 0 ? by_prefetch : by_load);
    else printf("what?\n");
    fflush(stdout);
  }
  return 0;
}
