// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors
//
// The least that a UDP relay can do, as a measure for `luar serve`: one thread, recvmmsg, sendmmsg, whoever sent something
// gets what others send, preceded by the sender's name. No rules, no limits, nobody ever leaves.
//
//   udp-floor PORT

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { SLOTS = 64, SLOT_BYTES = 2048, ENTRIES = 1024, MOST_MEMBERS = 10000 };

static char in[SLOTS][SLOT_BYTES], out[SLOTS][SLOT_BYTES + 64];
static struct sockaddr_in from[SLOTS], members[MOST_MEMBERS];
static struct iovec in_parts[SLOTS], out_parts[SLOTS];
static struct mmsghdr in_messages[SLOTS], entries[ENTRIES];
static unsigned count, member_count;
static int fd;

static void flush(void) {
    for (unsigned done = 0; done < count;) {
        int sent = sendmmsg(fd, entries + done, count - done, 0);
        done += sent > 0 ? (unsigned)sent : 1;
    }
    count = 0;
}

static int is_member(const struct sockaddr_in *address) {
    for (unsigned i = 0; i < member_count; i++) {
        if (members[i].sin_port == address->sin_port && members[i].sin_addr.s_addr == address->sin_addr.s_addr) return 1;
    }
    return 0;
}

int main(int argc, char **argv) {
    struct sockaddr_in own = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    own.sin_port = htons((unsigned short)(argc > 1 ? atoi(argv[1]) : 12345));
    fd = socket(AF_INET, SOCK_DGRAM, 0);
    int bytes = 4 << 20;
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    if (bind(fd, (struct sockaddr *)&own, sizeof own)) return perror("bind"), 1;
    for (;;) {
        for (int i = 0; i < SLOTS; i++) {
            in_parts[i] = (struct iovec){in[i], SLOT_BYTES};
            in_messages[i].msg_hdr = (struct msghdr){
                .msg_name = &from[i], .msg_namelen = sizeof from[i], .msg_iov = &in_parts[i], .msg_iovlen = 1};
        }
        int arrived = recvmmsg(fd, in_messages, SLOTS, MSG_WAITFORONE, NULL);
        for (int i = 0; i < arrived; i++) {
            if (!is_member(&from[i]) && member_count < MOST_MEMBERS) members[member_count++] = from[i];
            int name = snprintf(out[i], 64, "('%s', %d) disse: ", inet_ntoa(from[i].sin_addr), ntohs(from[i].sin_port));
            memcpy(out[i] + name, in[i], in_messages[i].msg_len);
            out_parts[i] = (struct iovec){out[i], (size_t)name + in_messages[i].msg_len};
            for (unsigned m = 0; m < member_count; m++) {
                if (members[m].sin_port == from[i].sin_port && members[m].sin_addr.s_addr == from[i].sin_addr.s_addr) continue;
                entries[count++].msg_hdr = (struct msghdr){
                    .msg_name = &members[m], .msg_namelen = sizeof members[m], .msg_iov = &out_parts[i], .msg_iovlen = 1};
                if (count == ENTRIES) flush();
            }
        }
        flush();
    }
}
