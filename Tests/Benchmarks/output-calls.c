// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

// Compares ways of giving the same bytes to many TCP sockets, which is what a tick of the relay ends with: a `send` for each
// (what CSockets/peers.c does), a `sendmsg` with one piece for each, and io_uring, with and without registered descriptors.
//
//   cc -O2 -o output-calls Tests/Benchmarks/output-calls.c && ./output-calls [SOCKETS] [BYTES] [TICKS] [ROUNDS]
//
// A second process reads. The ways take turns, round by round; each line has a way's median of the CPU time that the sending
// process took for one socket and tick, user and system, and its ratio to `send`. Where a socket was full the bytes are sent
// again, and counted.

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <linux/io_uring.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { most_sockets = 4096, ring_entries = 4096 };

static int sockets[most_sockets], socket_count;
static char *bytes;
static size_t size;
static long full;

static void fail(const char *what) {
    perror(what);
    exit(1);
}

// MARK: The other side

static void read_all(int *peers) {
    int poller = epoll_create1(0);
    for (int i = 0; i < socket_count; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.fd = peers[i]};
        if (epoll_ctl(poller, EPOLL_CTL_ADD, peers[i], &event) < 0) fail("epoll_ctl");
    }
    static char memory[1 << 20];
    for (;;) {
        struct epoll_event events[256];
        int count = epoll_wait(poller, events, 256, -1);
        for (int i = 0; i < count; i++) {
            ssize_t got = read(events[i].data.fd, memory, sizeof memory);
            if (got == 0) _exit(0);
        }
    }
}

static void connect_pairs(int *peers) {
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    if (bind(listener, (struct sockaddr *)&address, length) < 0 || listen(listener, 128) < 0) fail("listen");
    if (getsockname(listener, (struct sockaddr *)&address, &length) < 0) fail("getsockname");
    int on = 1;
    for (int i = 0; i < socket_count; i++) {
        peers[i] = socket(AF_INET, SOCK_STREAM, 0);
        if (connect(peers[i], (struct sockaddr *)&address, length) < 0) fail("connect");
        sockets[i] = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
        if (sockets[i] < 0) fail("accept");
        setsockopt(sockets[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    }
    close(listener);
}

// MARK: The ways

// Sends what a way could not, waiting for room.
static void send_rest(int descriptor, size_t sent) {
    full++;
    while (sent < size) {
        ssize_t more = send(descriptor, bytes + sent, size - sent, MSG_NOSIGNAL);
        if (more > 0) sent += (size_t)more;
        else if (errno != EAGAIN) fail("send");
    }
}

static void note(int descriptor, ssize_t sent, int error) {
    if (sent == (ssize_t)size) return;
    if (sent < 0 && error != EAGAIN) { errno = error; fail("a way of sending"); }
    send_rest(descriptor, sent < 0 ? 0 : (size_t)sent);
}

static void by_send(void) {
    for (int i = 0; i < socket_count; i++) {
        ssize_t sent = send(sockets[i], bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        note(sockets[i], sent, errno);
    }
}

static void by_sendmsg(void) {
    struct iovec piece = {.iov_base = bytes, .iov_len = size};
    struct msghdr message = {.msg_iov = &piece, .msg_iovlen = 1};
    for (int i = 0; i < socket_count; i++) {
        ssize_t sent = sendmsg(sockets[i], &message, MSG_DONTWAIT | MSG_NOSIGNAL);
        note(sockets[i], sent, errno);
    }
}

static struct {
    int descriptor;
    unsigned *tail, *mask, *array, *completed_head, *completed_tail, *completed_mask;
    struct io_uring_sqe *entries;
    struct io_uring_cqe *completions;
} ring;

static void make_ring(void) {
    struct io_uring_params p = {.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN};
    ring.descriptor = (int)syscall(SYS_io_uring_setup, ring_entries, &p);
    if (ring.descriptor < 0) fail("io_uring_setup");
    size_t entry_bytes = p.sq_off.array + p.sq_entries * sizeof(unsigned);
    size_t completion_bytes = p.cq_off.cqes + p.cq_entries * sizeof(struct io_uring_cqe);
    size_t most = entry_bytes > completion_bytes ? entry_bytes : completion_bytes;
    char *shared = mmap(NULL, most, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring.descriptor, IORING_OFF_SQ_RING);
    ring.entries = mmap(NULL, p.sq_entries * sizeof *ring.entries, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
                        ring.descriptor, IORING_OFF_SQES);
    if (shared == MAP_FAILED || ring.entries == MAP_FAILED) fail("mmap");
    ring.tail = (unsigned *)(shared + p.sq_off.tail);
    ring.mask = (unsigned *)(shared + p.sq_off.ring_mask);
    ring.array = (unsigned *)(shared + p.sq_off.array);
    ring.completed_head = (unsigned *)(shared + p.cq_off.head);
    ring.completed_tail = (unsigned *)(shared + p.cq_off.tail);
    ring.completed_mask = (unsigned *)(shared + p.cq_off.ring_mask);
    ring.completions = (struct io_uring_cqe *)(shared + p.cq_off.cqes);
    if (syscall(SYS_io_uring_register, ring.descriptor, IORING_REGISTER_FILES, sockets, socket_count) < 0) {
        fail("io_uring_register");
    }
}

static void by_ring(int is_registered) {
    unsigned tail = *ring.tail;
    for (int i = 0; i < socket_count; i++, tail++) {
        unsigned index = tail & *ring.mask;
        ring.entries[index] = (struct io_uring_sqe){
            .opcode = IORING_OP_SEND,
            .flags = is_registered ? IOSQE_FIXED_FILE : 0,
            .fd = is_registered ? i : sockets[i],
            .addr = (uint64_t)(uintptr_t)bytes,
            .len = (unsigned)size,
            .msg_flags = MSG_DONTWAIT | MSG_NOSIGNAL,
            .user_data = (uint64_t)i,
        };
        ring.array[index] = index;
    }
    atomic_store_explicit((_Atomic unsigned *)ring.tail, tail, memory_order_release);
    long done = syscall(SYS_io_uring_enter, ring.descriptor, socket_count, socket_count, IORING_ENTER_GETEVENTS, NULL, 0);
    if (done < socket_count) fail("io_uring_enter");
    unsigned head = *ring.completed_head;
    unsigned end = atomic_load_explicit((_Atomic unsigned *)ring.completed_tail, memory_order_acquire);
    for (; head != end; head++) {
        struct io_uring_cqe *completion = &ring.completions[head & *ring.completed_mask];
        note(sockets[completion->user_data], completion->res, -completion->res);
    }
    atomic_store_explicit((_Atomic unsigned *)ring.completed_head, head, memory_order_release);
}

static void by_plain_ring(void) { by_ring(0); }
static void by_registered_ring(void) { by_ring(1); }

// MARK: Measuring

static double cpu_seconds(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
           + 1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec);
}

static int compare(const void *a, const void *b) { return (*(double *)a > *(double *)b) - (*(double *)a < *(double *)b); }

int main(int count, char **arguments) {
    socket_count = count > 1 ? atoi(arguments[1]) : 100;
    size = count > 2 ? (size_t)atol(arguments[2]) : 1500;
    int ticks = count > 3 ? atoi(arguments[3]) : 2000;
    int rounds = count > 4 ? atoi(arguments[4]) : 9;
    if (socket_count < 1 || socket_count > most_sockets || size < 1 || ticks < 1 || rounds < 1 || rounds > 99) {
        fprintf(stderr, "usage: output-calls [SOCKETS up to %d] [BYTES] [TICKS] [ROUNDS up to 99]\n", most_sockets);
        return 2;
    }
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    static int peers[most_sockets];
    bytes = calloc(1, size);
    connect_pairs(peers);
    pid_t reader = fork();
    if (reader == 0) {
        for (int i = 0; i < socket_count; i++) close(sockets[i]);
        read_all(peers);
    }
    for (int i = 0; i < socket_count; i++) close(peers[i]);
    make_ring();

    static const struct {
        const char *name;
        void (*run)(void);
    } ways[] = {
        {"send", by_send},
        {"sendmsg", by_sendmsg},
        {"io_uring", by_plain_ring},
        {"io_uring, registered", by_registered_ring},
    };
    enum { way_count = sizeof ways / sizeof *ways };
    static double taken[way_count][99];
    static long waits[way_count];
    for (int round = 0; round < rounds; round++) {
        for (int way = 0; way < way_count; way++) {
            full = 0;
            double start = cpu_seconds();
            for (int tick = 0; tick < ticks; tick++) ways[way].run();
            taken[way][round] = (cpu_seconds() - start) * 1e9 / ticks / socket_count;
            waits[way] += full;
        }
    }
    kill(reader, SIGTERM);
    waitpid(reader, NULL, 0);
    double first = 0;
    for (int way = 0; way < way_count; way++) {
        qsort(taken[way], (size_t)rounds, sizeof(double), compare);
        double median = taken[way][rounds / 2];
        if (way == 0) first = median;
        printf("%-22s %6.0f ns (%.0f-%.0f)  %.2f of send  %ld full\n", ways[way].name, median, taken[way][0],
               taken[way][rounds - 1], median / first, waits[way]);
    }
    return 0;
}
