// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#define _GNU_SOURCE
#include "address.h"

#include <errno.h>
#include <stdlib.h>

/// Entries that one sendmmsg takes (UIO_MAXIOV).
enum { MOST_ENTRIES = 1024 };

/// The control message that names the address to send from.
typedef union control {
    struct cmsghdr header;
    char bytes[CMSG_SPACE(sizeof(struct in6_pktinfo))];
} control;

/// A recipient as the kernel wants it.
typedef struct destination {
    csockets_name name;
    socklen_t name_size;
    socklen_t control_size;
    control control;
} destination;

struct csockets_sender {
    struct mmsghdr entries[MOST_ENTRIES];
    /// One part a text, shared by the entries of all its recipients.
    struct iovec *parts;
    size_t part_room;
    destination *destinations;
    size_t destination_room;
    csockets_run *runs;
    size_t run_room;
    size_t run_count;
    /// The next datagram.
    size_t run;
    uint32_t text;
};

csockets_sender *csockets_sender_make(void) { return calloc(1, sizeof(csockets_sender)); }

void csockets_sender_free(csockets_sender *sender) {
    if (!sender) return;
    free(sender->parts);
    free(sender->destinations);
    free(sender->runs);
    free(sender);
}

/// Makes room for `count` elements of `size` bytes; the old contents are not wanted. Returns NULL without memory.
static void *room(void *old, size_t *have, size_t count, size_t size) {
    if (count <= *have) return old;
    free(old);
    *have = 0;
    void *fresh = count > SIZE_MAX / 2 / size ? NULL : malloc(2 * count * size);
    if (fresh) *have = 2 * count;
    return fresh;
}

static socklen_t write_control(control *control, const csockets_address *from, int is_v6) {
    if (csockets_is_none(from)) return 0;
    memset(control, 0, sizeof *control);
    if (is_v6) {
        struct in6_pktinfo info = {.ipi6_ifindex = from->scope};
        memcpy(&info.ipi6_addr, from->ip, sizeof info.ipi6_addr);
        control->header = (struct cmsghdr){CMSG_LEN(sizeof info), IPPROTO_IPV6, IPV6_PKTINFO};
        memcpy(CMSG_DATA(&control->header), &info, sizeof info);
        return CMSG_SPACE(sizeof info);
    }
    struct in_pktinfo info = {0};
    memcpy(&info.ipi_spec_dst, from->ip + 12, sizeof info.ipi_spec_dst);
    control->header = (struct cmsghdr){CMSG_LEN(sizeof info), IPPROTO_IP, IP_PKTINFO};
    memcpy(CMSG_DATA(&control->header), &info, sizeof info);
    return CMSG_SPACE(sizeof info);
}

int csockets_begin(csockets_sender *sender, int is_v6, const uint8_t *bytes, const csockets_text *texts, size_t text_count,
                   const csockets_recipient *recipients, size_t recipient_count, const csockets_run *runs,
                   size_t run_count) {
    sender->run = sender->run_count = sender->text = 0;
    sender->parts = room(sender->parts, &sender->part_room, text_count, sizeof *sender->parts);
    sender->destinations =
        room(sender->destinations, &sender->destination_room, recipient_count, sizeof *sender->destinations);
    sender->runs = room(sender->runs, &sender->run_room, run_count, sizeof *sender->runs);
    if ((text_count && !sender->parts) || (recipient_count && !sender->destinations) || (run_count && !sender->runs)) {
        return -ENOMEM;
    }
    for (size_t i = 0; i < text_count; i++) {
        sender->parts[i] = (struct iovec){(void *)(bytes + texts[i].offset), texts[i].length};
    }
    for (size_t i = 0; i < recipient_count; i++) {
        destination *to = &sender->destinations[i];
        to->name_size = csockets_write_name(&to->name, &recipients[i].to, is_v6);
        to->control_size = write_control(&to->control, &recipients[i].from, is_v6);
    }
    if (run_count) memcpy(sender->runs, runs, run_count * sizeof *runs);
    sender->run_count = run_count;
    return 0;
}

static void advance(csockets_sender *sender, unsigned count) {
    while (count > 0 && sender->run < sender->run_count) {
        uint32_t left = sender->runs[sender->run].count - sender->text;
        if (count < left) {
            sender->text += count;
            return;
        }
        count -= left;
        sender->run++;
        sender->text = 0;
    }
}

int csockets_send(csockets_sender *sender, int descriptor) {
    unsigned filled = 0;
    uint32_t text = sender->text;
    for (size_t run = sender->run; run < sender->run_count && filled < MOST_ENTRIES; run++, text = 0) {
        const csockets_run *current = &sender->runs[run];
        destination *to = &sender->destinations[current->recipient];
        for (; text < current->count && filled < MOST_ENTRIES; text++, filled++) {
            struct msghdr *header = &sender->entries[filled].msg_hdr;
            header->msg_name = &to->name;
            header->msg_namelen = to->name_size;
            header->msg_iov = &sender->parts[current->first + text];
            header->msg_iovlen = 1;
            header->msg_control = to->control_size ? &to->control : NULL;
            header->msg_controllen = to->control_size;
            header->msg_flags = 0;
        }
    }
    if (!filled) return 0;
    int sent;
    do sent = sendmmsg(descriptor, sender->entries, filled, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    if (sent < 0) return -errno;
    advance(sender, (unsigned)sent);
    return sent;
}

void csockets_skip(csockets_sender *sender) { advance(sender, 1); }

void csockets_position(const csockets_sender *sender, size_t *run, uint32_t *text) {
    *run = sender->run;
    *text = sender->text;
}
