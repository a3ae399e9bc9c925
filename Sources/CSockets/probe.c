// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#define _GNU_SOURCE
#include "address.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

static int fail(int descriptor) {
    int code = errno;
    close(descriptor);
    return -code;
}

int csockets_probe_open(const csockets_address *to, uint16_t port) {
    int is_v6 = !csockets_is_v4(to);
    int descriptor = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -errno;
    int on = 1;
    if (setsockopt(descriptor, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on)) return fail(descriptor);
    csockets_name name;
    if (port) {
        csockets_address from = {.port = port};
        if (!is_v6) memcpy(from.ip, csockets_v4_prefix, sizeof csockets_v4_prefix);
        if (bind(descriptor, &name.any, csockets_write_name(&name, &from, is_v6))) return fail(descriptor);
    }
    if (connect(descriptor, &name.any, csockets_write_name(&name, to, is_v6))) return fail(descriptor);
    // Until it was connected, anybody could send to its port. A receive buffer holds fewer datagrams than this.
    char byte;
    for (int i = 0; i < 1024 && recv(descriptor, &byte, sizeof byte, 0) >= 0; i++) continue;
    return descriptor;
}

static int is_from(const csockets_name *name, const csockets_address *peer) {
    csockets_address from;
    csockets_read_name(&from, name);
    return from.port == peer->port && !memcmp(from.ip, peer->ip, sizeof from.ip);
}

int csockets_probe_receive(int descriptor, const csockets_address *from, uint8_t *bytes, size_t size, int64_t *stamp) {
    union {
        struct cmsghdr header;
        char room[CMSG_SPACE(sizeof(struct timespec))];
    } control;
    csockets_name name;
    struct iovec part = {bytes, size};
    struct msghdr message;
    ssize_t count;
    // What was on its way to the port before the socket was connected arrives all the same.
    do {
        memset(&name, 0, sizeof name);
        message = (struct msghdr){.msg_name = &name, .msg_namelen = sizeof name, .msg_iov = &part, .msg_iovlen = 1,
                                  .msg_control = &control, .msg_controllen = sizeof control};
        count = recvmsg(descriptor, &message, 0);
    } while (count < 0 ? errno == EINTR : !is_from(&name, from));
    *stamp = 0;
    if (count < 0) return -errno;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_TIMESTAMPNS) continue;
        struct timespec time;
        memcpy(&time, CMSG_DATA(header), sizeof time);
        *stamp = (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
    }
    // What did not fit is longer than anything that is looked for.
    return message.msg_flags & MSG_TRUNC ? (int)size + 1 : (int)count;
}

int64_t csockets_clock(int clock) {
    static const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_REALTIME, CLOCK_BOOTTIME};
    struct timespec now;
    clock_gettime(clocks[clock], &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
