// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#ifndef CSOCKETS_ADDRESS_H
#define CSOCKETS_ADDRESS_H

#include "include/csockets.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/// Either family's socket address.
typedef union csockets_name {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
} csockets_name;

static const uint8_t csockets_v4_prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF};

static inline int csockets_is_v4(const csockets_address *address) {
    return !memcmp(address->ip, csockets_v4_prefix, sizeof csockets_v4_prefix);
}

static inline int csockets_is_none(const csockets_address *address) {
    static const uint8_t zero[16];
    return !memcmp(address->ip, zero, sizeof zero);
}

static inline void csockets_set_v4(csockets_address *address, struct in_addr ip, in_port_t port) {
    memset(address, 0, sizeof *address);
    memcpy(address->ip, csockets_v4_prefix, sizeof csockets_v4_prefix);
    memcpy(address->ip + 12, &ip, sizeof ip);
    address->port = ntohs(port);
}

/// Reads a name; what is of neither family is none.
static inline void csockets_read_name(csockets_address *address, const csockets_name *name) {
    memset(address, 0, sizeof *address);
    if (name->any.sa_family == AF_INET) {
        csockets_set_v4(address, name->v4.sin_addr, name->v4.sin_port);
    } else if (name->any.sa_family == AF_INET6) {
        memcpy(address->ip, &name->v6.sin6_addr, sizeof address->ip);
        address->scope = name->v6.sin6_scope_id;
        address->port = ntohs(name->v6.sin6_port);
    }
}

/// Writes a name of a family; returns its size.
static inline socklen_t csockets_write_name(csockets_name *name, const csockets_address *address, int is_v6) {
    memset(name, 0, sizeof *name);
    if (is_v6) {
        name->v6.sin6_family = AF_INET6;
        memcpy(&name->v6.sin6_addr, address->ip, sizeof address->ip);
        name->v6.sin6_scope_id = address->scope;
        name->v6.sin6_port = htons(address->port);
        return sizeof name->v6;
    }
    name->v4.sin_family = AF_INET;
    memcpy(&name->v4.sin_addr, address->ip + 12, sizeof name->v4.sin_addr);
    name->v4.sin_port = htons(address->port);
    return sizeof name->v4;
}

#endif
