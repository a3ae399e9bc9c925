// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#define _GNU_SOURCE
#include "address.h"

#include <errno.h>
#include <linux/errqueue.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <unistd.h>

csockets_reading csockets_read(const void *name, size_t size) {
    csockets_reading reading = {0};
    csockets_name copy;
    memset(&copy, 0, sizeof copy);
    memcpy(&copy, name, size < sizeof copy ? size : sizeof copy);
    reading.is_address = copy.any.sa_family == AF_INET || copy.any.sa_family == AF_INET6;
    csockets_read_name(&reading.address, &copy);
    return reading;
}

static int set(int descriptor, int level, int option, int value) {
    return setsockopt(descriptor, level, option, &value, sizeof value);
}

/// Asks for a buffer; beyond the system's limit if the process may, else up to it.
static void set_buffer(int descriptor, int forced, int option, int bytes) {
    if (set(descriptor, SOL_SOCKET, forced, bytes)) set(descriptor, SOL_SOCKET, option, bytes);
}

static int fail(int descriptor) {
    int code = errno;
    close(descriptor);
    return -code;
}

int csockets_udp_open(const csockets_address *address, int buffer_bytes, csockets_address *bound) {
    int is_v6 = !csockets_is_v4(address);
    int descriptor = socket(is_v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor < 0) return -errno;
    csockets_name name;
    socklen_t size = csockets_write_name(&name, address, is_v6);
    if (bind(descriptor, &name.any, size)) return fail(descriptor);
    size = sizeof name;
    if (getsockname(descriptor, &name.any, &size)) return fail(descriptor);
    csockets_read_name(bound, &name);
    set_buffer(descriptor, SO_RCVBUFFORCE, SO_RCVBUF, buffer_bytes);
    set_buffer(descriptor, SO_SNDBUFFORCE, SO_SNDBUF, buffer_bytes);
    set(descriptor, SOL_SOCKET, SO_RXQ_OVFL, 1);
    // A socket of both families meets ICMP errors of both.
    int failed = set(descriptor, IPPROTO_IP, IP_RECVERR, 1);
    if (is_v6) failed |= set(descriptor, IPPROTO_IPV6, IPV6_RECVERR, 1);
    struct in6_addr any4 = {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0}}};
    int is_any6 = csockets_is_none(address);
    if (is_any6) failed |= set(descriptor, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
    if (is_any6 || !memcmp(address->ip, &any4, sizeof any4)) failed |= set(descriptor, IPPROTO_IP, IP_PKTINFO, 1);
    return failed ? fail(descriptor) : descriptor;
}

int csockets_receive_buffer(int descriptor) {
    int bytes = 0;
    socklen_t size = sizeof bytes;
    getsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &bytes, &size);
    return bytes;
}

int csockets_take_error(int descriptor, csockets_error *error) {
    csockets_name name;
    char control[512];
    // The datagram that failed comes with its error; it is not wanted.
    char byte;
    struct iovec part = {&byte, sizeof byte};
    struct msghdr message = {.msg_name = &name, .msg_namelen = sizeof name, .msg_iov = &part, .msg_iovlen = 1,
                             .msg_control = control, .msg_controllen = sizeof control};
    memset(error, 0, sizeof *error);
    memset(&name, 0, sizeof name);
    ssize_t count;
    do count = recvmsg(descriptor, &message, MSG_ERRQUEUE | MSG_DONTWAIT);
    while (count < 0 && errno == EINTR);
    if (count < 0 && errno == EAGAIN) {
        // An error that is pending on the socket beside the queue would wake poll(2) again and again.
        int pending;
        socklen_t size = sizeof pending;
        getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &pending, &size);
        return 0;
    }
    if (count < 0) return -errno;
    csockets_read_name(&error->peer, &name);
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        int is_v4 = header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_RECVERR;
        int is_v6 = header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_RECVERR;
        if (!is_v4 && !is_v6) continue;
        struct sock_extended_err detail;
        memcpy(&detail, CMSG_DATA(header), sizeof detail);
        error->error = (int)detail.ee_errno;
        error->is_port_unreachable =
            (detail.ee_origin == SO_EE_ORIGIN_ICMP && detail.ee_type == ICMP_DEST_UNREACH
             && detail.ee_code == ICMP_PORT_UNREACH)
            || (detail.ee_origin == SO_EE_ORIGIN_ICMP6 && detail.ee_type == ICMP6_DST_UNREACH
                && detail.ee_code == ICMP6_DST_UNREACH_NOPORT);
    }
    return 1;
}
