// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

/// What Swift cannot say to Linux about sockets: addresses of either family, many datagrams in one system call, control
/// messages, the error queue, epoll(7), the kernel's clocks. Nothing here keeps state beyond what it is handed or calls back;
/// nothing is thread safe but in that different objects and descriptors may be used by different threads.

#ifndef CSOCKETS_H
#define CSOCKETS_H

#include <stddef.h>
#include <stdint.h>

/// An Internet address. IPv4 is mapped (RFC 4291, section 2.5.5.2); all zero means none.
typedef struct csockets_address {
    uint8_t ip[16];
    /// The interface of a link-local address, else 0.
    uint32_t scope;
    uint16_t port;
} csockets_address;

/// Reads a socket address of either family; `is_address` is zero if it is of another.
typedef struct csockets_reading {
    csockets_address address;
    int is_address;
} csockets_reading;
csockets_reading csockets_read(const void *name, size_t size);

// MARK: Opening

/// Opens a non-blocking UDP socket, bound to `address`, that learns of ICMP errors and, bound to a wildcard, of the
/// address that each datagram was sent to. `buffer_bytes` is asked for in both directions. `bound` becomes the address in
/// use. Returns the descriptor, owned by the caller, or -errno.
int csockets_udp_open(const csockets_address *address, int buffer_bytes, csockets_address *bound);

/// Opens a non-blocking TCP socket that listens at `address`; `bound` becomes the address in use. Returns the descriptor,
/// owned by the caller, or -errno.
int csockets_tcp_listen(const csockets_address *address, int backlog, csockets_address *bound);
/// Takes a connection, without delaying small segments (TCP_NODELAY) and with keep-alive probes; `peer` becomes its other
/// end. Returns the non-blocking descriptor, owned by the caller, or -errno: EAGAIN if there is none.
int csockets_tcp_accept(int listener, csockets_address *peer);
/// Our own end of a connection. Returns 0, or -errno.
int csockets_local_address(int descriptor, csockets_address *address);

/// What the kernel gave: its own count for the receive buffer, which is twice what was asked for.
int csockets_receive_buffer(int descriptor);

// MARK: Receiving

typedef struct csockets_receiver csockets_receiver;

/// One datagram that arrived.
typedef struct csockets_arrival {
    csockets_address from;
    /// Our address that it was sent to; none where the socket is bound to it or it was a group's.
    csockets_address to;
    /// Bytes that are there; fewer than were sent if it is truncated.
    uint32_t length;
    uint32_t is_truncated;
} csockets_arrival;

/// Makes a receiver of `slots` datagrams a call, each of `slot_bytes` at the most. Returns NULL without memory.
csockets_receiver *csockets_receiver_make(unsigned slots, size_t slot_bytes);
void csockets_receiver_free(csockets_receiver *receiver);
/// Receives what is there. Returns the number of datagrams, or -errno.
int csockets_receive(csockets_receiver *receiver, int descriptor);
/// A datagram of the last call; valid until the next one.
const csockets_arrival *csockets_arrival_at(const csockets_receiver *receiver, unsigned index);
const uint8_t *csockets_bytes_at(const csockets_receiver *receiver, unsigned index);
/// Datagrams that the kernel has dropped for want of room since the socket was opened, as far as it has told.
uint32_t csockets_dropped(const csockets_receiver *receiver);

// MARK: Sending

typedef struct csockets_sender csockets_sender;

/// A text in a buffer.
typedef struct csockets_text {
    size_t offset;
    size_t length;
} csockets_text;

/// To whom datagrams go, and from which of our addresses.
typedef struct csockets_recipient {
    csockets_address to;
    csockets_address from;
} csockets_recipient;

/// Consecutive texts for one recipient.
typedef struct csockets_run {
    uint32_t recipient;
    uint32_t first;
    uint32_t count;
} csockets_run;

csockets_sender *csockets_sender_make(void);
void csockets_sender_free(csockets_sender *sender);
/// Begins with a batch: every run in order, one datagram a text. `bytes` are borrowed until the batch is done; the rest is
/// copied. `is_v6` is the socket's family. Returns 0, or -ENOMEM.
int csockets_begin(csockets_sender *sender, int is_v6, const uint8_t *bytes, const csockets_text *texts, size_t text_count,
                   const csockets_recipient *recipients, size_t recipient_count, const csockets_run *runs,
                   size_t run_count);
/// Sends as much of the batch as one system call takes. Returns the number of datagrams sent, 0 once the batch is done,
/// or -errno for the next one.
int csockets_send(csockets_sender *sender, int descriptor);
/// Leaves the next datagram out.
void csockets_skip(csockets_sender *sender);
/// The run of the next datagram, and which of its texts that is; `run` is the number of runs once the batch is done.
void csockets_position(const csockets_sender *sender, size_t *run, uint32_t *text);

// MARK: One text for many streams

/// A stream among many.
typedef struct csockets_peer {
    int descriptor;
    /// Whether bytes may go to the socket at once: no earlier bytes wait, and the connection is not captured.
    int is_direct;
    /// The last tick in which it had something of its own, which takes the place of what the others get.
    uint32_t tick;
} csockets_peer;

/// What became of the bytes for one peer that did not take all of them.
typedef struct csockets_rest {
    int32_t slot;
    /// Bytes that were sent; -1 where the connection is broken, -2 where the host has to send them.
    int64_t sent;
} csockets_rest;

/// Sends the same bytes to the peers in these slots, but not to those that had something of their own in this tick. Writes
/// what became of it for each peer that did not take all to `rests`, which has room for `count`; returns how many those are.
int csockets_send_to_all(csockets_peer *peers, const int32_t *slots, int count, uint32_t tick, const void *bytes,
                         size_t size, csockets_rest *rests);

// MARK: Errors

/// What the error queue tells of a peer.
typedef struct csockets_error {
    csockets_address peer;
    /// Nonzero if nothing listens at the peer's port: ICMP port unreachable (RFC 792; for IPv6 RFC 4443, section 3.1).
    int is_port_unreachable;
    int error;
} csockets_error;

/// Takes one error from the queue. Returns 1, 0 if there is none (then none is pending on the socket either), or -errno.
int csockets_take_error(int descriptor, csockets_error *error);

// MARK: Probing

/// Opens a non-blocking UDP socket that receives from `to` alone, with the kernel's receive times (SO_TIMESTAMPNS), from
/// `port`, or any with 0. Nothing waits in it. Returns the descriptor, owned by the caller, or -errno.
int csockets_probe_open(const csockets_address *to, uint16_t port);
/// Receives a datagram of that peer. `stamp` becomes when the kernel received it, in nanoseconds of CLOCK_REALTIME; 0 if it did not say.
/// Returns its length, `size` + 1 if it is longer than that, or -errno: ECONNREFUSED if nothing listens at the peer's
/// port.
int csockets_probe_receive(int descriptor, const csockets_address *from, uint8_t *bytes, size_t size, int64_t *stamp);

// MARK: Waiting

/// What a descriptor is waited for, and what it is ready for. A hang-up or an error is always reported.
enum { CSOCKETS_READABLE = 1, CSOCKETS_WRITABLE = 2, CSOCKETS_HUNG_UP = 4 };

/// A descriptor that is ready.
typedef struct csockets_ready {
    /// What stood for it when it was added.
    uint64_t token;
    /// Of the values above.
    uint32_t state;
} csockets_ready;

/// Makes a descriptor that waits for many: epoll(7), level-triggered. Returns it, owned by the caller, or -errno.
int csockets_poller_make(void);
/// Waits for `descriptor`, too, until it is removed or closed; `token` stands for it. Returns 0, or -errno.
int csockets_poller_add(int poller, int descriptor, uint64_t token, uint32_t interest);
/// Changes what a descriptor is waited for. Returns 0, or -errno.
int csockets_poller_change(int poller, int descriptor, uint64_t token, uint32_t interest);
/// Waits for a descriptor no longer.
void csockets_poller_remove(int poller, int descriptor);
/// Blocks until something is ready, at most so many nanoseconds; without end if that is negative. Returns how many it wrote
/// to `ready`, 0 when the time is over or a signal came, or -errno.
int csockets_poller_wait(int poller, csockets_ready *ready, int most, int64_t nanoseconds);

/// Makes a descriptor by which one thread wakes another out of poll(2): eventfd(2). Returns it, owned by the caller, or
/// -errno.
int csockets_wake_make(void);

/// Makes a timer that a poller can wait for: timerfd(2), which unlike a timeout is not rounded. Returns its descriptor,
/// owned by the caller, or -errno.
int csockets_timer_make(void);
/// Has it go off once, at a time of CLOCK_MONOTONIC in nanoseconds.
void csockets_timer_set(int timer, int64_t time);

/// What a clock shows, in nanoseconds.
enum { CSOCKETS_MONOTONIC, CSOCKETS_REALTIME, CSOCKETS_BOOTTIME };
int64_t csockets_clock(int clock);

#endif
