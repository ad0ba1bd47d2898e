/*
 * Both ends of what is sent through a MAAR, for `maar bench forward`. Commands on standard input, a line of answer each:
 *   sink PORT                        receives UDP and TCP on PORT from now on; answers "ready"
 *   udp ADDRESS PORT SIZE RATE MS    sends payloads of SIZE octets, RATE a second, for MS; answers "COUNT"
 *   tcp ADDRESS PORT MS              writes to one connection for MS; answers "OCTETS"
 *   offload INTERFACE 0|1            whether the interface is left checksums and segmentation of TCP; answers "ready"
 *   received                         what the sink has got since last asked: "PACKETS OCTETS FIRST", FIRST being the
 *                                    monotonic time in nanoseconds of the first of these packets, 0 without any
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { BURST = 32, PAYLOAD_MAX = 2048, STREAM = 1 << 16, BUFFER = 8 << 20 };

static _Atomic uint64_t packets, octets, first;

static uint64_t nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int failed(const char *what) {
  printf("fail %s: %m\n", what);
  return -1;
}

static struct sockaddr_in6 address_of(const char *text, int port) {
  struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
  inet_pton(AF_INET6, text, &address.sin6_addr);
  return address;
}

static void *take_packets(void *argument) {
  int fd = (int)(intptr_t)argument;
  static uint8_t room[BURST][PAYLOAD_MAX];
  struct iovec parts[BURST];
  struct mmsghdr messages[BURST] = {0};
  for (int i = 0; i < BURST; i++) {
    parts[i] = (struct iovec){room[i], PAYLOAD_MAX};
    messages[i].msg_hdr.msg_iov = &parts[i];
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  for (;;) {
    int count = recvmmsg(fd, messages, BURST, MSG_WAITFORONE, NULL);
    if (count <= 0) continue;
    uint64_t none = 0;
    atomic_compare_exchange_strong(&first, &none, nanoseconds());
    for (int i = 0; i < count; i++) octets += messages[i].msg_len;
    packets += (uint64_t)count;
  }
  return NULL;
}

static void *take_streams(void *argument) {
  int listener = (int)(intptr_t)argument;
  static uint8_t room[STREAM];
  for (;;) {
    int fd = accept(listener, NULL, NULL);
    for (ssize_t got; fd >= 0 && (got = read(fd, room, STREAM)) > 0;) octets += (uint64_t)got;
    close(fd);
  }
  return NULL;
}

static int open_sink(int port) {
  struct sockaddr_in6 any = address_of("::", port);
  int one = 1, room = BUFFER;
  int datagrams = socket(AF_INET6, SOCK_DGRAM, 0), streams = socket(AF_INET6, SOCK_STREAM, 0);
  setsockopt(datagrams, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  setsockopt(streams, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
  if (bind(datagrams, (struct sockaddr *)&any, sizeof any) < 0) return failed("bind");
  if (bind(streams, (struct sockaddr *)&any, sizeof any) < 0 || listen(streams, 8) < 0) return failed("listen");
  pthread_t thread;
  pthread_create(&thread, NULL, take_packets, (void *)(intptr_t)datagrams);
  pthread_create(&thread, NULL, take_streams, (void *)(intptr_t)streams);
  return 0;
}

/* In bursts, as hosts send, at times that keep no step with the clock tick by which the kernel counts processor time. */
static int send_packets(const char *to, int port, int size, double rate, double ms) {
  int fd = socket(AF_INET6, SOCK_DGRAM, 0), room = BUFFER;
  setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &room, sizeof room);
  struct sockaddr_in6 peer = address_of(to, port);
  if (connect(fd, (struct sockaddr *)&peer, sizeof peer) < 0) return failed("connect");
  static uint8_t payload[PAYLOAD_MAX];
  struct iovec part = {payload, (size_t)size};
  struct mmsghdr messages[BURST] = {0};
  for (int i = 0; i < BURST; i++) {
    messages[i].msg_hdr.msg_iov = &part;
    messages[i].msg_hdr.msg_iovlen = 1;
  }
  uint64_t start = nanoseconds(), due = start, sent = 0;
  double gap = BURST * 1e9 / rate;
  while (due < start + (uint64_t)(ms * 1e6)) {
    uint64_t now = nanoseconds();
    if (now < due) {
      struct timespec wait = {(time_t)((due - now) / 1000000000u), (long)((due - now) % 1000000000u)};
      nanosleep(&wait, NULL);
    }
    int count = sendmmsg(fd, messages, BURST, 0);
    if (count > 0) sent += (uint64_t)count;
    due += (uint64_t)(gap * (0.5 + (double)(random() % 1001) / 1000));
  }
  close(fd);
  printf("%llu\n", (unsigned long long)sent);
  return 0;
}

static int send_stream(const char *to, int port, double ms) {
  int fd = socket(AF_INET6, SOCK_STREAM, 0);
  struct sockaddr_in6 peer = address_of(to, port);
  if (connect(fd, (struct sockaddr *)&peer, sizeof peer) < 0) return failed("connect");
  static uint8_t payload[STREAM];
  uint64_t end = nanoseconds() + (uint64_t)(ms * 1e6), sent = 0;
  while (nanoseconds() < end) {
    ssize_t count = write(fd, payload, STREAM);
    if (count <= 0) return failed("write");
    sent += (uint64_t)count;
  }
  close(fd);
  printf("%llu\n", (unsigned long long)sent);
  return 0;
}

static int set_offload(const char *interface, int on) {
  int fd = socket(AF_INET6, SOCK_DGRAM, 0);
  for (int i = 0; i < 2; i++) {
    struct ethtool_value value = {i == 0 ? ETHTOOL_STXCSUM : ETHTOOL_STSO, (uint32_t)on};
    struct ifreq request = {.ifr_data = (char *)&value};
    snprintf(request.ifr_name, IFNAMSIZ, "%s", interface);
    if (ioctl(fd, SIOCETHTOOL, &request) < 0) return failed("offload");
  }
  close(fd);
  puts("ready");
  return 0;
}

int main(void) {
  char line[256], to[64];
  int port, size, on;
  double rate, ms;
  setvbuf(stdout, NULL, _IOLBF, 0);
  while (fgets(line, sizeof line, stdin) != NULL) {
    if (sscanf(line, "sink %d", &port) == 1) {
      if (open_sink(port) == 0) puts("ready");
    } else if (sscanf(line, "udp %63s %d %d %lf %lf", to, &port, &size, &rate, &ms) == 5 && size <= PAYLOAD_MAX) {
      send_packets(to, port, size, rate, ms);
    } else if (sscanf(line, "tcp %63s %d %lf", to, &port, &ms) == 3) {
      send_stream(to, port, ms);
    } else if (sscanf(line, "offload %15s %d", to, &on) == 2) {
      set_offload(to, on);
    } else if (strncmp(line, "received", 8) == 0) {
      unsigned long long count = atomic_exchange(&packets, 0), sum = atomic_exchange(&octets, 0);
      printf("%llu %llu %llu\n", count, sum, (unsigned long long)atomic_exchange(&first, 0));
    } else {
      puts("fail: an unknown command");
    }
  }
  return 0;
}
