/*
 * Batches of look-ups, as in assembly/table/match.ts. Included twice: with TOUCH_BY_LOAD a bucket is brought near by
 * loading from it, which is all that WebAssembly can do; without, by a prefetch instruction.
 */
#ifdef TOUCH_BY_LOAD
#define NAME(name) name##_load
#else
#define NAME(name) name##_prefetch
#endif

/* A look-up on its way: its address, the bucket to look in, its number, and the upper half of its hash. */
typedef struct {
  const uint8_t *address;
  const bucket_t *bucket;
  uint32_t index, high;
} NAME(plan_t);

static inline void NAME(touch)(const NAME(plan_t) *plans, uint32_t count) {
  for (uint32_t i = 0; i < count; i++) {
#ifdef TOUCH_BY_LOAD
    (void)*(const volatile uint8_t *)&plans[i].bucket->away;
#else
    __builtin_prefetch(plans[i].bucket);
#endif
  }
}

/*
 * Compares each with one bucket. What is not found goes to `left` if some of its class are away, if another place has
 * the same tag, or if `all` is 1. Selections are arithmetic.
 */
static inline uint32_t NAME(compare)(table_t *t, const NAME(plan_t) *plans, uint32_t count, int length, uint32_t all,
                                     NAME(plan_t) *left, uint32_t **found) {
  uint32_t mark = mark_of(length), key_mask = t->key_mask, size = 0;
  uint64_t mask[2] = {masks[length][0], masks[length][1]};
  uint64_t bit[2] = {masks[length + 1][0] ^ mask[0], masks[length + 1][1] ^ mask[1]};
  for (uint32_t i = 0; i < count; i++) {
    const bucket_t *b = plans[i].bucket;
    const uint8_t *address = plans[i].address;
    uint32_t high = plans[i].high;
    int32_t tags;
    memcpy(&tags, b->tag, 4);
#ifdef __SSE4_1__
    uint32_t some = _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_cvtsi32_si128(tags), _mm_set1_epi8((char)tag_of(high)))) & 7;
    uint32_t way = (uint32_t)__builtin_ctz(some | 16) & 3;
    __m128i wanted = _mm_loadu_si128((const __m128i *)address);
    wanted = _mm_or_si128(_mm_and_si128(wanted, _mm_loadu_si128((const __m128i *)mask)), _mm_loadu_si128((const __m128i *)bit));
    wanted = _mm_xor_si128(wanted, _mm_loadu_si128((const __m128i *)b->key[way]));
    uint32_t differs = !_mm_testz_si128(wanted, wanted);
#else
    uint32_t differ = (uint32_t)tags ^ tag_of(high) * 0x010101u;
    uint32_t some = (differ - 0x010101) & ~differ & 0x808080;
    uint32_t way = (uint32_t)__builtin_ctz(some | 0x80000000u) >> 3 & 3;
    uint64_t half[2] = {(load64(address) & mask[0]) | bit[0], (load64(address + 8) & mask[1]) | bit[1]};
    uint32_t differs = ((load64(b->key[way]) ^ half[0]) | (load64(b->key[way] + 8) ^ half[1])) != 0;
#endif
    uint32_t miss = (differs | ((b->word[way] ^ mark) & key_mask)) != 0;
    uint32_t *word = (uint32_t *)((uintptr_t)&b->word[way] & ((uintptr_t)miss - 1));
    found[plans[i].index] = word;
    left[size] = plans[i];
    size += miss & (may_be_away(b, high) | (uint32_t)__builtin_popcount(some) >> 1 | all);
  }
  return size;
}

/* `found` gets the entry of the longest match of each address, or NULL. */
static void NAME(match_batch)(table_t *t, const uint8_t *const *addresses, uint32_t count, uint32_t **found) {
  NAME(plan_t) plans[MATCH_BATCH], away[MATCH_BATCH];
  for (uint32_t i = 0; i < count; i++) plans[i].address = addresses[i], plans[i].index = i, found[i] = NULL;
  for (uint32_t l = 0; l < t->distinct && count != 0; l++) {
    int length = t->in_use[l];
    uint64_t mask[2] = {masks[length][0], masks[length][1]};
    uint64_t bit[2] = {masks[length + 1][0] ^ mask[0], masks[length + 1][1] ^ mask[1]};
    for (uint32_t i = 0; i < count; i++) {
      const uint8_t *address = plans[i].address;
      uint64_t hash = hash_key((load64(address) & mask[0]) | bit[0], (load64(address + 8) & mask[1]) | bit[1], mark_of(length));
      plans[i].bucket = &t->buckets[home_of(t, hash)];
      plans[i].high = (uint32_t)(hash >> 32);
    }
    NAME(touch)(plans, count);
    uint32_t left = NAME(compare)(t, plans, count, length, 0, away, found);
    for (uint32_t i = 0; i < left; i++) {
      away[i].bucket = &t->buckets[second_of(t, (uint32_t)(away[i].bucket - t->buckets), away[i].high)];
    }
    NAME(touch)(away, left);
    left = NAME(compare)(t, away, left, length, 1, away, found);
    for (uint32_t i = 0; i < left; i++) {
      const uint8_t *address = away[i].address;
      found[away[i].index] =
          table_find(t, (load64(address) & mask[0]) | bit[0], (load64(address + 8) & mask[1]) | bit[1], mark_of(length));
    }
    if (l + 1 == t->distinct) break;
    uint32_t size = count;
    count = 0;
    for (uint32_t i = 0; i < size; i++) {
      plans[count] = plans[i];
      count += found[plans[i].index] == NULL;
    }
  }
}

/* The adjacency of each address or NONE, and its use noted. */
static void NAME(lookup)(table_t *t, const uint8_t *keys, uint32_t count, uint32_t *results) {
  const uint8_t *addresses[MATCH_BATCH];
  uint32_t *found[MATCH_BATCH];
  for (uint32_t from = 0; from < count; from += MATCH_BATCH) {
    uint32_t part = count - from < MATCH_BATCH ? count - from : MATCH_BATCH;
    for (uint32_t i = 0; i < part; i++) addresses[i] = keys + (size_t)(from + i) * 16;
    NAME(match_batch)(t, addresses, part, found);
    for (uint32_t i = 0; i < part; i++) {
      uint32_t value = NONE;
      if (found[i] != NULL) {
        value = *found[i] & VALUE_MASK;
        entry_touch(t, found[i]);
      }
      results[from + i] = value;
    }
  }
}

#undef NAME
