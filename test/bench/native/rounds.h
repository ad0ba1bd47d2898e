/*
 * What native engines have in common: commands on standard input, one line of answer each.
 *   keys FILE COUNT    addresses and prefix lengths to look up later: COUNT records of 16 octets and one
 *   churn              inserts and deletes ten times as many keys
 *   round FILE COUNT ENGINE   looks up COUNT addresses of FILE; answers "NANOSECONDS HITS SUM"
 */
#ifndef MAAR_ROUNDS_H
#define MAAR_ROUNDS_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { CALL = 1024, VALUES = 16, KEY_RECORD = 17 };

static uint8_t *map_file(const char *path) {
  int fd = open(path, O_RDONLY);
  struct stat status;
  if (fd < 0 || fstat(fd, &status) < 0) {
    perror(path);
    exit(1);
  }
  uint8_t *at = mmap(NULL, status.st_size, PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);
  if (at == MAP_FAILED) {
    perror(path);
    exit(1);
  }
  close(fd);
  return at;
}

static void unmap_file(uint8_t *at, size_t size) { munmap(at, size); }

static uint64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* A key that no file holds: its first octet is one that the generator never writes. */
static void other_key(const uint8_t *key, uint8_t *other) {
  memcpy(other, key, 16);
  other[0] ^= 0x10;
}

typedef void (*lookup_call)(const uint8_t *keys, uint32_t count, uint32_t *results);

/* Keys are copied to one place before each call of 1,024, as a host puts them where the module reads them; only calls are timed. */
static void run_round(const char *path, uint32_t count, lookup_call call) {
  static uint8_t keys[CALL * 16] __attribute__((aligned(64)));
  static uint32_t results[CALL];
  uint8_t *queries = map_file(path);
  uint64_t spent = 0, hits = 0, sum = 0;
  for (uint32_t from = 0; from + CALL <= count; from += CALL) {
    memcpy(keys, queries + (size_t)from * 16, sizeof keys);
    uint64_t start = nanoseconds();
    call(keys, CALL, results);
    spent += nanoseconds() - start;
    for (int i = 0; i < CALL; i++) {
      if (results[i] != 0xffffffffu) hits++, sum += results[i];
    }
  }
  unmap_file(queries, (size_t)count * 16);
  printf("%llu %llu %llu\n", (unsigned long long)spent, (unsigned long long)hits, (unsigned long long)sum);
}

#endif
