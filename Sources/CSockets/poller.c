// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#define _GNU_SOURCE
#include "include/csockets.h"

#include <errno.h>
#include <limits.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

int csockets_poller_make(void) {
    int poller = epoll_create1(EPOLL_CLOEXEC);
    return poller < 0 ? -errno : poller;
}

static int control(int poller, int operation, int descriptor, uint64_t token, uint32_t interest) {
    struct epoll_event event = {.data.u64 = token};
    if (interest & CSOCKETS_READABLE) event.events |= EPOLLIN;
    if (interest & CSOCKETS_WRITABLE) event.events |= EPOLLOUT;
    return epoll_ctl(poller, operation, descriptor, &event) ? -errno : 0;
}

int csockets_poller_add(int poller, int descriptor, uint64_t token, uint32_t interest) {
    return control(poller, EPOLL_CTL_ADD, descriptor, token, interest);
}

int csockets_poller_change(int poller, int descriptor, uint64_t token, uint32_t interest) {
    return control(poller, EPOLL_CTL_MOD, descriptor, token, interest);
}

void csockets_poller_remove(int poller, int descriptor) { control(poller, EPOLL_CTL_DEL, descriptor, 0, 0); }

static int wait_for(int poller, struct epoll_event *events, int most, int64_t nanoseconds) {
    if (nanoseconds <= 0) return epoll_wait(poller, events, most, nanoseconds < 0 ? -1 : 0);
    // Linux 5.11; epoll_wait(2) knows whole milliseconds only.
    static _Atomic int lacks_nanoseconds;
    if (!lacks_nanoseconds) {
        struct timespec timeout = {.tv_sec = nanoseconds / 1000000000, .tv_nsec = nanoseconds % 1000000000};
        int count = epoll_pwait2(poller, events, most, &timeout, NULL);
        if (count >= 0 || errno != ENOSYS) return count;
        lacks_nanoseconds = 1;
    }
    // Rounded up: who wakes up too early finds nothing to do, and waits again.
    int64_t milliseconds = (nanoseconds + 999999) / 1000000;
    return epoll_wait(poller, events, most, milliseconds > INT_MAX ? INT_MAX : (int)milliseconds);
}

int csockets_poller_wait(int poller, csockets_ready *ready, int most, int64_t nanoseconds) {
    enum { room = 256 };
    struct epoll_event events[room];
    int count = wait_for(poller, events, most < room ? most : room, nanoseconds);
    if (count < 0) return errno == EINTR ? 0 : -errno;
    for (int i = 0; i < count; i++) {
        uint32_t flags = events[i].events;
        ready[i].token = events[i].data.u64;
        ready[i].state = (flags & EPOLLIN ? CSOCKETS_READABLE : 0) | (flags & EPOLLOUT ? CSOCKETS_WRITABLE : 0)
            | (flags & (EPOLLERR | EPOLLHUP) ? CSOCKETS_HUNG_UP : 0);
    }
    return count;
}

int csockets_wake_make(void) {
    int descriptor = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return descriptor < 0 ? -errno : descriptor;
}

int csockets_timer_make(void) {
    int timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    return timer < 0 ? -errno : timer;
}

void csockets_timer_set(int timer, int64_t time) {
    // Zero would switch it off.
    if (time < 1) time = 1;
    struct itimerspec when = {.it_value = {.tv_sec = time / 1000000000, .tv_nsec = time % 1000000000}};
    timerfd_settime(timer, TFD_TIMER_ABSTIME, &when, NULL);
}
