// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#ifndef CTERMINAL_H
#define CTERMINAL_H

#include <stdint.h>
#include <termios.h>

/// How many columns a terminal gives a Unicode character: 0, 1 or 2; -1 for one that cannot be shown.
///
/// What wcwidth(3) says in a UTF-8 locale, whatever locale the process has. Swift does not see wcwidth, because its
/// headers hide it behind feature macros.
int cterminal_width(uint32_t character);

/// Remembers the mode that a terminal is to have when the process ends by a signal; NULL for none any more.
void cterminal_hold(int terminal, const struct termios *mode);

/// Has signals write their number into a pipe, and lets them reach the calling thread. One that the parent has us ignore stays ignored.
///
/// A signal that ends programs, and comes again before `cterminal_took` was called for the first, ends this one at
/// once, with the terminal as it was and exit code 128 + number: whatever hangs, the second Ctrl-C works. Signals of
/// crashes restore the terminal, too, and then do what they do.
void cterminal_route(const int *signals, int count, int pipe);

/// Has SIGINT, SIGTERM, SIGHUP and SIGQUIT restore a terminal's mode and then end the process with exit code 128 + number,
/// until `cterminal_release_mode`.
///
/// For a program that waits for an answer without a loop: the handlers do not use a pipe. It is called once before each
/// release, by one thread.
void cterminal_hold_mode(int terminal, const struct termios *mode);

/// Puts back the signal handlers that were there before `cterminal_hold_mode`.
void cterminal_release_mode(void);

/// The loop has taken all signals from the pipe.
void cterminal_took(void);

#endif
