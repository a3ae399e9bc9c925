// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#include "csockets.h"

#include <errno.h>
#include <sys/socket.h>

int csockets_send_to_all(csockets_peer *peers, const int32_t *slots, int count, uint32_t tick, const void *bytes,
                         size_t size, csockets_rest *rests) {
    int rest_count = 0;
    for (int i = 0; i < count; i++) {
        csockets_peer *peer = &peers[slots[i]];
        if (peer->tick == tick) continue;
        int64_t sent = -2;
        if (peer->is_direct) {
            do sent = send(peer->descriptor, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
            while (sent < 0 && errno == EINTR);
            if (sent == (int64_t)size) continue;
            if (sent < 0 && errno == EAGAIN) sent = 0;
        }
        rests[rest_count++] = (csockets_rest){.slot = slots[i], .sent = sent};
    }
    return rest_count;
}
