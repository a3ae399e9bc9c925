// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#define _GNU_SOURCE
#include "address.h"

#include <errno.h>
#include <stdlib.h>

/// Slots a cache line apart from a multiple of a page: datagrams are short, and their beginnings would share cache sets.
enum { SLOT_SHIFT = 64, CONTROL_BYTES = 128 };

struct csockets_receiver {
    unsigned slots;
    size_t slot_bytes;
    size_t stride;
    uint32_t dropped;
    uint8_t *bytes;
    char *control;
    csockets_name *names;
    struct iovec *parts;
    struct mmsghdr *messages;
    csockets_arrival *arrivals;
};

csockets_receiver *csockets_receiver_make(unsigned slots, size_t slot_bytes) {
    csockets_receiver *receiver = calloc(1, sizeof *receiver);
    if (!receiver) return NULL;
    receiver->slots = slots;
    receiver->slot_bytes = slot_bytes;
    receiver->stride = slot_bytes + SLOT_SHIFT;
    receiver->bytes = malloc(slots * receiver->stride);
    receiver->control = calloc(slots, CONTROL_BYTES);
    receiver->names = calloc(slots, sizeof *receiver->names);
    receiver->parts = calloc(slots, sizeof *receiver->parts);
    receiver->messages = calloc(slots, sizeof *receiver->messages);
    receiver->arrivals = calloc(slots, sizeof *receiver->arrivals);
    if (!receiver->bytes || !receiver->control || !receiver->names || !receiver->parts || !receiver->messages
        || !receiver->arrivals) {
        csockets_receiver_free(receiver);
        return NULL;
    }
    for (unsigned i = 0; i < slots; i++) {
        receiver->parts[i] = (struct iovec){receiver->bytes + i * receiver->stride, slot_bytes};
        struct msghdr *header = &receiver->messages[i].msg_hdr;
        header->msg_name = &receiver->names[i];
        header->msg_iov = &receiver->parts[i];
        header->msg_iovlen = 1;
        header->msg_control = receiver->control + i * CONTROL_BYTES;
    }
    return receiver;
}

void csockets_receiver_free(csockets_receiver *receiver) {
    if (!receiver) return;
    free(receiver->bytes);
    free(receiver->control);
    free(receiver->names);
    free(receiver->parts);
    free(receiver->messages);
    free(receiver->arrivals);
    free(receiver);
}

/// Takes what the kernel says beside a datagram.
static void read_control(csockets_receiver *receiver, struct msghdr *message, csockets_arrival *arrival) {
    for (struct cmsghdr *header = CMSG_FIRSTHDR(message); header; header = CMSG_NXTHDR(message, header)) {
        if (header->cmsg_level == SOL_SOCKET && header->cmsg_type == SO_RXQ_OVFL) {
            memcpy(&receiver->dropped, CMSG_DATA(header), sizeof receiver->dropped);
        } else if (header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(header), sizeof info);
            // The local address to answer from, even where the datagram went to a broadcast address.
            csockets_set_v4(&arrival->to, info.ipi_spec_dst, 0);
        } else if (header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(header), sizeof info);
            // Of IPv4 it tells the address that the datagram went to, which may be a broadcast: IP_PKTINFO knows better.
            if (IN6_IS_ADDR_MULTICAST(&info.ipi6_addr) || IN6_IS_ADDR_V4MAPPED(&info.ipi6_addr)) continue;
            memcpy(arrival->to.ip, &info.ipi6_addr, sizeof arrival->to.ip);
            if (IN6_IS_ADDR_LINKLOCAL(&info.ipi6_addr)) arrival->to.scope = info.ipi6_ifindex;
        }
    }
}

int csockets_receive(csockets_receiver *receiver, int descriptor) {
    for (unsigned i = 0; i < receiver->slots; i++) {
        receiver->messages[i].msg_hdr.msg_namelen = sizeof receiver->names[i];
        receiver->messages[i].msg_hdr.msg_controllen = CONTROL_BYTES;
    }
    int count;
    do count = recvmmsg(descriptor, receiver->messages, receiver->slots, MSG_DONTWAIT, NULL);
    while (count < 0 && errno == EINTR);
    if (count < 0) return -errno;
    for (int i = 0; i < count; i++) {
        csockets_arrival *arrival = &receiver->arrivals[i];
        struct msghdr *header = &receiver->messages[i].msg_hdr;
        memset(arrival, 0, sizeof *arrival);
        if (header->msg_namelen > 0) csockets_read_name(&arrival->from, &receiver->names[i]);
        arrival->length = receiver->messages[i].msg_len;
        arrival->is_truncated = (header->msg_flags & MSG_TRUNC) != 0;
        read_control(receiver, header, arrival);
    }
    return count;
}

const csockets_arrival *csockets_arrival_at(const csockets_receiver *receiver, unsigned index) {
    return &receiver->arrivals[index];
}

const uint8_t *csockets_bytes_at(const csockets_receiver *receiver, unsigned index) {
    return receiver->bytes + index * receiver->stride;
}

uint32_t csockets_dropped(const csockets_receiver *receiver) { return receiver->dropped; }
