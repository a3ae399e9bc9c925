// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

// One load for relays of several protocols: publishers send marked messages, subscribers count the marks that arrive.
//
//   fanload -m line|redis|udp -p PORT [-n SUBSCRIBERS] [-P PUBLISHERS] [-s BYTES] [-t SECONDS] [-w WINDOW] [-k PID]
//
// The loop is closed: publishers stay at most WINDOW messages ahead of the slowest subscriber. Prints one line: the
// deliveries per second; the median, the 99th percentile and the maximum of the delay in microseconds; and for the
// server's process PID its CPU time per 1,000 deliveries and its memory. `ratio` is the share of deliveries that
// arrived by the end. Exit codes: 1 for a wrong option or a system call that failed, 3 for a connection that the server
// closed.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
  // A message begins with this byte and the time of its sending, as 16 hexadecimal digits.
  mark = '~',
  stamp_bytes = 17,
  max_message = 16 << 10,
  // What a protocol adds to a message.
  max_envelope = 128,
  // Messages that one publisher sends in one go.
  burst_messages = 64,
  output_bytes = 256 << 10,
  input_bytes = 256 << 10,
  events_per_wait = 512,
  // One delivery in this many has its delay measured.
  sampled = 16,
  max_samples = 1 << 22,
  // Datagrams that are received from one socket in one go.
  datagrams_per_visit = 64,
  // Rounds without input, of a millisecond each, after which datagrams count as lost.
  idle_rounds = 20,
};

typedef enum { line, redis, udp } protocol;

typedef struct {
  int fd;
  int is_publisher;
  // Messages that a subscriber received.
  uint64_t received;
  // Bytes that a publisher has not sent yet, from `sent` to `end`.
  char *output;
  size_t sent, end;
} peer;

static protocol mode = line;
static int port = 0, subscribers = 100, publishers = 1, message_bytes = 64, window = 256, server = 0;
static double seconds = 5;
static peer *peers;
static int epoll;
static char input[input_bytes];
static uint64_t delays[max_samples];
static size_t delay_count;

static void die(const char *what) {
  fprintf(stderr, "fanload: %s: %s\n", what, strerror(errno));
  exit(1);
}

static void usage(void) {
  fprintf(stderr, "usage: fanload -m line|redis|udp -p PORT [-n SUBSCRIBERS] [-P PUBLISHERS] [-s BYTES] "
                  "[-t SECONDS] [-w WINDOW] [-k PID]\n");
  exit(1);
}

static uint64_t now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

// The CPU time of the server in microseconds (proc(5), /proc/PID/stat: utime and stime).
static uint64_t server_cpu(void) {
  char path[64], text[1024];
  snprintf(path, sizeof path, "/proc/%d/stat", server);
  FILE *file = fopen(path, "r");
  if (!file) return 0;
  text[fread(text, 1, sizeof text - 1, file)] = 0;
  fclose(file);
  // The name before the fields is in parentheses and may hold spaces.
  char *fields = strrchr(text, ')');
  unsigned long user = 0, system = 0;
  if (fields) sscanf(fields + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
  return (user + system) * (1000000u / (uint64_t)sysconf(_SC_CLK_TCK));
}

static long server_memory_kib(void) {
  char path[64], text[256];
  long memory = 0;
  snprintf(path, sizeof path, "/proc/%d/status", server);
  FILE *file = fopen(path, "r");
  if (!file) return 0;
  while (fgets(text, sizeof text, file) && sscanf(text, "VmRSS: %ld", &memory) != 1) {}
  fclose(file);
  return memory;
}

// MARK: Peers

static void say(int fd, const char *text) {
  if (write(fd, text, strlen(text)) < 0) die("write");
}

static void connect_peer(int index) {
  peer *peer = &peers[index];
  peer->is_publisher = index >= subscribers;
  peer->fd = socket(AF_INET, mode == udp ? SOCK_DGRAM : SOCK_STREAM, 0);
  if (peer->fd < 0) die("socket");
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (connect(peer->fd, (struct sockaddr *)&address, sizeof address)) die("connect");
  if (mode == udp) {
    int buffer = 4 << 20;
    setsockopt(peer->fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
    say(peer->fd, "join");
  } else {
    int on = 1;
    setsockopt(peer->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  }
  if (mode == redis && !peer->is_publisher) say(peer->fd, "*2\r\n$9\r\nSUBSCRIBE\r\n$4\r\nchat\r\n");
  if (peer->is_publisher) {
    peer->output = malloc(output_bytes);
    if (!peer->output) die("malloc");
  }
  fcntl(peer->fd, F_SETFL, O_NONBLOCK);
  struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)index};
  if (epoll_ctl(epoll, EPOLL_CTL_ADD, peer->fd, &event)) die("epoll_ctl");
}

// Counts the marks in received bytes; a mark at the very end has no whole time behind it.
static void count_marks(peer *peer, const char *bytes, size_t count) {
  const char *end = bytes + count;
  for (const char *at = bytes; (at = memchr(at, mark, (size_t)(end - at))); at++) {
    peer->received++;
    if (peer->received % sampled || end - at <= stamp_bytes || delay_count == max_samples) continue;
    char digits[stamp_bytes];
    memcpy(digits, at + 1, stamp_bytes - 1);
    digits[stamp_bytes - 1] = 0;
    delays[delay_count++] = now() - strtoull(digits, 0, 16);
  }
}

// Waits at most `milliseconds` for input and reads it once from each peer that has some; returns how many had.
static int receive(int milliseconds) {
  struct epoll_event events[events_per_wait];
  int count = epoll_wait(epoll, events, events_per_wait, milliseconds);
  for (int i = 0; i < count; i++) {
    peer *peer = &peers[events[i].data.u32];
    for (int visit = 0; visit < (mode == udp ? datagrams_per_visit : 1); visit++) {
      ssize_t bytes = read(peer->fd, input, sizeof input);
      if (bytes < 0 && (errno == EAGAIN || errno == ECONNREFUSED)) break;
      if (bytes < 0 || (bytes == 0 && mode != udp)) {
        fprintf(stderr, "fanload: the server closed connection %u after %lu messages\n", events[i].data.u32,
                (unsigned long)peer->received);
        exit(3);
      }
      if (!peer->is_publisher) count_marks(peer, input, (size_t)bytes);
    }
  }
  return count;
}

// MARK: Publishing

// Writes one marked message in the protocol's form; returns its length.
static size_t write_message(char *output) {
  static char body[max_message];
  char stamp[stamp_bytes + 1];
  if (!body[0]) memset(body, 'x', sizeof body);
  snprintf(stamp, sizeof stamp, "%c%016lx", mark, (unsigned long)now());
  memcpy(body, stamp, stamp_bytes);
  size_t length = 0;
  if (mode == redis) {
    length = (size_t)sprintf(output, "*3\r\n$7\r\nPUBLISH\r\n$4\r\nchat\r\n$%d\r\n", message_bytes);
  }
  memcpy(output + length, body, (size_t)message_bytes);
  length += (size_t)message_bytes;
  if (mode == redis) output[length++] = '\r';
  if (mode != udp) output[length++] = '\n';
  return length;
}

// Sends what is left of a publisher's output; returns whether nothing is left.
static int flush(peer *peer) {
  if (peer->sent < peer->end) {
    ssize_t bytes = write(peer->fd, peer->output + peer->sent, peer->end - peer->sent);
    if (bytes < 0 && errno != EAGAIN) die("write");
    if (bytes > 0) peer->sent += (size_t)bytes;
  }
  return peer->sent == peer->end;
}

// Sends a burst of at most `allowed` messages; returns how many.
static uint64_t publish(peer *peer, uint64_t allowed) {
  if (!flush(peer)) return 0;
  uint64_t count = 0;
  peer->sent = peer->end = 0;
  while (count < burst_messages && count < allowed) {
    if (peer->end + (size_t)message_bytes + max_envelope > output_bytes) break;
    size_t length = write_message(peer->output + peer->end);
    count++;
    if (mode != udp) {
      peer->end += length;
    } else if (send(peer->fd, peer->output, length, 0) < 0 && errno != EAGAIN && errno != ENOBUFS) {
      die("send");
    }
  }
  flush(peer);
  return count;
}

static uint64_t slowest_subscriber(void) {
  uint64_t least = UINT64_MAX;
  for (int i = 0; i < subscribers; i++) {
    if (peers[i].received < least) least = peers[i].received;
  }
  return least;
}

// MARK: The run

static void parse(int argc, char **argv) {
  for (int option; (option = getopt(argc, argv, "m:p:n:P:s:t:w:k:")) != -1;) {
    switch (option) {
      case 'm':
        if (!strcmp(optarg, "line")) mode = line;
        else if (!strcmp(optarg, "redis")) mode = redis;
        else if (!strcmp(optarg, "udp")) mode = udp;
        else usage();
        break;
      case 'p': port = atoi(optarg); break;
      case 'n': subscribers = atoi(optarg); break;
      case 'P': publishers = atoi(optarg); break;
      case 's': message_bytes = atoi(optarg); break;
      case 't': seconds = atof(optarg); break;
      case 'w': window = atoi(optarg); break;
      case 'k': server = atoi(optarg); break;
      default: usage();
    }
  }
  if (port < 1 || port > 65535 || subscribers < 1 || publishers < 1 || window < 1 || seconds <= 0) usage();
  if (message_bytes < stamp_bytes || message_bytes > max_message) usage();
}

static int compare(const void *left, const void *right) {
  uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
  return (a > b) - (a < b);
}

static double delay_us(double share) {
  if (!delay_count) return 0;
  size_t index = (size_t)((double)delay_count * share);
  return (double)delays[index < delay_count ? index : delay_count - 1] / 1e3;
}

int main(int argc, char **argv) {
  parse(argc, argv);
  struct rlimit files;
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  epoll = epoll_create1(0);
  peers = calloc((size_t)(subscribers + publishers), sizeof *peers);
  if (epoll < 0 || !peers) die("set-up");
  for (int i = 0; i < subscribers + publishers; i++) connect_peer(i);
  // The server's greetings, and what UDP clients say when they join, are not part of the load.
  for (uint64_t start = now(); now() < start + 700000000u;) receive(50);
  for (int i = 0; i < subscribers; i++) peers[i].received = 0;
  delay_count = 0;

  const uint64_t start = now(), end = start + (uint64_t)(seconds * 1e9), cpu_before = server ? server_cpu() : 0;
  uint64_t sent = 0, lost = 0;
  int idle = 0;
  while (now() < end) {
    // Lost datagrams must not stop the load. A datagram that counts as lost may still arrive, so this may be negative.
    int64_t ahead = (int64_t)(sent - lost - slowest_subscriber());
    for (int i = 0; i < publishers && ahead < window; i++) {
      uint64_t count = publish(&peers[subscribers + i], (uint64_t)(window - ahead));
      sent += count;
      ahead += (int64_t)count;
    }
    // A publisher with output left sends it even if the window is full.
    for (int i = 0; i < publishers; i++) flush(&peers[subscribers + i]);
    if (receive(1) > 0) {
      idle = 0;
    } else if (mode == udp && ++idle > idle_rounds) {
      idle = 0;
      lost = sent - slowest_subscriber();
    }
  }

  double elapsed = (double)(now() - start) / 1e9;
  uint64_t cpu = server ? server_cpu() - cpu_before : 0, received = 0;
  for (int i = 0; i < subscribers; i++) received += peers[i].received;
  qsort(delays, delay_count, sizeof *delays, compare);
  printf("%s subs=%d pubs=%d size=%d deliveries/s=%.0f p50=%.0fus p99=%.0fus max=%.0fus cpu_us/1000=%.1f rss=%ldKiB "
         "sent=%lu ratio=%.4f\n",
         mode == line ? "line" : mode == redis ? "redis" : "udp", subscribers, publishers, message_bytes,
         (double)received / elapsed, delay_us(0.5), delay_us(0.99), delay_us(1),
         received ? (double)cpu * 1000 / (double)received : 0, server ? server_memory_kib() : 0, (unsigned long)sent,
         sent ? (double)received / ((double)sent * subscribers) : 0);
}
