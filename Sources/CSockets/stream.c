// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#define _GNU_SOURCE
#include "address.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <unistd.h>

static void switch_on(int descriptor, int level, int option) {
    int on = 1;
    setsockopt(descriptor, level, option, &on, sizeof on);
}

static int fail(int descriptor) {
    int code = errno;
    close(descriptor);
    return -code;
}

int csockets_tcp_listen(const csockets_address *address, int backlog, csockets_address *bound) {
    int is_v6 = !csockets_is_v4(address);
    int descriptor = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -errno;
    // A relay that starts again must not wait for the connections of the one before.
    switch_on(descriptor, SOL_SOCKET, SO_REUSEADDR);
    csockets_name name;
    socklen_t size = csockets_write_name(&name, address, is_v6);
    if (bind(descriptor, &name.any, size) || listen(descriptor, backlog)) return fail(descriptor);
    size = sizeof name;
    if (getsockname(descriptor, &name.any, &size)) return fail(descriptor);
    csockets_read_name(bound, &name);
    return descriptor;
}

int csockets_tcp_accept(int listener, csockets_address *peer) {
    csockets_name name;
    socklen_t size = sizeof name;
    memset(&name, 0, sizeof name);
    int descriptor;
    do descriptor = accept4(listener, &name.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
    while (descriptor < 0 && errno == EINTR);
    if (descriptor < 0) return -errno;
    csockets_read_name(peer, &name);
    switch_on(descriptor, IPPROTO_TCP, TCP_NODELAY);
    switch_on(descriptor, SOL_SOCKET, SO_KEEPALIVE);
    return descriptor;
}

int csockets_local_address(int descriptor, csockets_address *address) {
    csockets_name name;
    socklen_t size = sizeof name;
    memset(&name, 0, sizeof name);
    if (getsockname(descriptor, &name.any, &size)) return -errno;
    csockets_read_name(address, &name);
    return 0;
}
