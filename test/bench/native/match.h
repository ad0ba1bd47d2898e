/*
 * Batches of look-ups, as in assembly/table/match.ts. Included twice: with TOUCH_BY_LOAD a bucket is brought near by
 * loading from it, which is all that WebAssembly can do; without, by a prefetch instruction.
 */
#ifdef TOUCH_BY_LOAD
#define NAME(name) name##_load
#else
#define NAME(name) name##_prefetch
#endif

static volatile uint32_t NAME(touched);

/* `found` gets the entry of the longest match of each address, or NULL. */
static void NAME(match_batch)(table_t *t, const uint8_t *const *addresses, uint32_t count, uint32_t **found) {
  struct { bucket_t *first, *second; uint32_t tags; } plans[MATCH_BATCH];
  uint32_t pending[MATCH_BATCH];
  uint32_t left = count;
  for (uint32_t i = 0; i < count; i++) pending[i] = i, found[i] = NULL;
  for (uint32_t l = 0; l < t->distinct && left != 0; l++) {
    int length = t->in_use[l];
    uint32_t mark = mark_of(length), size = left;
    uint64_t mask[2] = {masks[length][0], masks[length][1]};
    uint64_t bit[2] = {masks[length + 1][0] ^ mask[0], masks[length + 1][1] ^ mask[1]};
    for (uint32_t i = 0; i < size; i++) {
      const uint8_t *address = addresses[pending[i]];
      uint64_t hash = hash_key((load64(address) & mask[0]) | bit[0], (load64(address + 8) & mask[1]) | bit[1], mark);
      plans[i].first = &t->buckets[first_of(t, hash)];
      plans[i].second = &t->buckets[second_of(t, hash)];
      plans[i].tags = tag_of(hash) * 0x010101u;
    }
#ifdef TOUCH_BY_LOAD
    uint32_t all = 0;
    for (uint32_t i = 0; i < size; i++) all ^= plans[i].first->tag[0] ^ plans[i].second->tag[0];
    NAME(touched) = all;
#else
    for (uint32_t i = 0; i < size; i++) __builtin_prefetch(plans[i].first), __builtin_prefetch(plans[i].second);
#endif
    left = 0;
    for (uint32_t i = 0; i < size; i++) {
      uint32_t one, two, index = pending[i];
      memcpy(&one, plans[i].first->tag, 4);
      memcpy(&two, plans[i].second->tag, 4);
#ifdef __SSE2__
      __m128i both = _mm_set_epi64x(0, (int64_t)((uint64_t)two << 32 | one));
      uint32_t some = _mm_movemask_epi8(_mm_cmpeq_epi8(both, _mm_set1_epi32((int)plans[i].tags))) & 0x77;
      uint32_t place = some == 0 ? 8 : (uint32_t)__builtin_ctz(some);
#else
      uint64_t differ = (((uint64_t)two << 32 | one) ^ ((uint64_t)plans[i].tags << 32 | plans[i].tags)) | 0xff000000ff000000u;
      uint64_t some = (differ - 0x0101010101010101u) & ~differ & 0x8080808080808080u;
      uint32_t place = some == 0 ? 8 : (uint32_t)__builtin_ctzll(some) >> 3;
#endif
      bucket_t *bucket = place < 4 ? plans[i].first : plans[i].second;
      uint32_t *word = &bucket->word[place & 3];
      const uint8_t *key = bucket->key[place & 3], *address = addresses[index];
      uint64_t high = (load64(address) & mask[0]) | bit[0], low = (load64(address + 8) & mask[1]) | bit[1];
      bool hit = (some != 0) & (((high ^ load64(key)) | (low ^ load64(key + 8)) | ((*word ^ mark) & t->key_mask)) == 0);
      word = hit ? word : NULL;
      if (!hit && ((some & (some - 1)) != 0 || t->stashed != 0)) word = table_find(t, high, low, mark);
      found[index] = word;
      pending[left] = index;
      left += word == NULL;
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
