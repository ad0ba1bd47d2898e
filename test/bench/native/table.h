/* The entry tables of assembly/table/ in C: buckets of one cache line, two-choice hashing, stamps that change rarely. */
#ifndef MAAR_TABLE_H
#define MAAR_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#ifdef __SSE2__
#include <immintrin.h>
#endif

enum { WAYS = 3, STASH = 2, STEPS = 32, CLASSES = 8, MATCH_BATCH = 64, SEARCH = 200 };
#define NONE 0xffffffffu
#define VALUE_MASK 0x3fffffu
#define EPOCH_MASK 0x7fc00000u
#define HOST_MARK 0x80000000u

typedef struct {
  uint8_t tag[WAYS];
  /* A bit for each class of keys, some of which stand away from this bucket, their home. */
  uint8_t away;
  uint32_t word[WAYS];
  uint8_t key[WAYS][16];
} bucket_t;
_Static_assert(sizeof(bucket_t) == 64, "a bucket is a cache line");

typedef struct {
  bucket_t *buckets;
  uint32_t *stamps;
  uint32_t reach, capacity, count, stashed, key_mask;
  uint32_t lengths[129];
  uint8_t in_use[129];
  uint32_t distinct;
} table_t;

static uint32_t keys_of_hash[4];
static uint32_t epoch = 1u << 22, seconds_now;
static uint64_t masks[130][2];

/* Zeroed memory in huge pages where the kernel gives them, as the linear memory of the module is advised to have. */
static void *huge(size_t size) {
  size_t step = (size_t)2 << 20;
  size = (size + step - 1) & ~(step - 1);
  void *at = aligned_alloc(step, size);
  if (at == NULL) abort();
  madvise(at, size, MADV_HUGEPAGE);
  return memset(at, 0, size);
}

static uint64_t load64(const void *at) {
  uint64_t value;
  memcpy(&value, at, 8);
  return value;
}

static uint64_t split_mix(uint64_t state) {
  uint64_t z = state + 0x9e3779b97f4a7c15u;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
  return z ^ (z >> 31);
}

static uint64_t mask_word(int length) {
  if (length <= 0) return 0;
  return length >= 64 ? ~(uint64_t)0 : __builtin_bswap64(~(uint64_t)0 << (64 - length));
}

static void table_setup(uint64_t seed) {
  uint64_t first = split_mix(seed), second = split_mix(seed + 0x9e3779b97f4a7c15u);
  keys_of_hash[0] = (uint32_t)first;
  keys_of_hash[1] = first >> 32;
  keys_of_hash[2] = (uint32_t)second;
  keys_of_hash[3] = second >> 32;
  for (int length = 0; length < 130; length++) {
    masks[length][0] = mask_word(length);
    masks[length][1] = mask_word(length - 64);
  }
}

static inline uint64_t hash_key(uint64_t high, uint64_t low, uint32_t mark) {
  uint64_t h = (uint64_t)((uint32_t)high + keys_of_hash[0]) * (uint32_t)((high >> 32) + keys_of_hash[1]) +
               (uint64_t)((uint32_t)low + keys_of_hash[2]) * (uint32_t)((low >> 32) + keys_of_hash[3]);
  h ^= (uint64_t)mark << 16;
  h = (h ^ (h >> 32)) * 0x9e3779b97f4a7c15u;
  return h ^ (h >> 32);
}

/* Of the upper half of a hash, the lowest bits are the class of a key, a few more its step away from home. */
static inline uint32_t class_of(uint32_t high) { return high % CLASSES; }
static inline uint8_t tag_of(uint32_t high) { return (uint8_t)high; }
static inline uint32_t home_of(const table_t *t, uint64_t hash) { return ((hash & 0xffffffffu) * t->reach) >> 32; }

static inline uint32_t second_of(const table_t *t, uint32_t home, uint32_t high) {
  uint32_t second = home + 1 + (uint32_t)(((uint64_t)(high % STEPS * 0x9e3779b9u) * (t->reach - 1)) >> 32);
  return second - (second >= t->reach ? t->reach : 0);
}

static inline bool may_be_away(const bucket_t *home, uint32_t high) { return home->away >> class_of(high) & 1; }

static table_t *table_new(uint32_t capacity) {
  table_t *t = calloc(1, sizeof *t);
  uint32_t reach = ((uint64_t)capacity * 20 + 50) / 51;
  t->reach = reach < 2 ? 2 : reach;
  t->capacity = capacity;
  t->key_mask = HOST_MARK;
  t->buckets = huge((t->reach + STASH) * sizeof(bucket_t));
  t->stamps = huge((size_t)(t->reach + STASH) * WAYS * 4);
  return t;
}

static void table_free(table_t *t) {
  free(t->buckets);
  free(t->stamps);
  free(t);
}

static uint32_t *find_in(table_t *t, uint32_t index, uint64_t high, uint64_t low, uint32_t mark) {
  bucket_t *b = &t->buckets[index];
  for (int way = 0; way < WAYS; way++) {
    if (load64(b->key[way]) == high && load64(b->key[way] + 8) == low && ((b->word[way] ^ mark) & t->key_mask) == 0) {
      return &b->word[way];
    }
  }
  return NULL;
}

static uint32_t *table_find(table_t *t, uint64_t high, uint64_t low, uint32_t mark) {
  uint64_t hash = hash_key(high, low, mark);
  uint32_t home = home_of(t, hash);
  uint32_t *word = find_in(t, home, high, low, mark);
  if (word != NULL || !may_be_away(&t->buckets[home], hash >> 32)) return word;
  word = find_in(t, second_of(t, home, hash >> 32), high, low, mark);
  for (uint32_t i = 0; word == NULL && t->stashed != 0 && i < STASH; i++) {
    word = find_in(t, t->reach + i, high, low, mark);
  }
  return word;
}

/* The key of a prefix is not 0; that of a host may be, but its mark is not. */
static bool taken(const bucket_t *b, int way) {
  return (load64(b->key[way]) | load64(b->key[way] + 8) | (b->word[way] & HOST_MARK)) != 0;
}

static int free_way(const table_t *t, uint32_t index) {
  for (int way = 0; way < WAYS; way++) {
    if (!taken(&t->buckets[index], way)) return way;
  }
  return -1;
}

static uint64_t hash_of(const table_t *t, uint32_t index, int way) {
  const bucket_t *b = &t->buckets[index];
  return hash_key(load64(b->key[way]), load64(b->key[way] + 8), b->word[way] & t->key_mask);
}

/* A key of a class that stands away from its home: its bucket, and its way in `way`; UINT32_MAX where there is none. */
static uint32_t find_away(const table_t *t, uint32_t home, uint32_t class, int *way) {
  for (uint32_t i = 0; i < STEPS / CLASSES + STASH; i++) {
    uint32_t at = i < STEPS / CLASSES ? second_of(t, home, class + i * CLASSES) : t->reach + i - STEPS / CLASSES;
    for (*way = 0; *way < WAYS; ++*way) {
      uint64_t hash = hash_of(t, at, *way);
      if (taken(&t->buckets[at], *way) && home_of(t, hash) == home && class_of(hash >> 32) == class) return at;
    }
  }
  return UINT32_MAX;
}

static void entry_clear(table_t *t, uint32_t index, int way) {
  bucket_t *b = &t->buckets[index];
  uint64_t hash = hash_of(t, index, way);
  uint32_t home = home_of(t, hash), class = class_of(hash >> 32);
  memset(b->key[way], 0, 16);
  b->word[way] = 0;
  b->tag[way] = 0;
  t->stamps[index * WAYS + way] = 0;
  if (index >= t->reach) t->stashed--;
  if (index != home && find_away(t, home, class, &way) == UINT32_MAX) t->buckets[home].away &= (uint8_t)~(1u << class);
}

static void entry_set(table_t *t, uint32_t index, int way, uint64_t high, uint64_t low, uint32_t word) {
  bucket_t *b = &t->buckets[index];
  uint64_t hash = hash_key(high, low, word & t->key_mask);
  memcpy(b->key[way], &high, 8);
  memcpy(b->key[way] + 8, &low, 8);
  b->word[way] = word;
  b->tag[way] = tag_of(hash >> 32);
  if (index >= t->reach) t->stashed++;
  if (index != home_of(t, hash)) t->buckets[home_of(t, hash)].away |= 1u << class_of(hash >> 32);
}

static void entry_move(table_t *t, uint32_t to, int to_way, uint32_t from, int from_way) {
  bucket_t *b = &t->buckets[from];
  uint32_t word = b->word[from_way] & (t->key_mask | VALUE_MASK);
  uint64_t key[2] = {load64(b->key[from_way]), load64(b->key[from_way] + 8)};
  t->stamps[to * WAYS + to_way] = t->stamps[from * WAYS + from_way];
  entry_clear(t, from, from_way);
  entry_set(t, to, to_way, key[0], key[1], word);
}

static bool displace(table_t *t, uint32_t first, uint32_t second, uint32_t *at, int *at_way) {
  static struct { uint32_t bucket; int before, way; } queue[SEARCH];
  int tail = 2;
  queue[0].bucket = first, queue[1].bucket = second;
  queue[0].way = queue[1].way = -1;
  for (int head = 0; head < tail; head++) {
    for (int way = 0; way < WAYS; way++) {
      uint32_t bucket = queue[head].bucket;
      uint64_t hash = hash_of(t, bucket, way);
      uint32_t home = home_of(t, hash), other = home == bucket ? second_of(t, home, hash >> 32) : home;
      int room = free_way(t, other);
      if (room >= 0) {
        int node = head;
        entry_move(t, other, room, bucket, way);
        while (queue[node].way >= 0) {
          int parent = queue[node].before, parent_way = queue[node].way;
          entry_move(t, queue[node].bucket, way, queue[parent].bucket, parent_way);
          way = parent_way, node = parent;
        }
        *at = queue[node].bucket, *at_way = way;
        return true;
      }
      bool known = false;
      for (int i = 0; i < tail; i++) known |= queue[i].bucket == other;
      if (!known && tail < SEARCH) queue[tail].bucket = other, queue[tail].before = head, queue[tail++].way = way;
    }
  }
  return false;
}

/* Brings a key home to a bucket with room, then one to where that stood, and so on. */
static void bring_home(table_t *t, uint32_t home) {
  while (home < t->reach && t->buckets[home].away != 0) {
    int way;
    uint32_t at = find_away(t, home, (uint32_t)__builtin_ctz(t->buckets[home].away), &way);
    entry_move(t, home, free_way(t, home), at, way);
    home = at;
  }
}

static void count_length(table_t *t, int length, int by) {
  t->lengths[length] += by;
  t->distinct = 0;
  for (int l = 128; l >= 0; l--) {
    if (t->lengths[l] != 0) t->in_use[t->distinct++] = l;
  }
}

static void prefix_key(const uint8_t *address, int length, uint64_t *high, uint64_t *low) {
  *high = (load64(address) & masks[length][0]) | (masks[length + 1][0] ^ masks[length][0]);
  *low = (load64(address + 8) & masks[length][1]) | (masks[length + 1][1] ^ masks[length][1]);
}

static inline uint32_t mark_of(int length) { return length == 128 ? HOST_MARK : 0; }

/* False where the table is full. The key must be new. */
static bool table_insert(table_t *t, const uint8_t *address, int length, uint32_t value) {
  if (t->count == t->capacity) return false;
  uint64_t high, low;
  prefix_key(address, length, &high, &low);
  uint64_t hash = hash_key(high, low, mark_of(length));
  uint32_t home = home_of(t, hash), second = second_of(t, home, hash >> 32), at = home;
  int way = free_way(t, at);
  if (way < 0) way = free_way(t, at = second);
  if (way < 0 && !displace(t, home, second, &at, &way)) {
    for (at = t->reach; at < t->reach + STASH && (way = free_way(t, at)) < 0; at++);
    if (way < 0) return false;
  }
  entry_set(t, at, way, high, low, mark_of(length) | value);
  t->count++;
  if (t->lengths[length]++ == 0) count_length(t, length, 0);
  return true;
}

static void table_delete(table_t *t, const uint8_t *address, int length) {
  uint64_t high, low;
  prefix_key(address, length, &high, &low);
  uint32_t *word = table_find(t, high, low, mark_of(length));
  if (word == NULL) return;
  size_t offset = (size_t)((uint8_t *)word - (uint8_t *)t->buckets);
  uint32_t at = offset / 64;
  entry_clear(t, at, (int)(offset % 64 - offsetof(bucket_t, word)) / 4);
  bring_home(t, at);
  t->count--;
  if (--t->lengths[length] == 0) count_length(t, length, 0);
}

static void entry_stamp(table_t *t, uint32_t *word) {
  size_t offset = (size_t)((uint8_t *)word - (uint8_t *)t->buckets);
  *word = (*word & ~EPOCH_MASK) | epoch;
  t->stamps[offset / 64 * WAYS + (offset % 64 - offsetof(bucket_t, word)) / 4] = seconds_now;
}

static inline void entry_touch(table_t *t, uint32_t *word) {
  if (((*word ^ epoch) & EPOCH_MASK) != 0) entry_stamp(t, word);
}

/* Time stands still in a benchmark; the module also forgets old epochs, little by little. */
static void set_seconds(uint32_t seconds) {
  seconds_now = seconds;
  epoch = (seconds % 511 + 1) << 22;
}

#endif
