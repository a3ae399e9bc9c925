// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors
//
// Put before the C library by LD_PRELOAD: sendmmsg fails as SEND_FAULT says, "CODE COUNT", where the text begins as
// SEND_FAULT_MARK does behind the sender's name. So many calls fail with this error number; the rest are real.

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

int sendmmsg(int descriptor, struct mmsghdr *messages, unsigned count, int flags) {
    static int (*real)(int, struct mmsghdr *, unsigned, int);
    static int code, left = -1;
    if (!real) real = (int (*)(int, struct mmsghdr *, unsigned, int))dlsym(RTLD_NEXT, "sendmmsg");
    const char *plan = getenv("SEND_FAULT"), *mark = getenv("SEND_FAULT_MARK");
    if (left < 0 && (!plan || sscanf(plan, "%d %d", &code, &left) != 2)) left = 0;
    const struct iovec *text = messages[0].msg_hdr.msg_iov;
    if (left > 0 && mark && memmem(text->iov_base, text->iov_len, mark, strlen(mark))) {
        left--;
        errno = code;
        return -1;
    }
    return real(descriptor, messages, count, flags);
}
