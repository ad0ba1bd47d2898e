/* Events to the host, and what keeps one from being raised again at once, as in assembly/stats/events.ts. Of path.h. */
#ifndef MAAR_EVENTS_H
#define MAAR_EVENTS_H

enum { UNKNOWN_SOURCE = 2, REDIRECT = 3, EVENTS_MOST = 256, SUPPRESSIONS = 256, SUPPRESS_MILLIS = 100 };
/* Milliseconds; the module has the same time. */
enum { NOW = 1000000 };

typedef struct {
  uint8_t kind, link, flags, rest[13], src[16], dst[16], peer[16];
} event_t;

typedef struct {
  uint8_t key[48];
  uint64_t at;
  uint8_t kind, reserved[7];
} suppression_t;

static event_t events[EVENTS_MOST];
static suppression_t suppressions[SUPPRESSIONS];
static uint32_t event_count;

/* The host takes all events after every batch, outside the time. */
static void take_events(void) { event_count = 0; }

static event_t *raise_event(uint8_t kind) {
  if (event_count == EVENTS_MOST) beyond("lost events");
  event_t *event = &events[event_count++];
  memset(event, 0, sizeof *event);
  event->kind = kind;
  return event;
}

static bool event_due(uint8_t kind, const uint8_t *key) {
  uint64_t hash = hash_word(state.seed, kind);
  for (int at = 0; at < 48; at += 16) hash = hash_address(hash, key + at);
  suppression_t *slot = &suppressions[hash_word(hash, 0) % SUPPRESSIONS];
  if (slot->kind == kind && NOW - slot->at < SUPPRESS_MILLIS && memcmp(slot->key, key, 48) == 0) return false;
  memcpy(slot->key, key, 48);
  slot->at = NOW;
  slot->kind = kind;
  return true;
}

static void raise_redirect(const uint8_t *peer, const uint8_t *src, const uint8_t *dst) {
  uint8_t key[48];
  memcpy(key, peer, 16);
  memcpy(key + 16, src, 16);
  memcpy(key + 32, dst, 16);
  if (!event_due(REDIRECT, key)) return;
  event_t *event = raise_event(REDIRECT);
  memcpy(event->src, src, 16);
  memcpy(event->dst, dst, 16);
  memcpy(event->peer, peer, 16);
}

/* Of a port whose frames carry no MAC. */
static void raise_unknown_source(const uint8_t *src, uint8_t link) {
  uint8_t key[48] = {link};
  memcpy(key + 16, src, 16);
  if (!event_due(UNKNOWN_SOURCE, key)) return;
  event_t *event = raise_event(UNKNOWN_SOURCE);
  event->link = link;
  memcpy(event->src, src, 16);
}

#endif
