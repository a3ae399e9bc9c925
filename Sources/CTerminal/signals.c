// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#include "cterminal.h"
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

// Written before the handlers are installed or with `is_held` off, so that a handler never sees half a mode.
static struct termios held_mode;
static int held_terminal;
static volatile sig_atomic_t is_held;
static volatile sig_atomic_t is_ending;
static int wake_pipe = -1;

void cterminal_hold(int terminal, const struct termios *mode) {
    is_held = 0;
    if (mode == NULL) return;
    held_terminal = terminal;
    held_mode = *mode;
    is_held = 1;
}

void cterminal_took(void) { is_ending = 0; }

// Calls only what POSIX allows in a signal handler.
static void restore(void) {
    if (!is_held) return;
    static const char paste_marks_off[] = "\r\n\033[?2004l";
    (void)!write(held_terminal, paste_marks_off, sizeof paste_marks_off - 1);
    tcsetattr(held_terminal, TCSANOW, &held_mode);
}

static int ends_programs(int number) {
    return number != SIGWINCH && number != SIGCONT && number != SIGTSTP;
}

static void tell(int number) {
    int code = errno;
    if (ends_programs(number)) {
        if (is_ending) {
            restore();
            _exit(128 + number);
        }
        is_ending = 1;
    }
    unsigned char byte = (unsigned char)number;
    // A full pipe wakes the loop as well as another byte would.
    (void)!write(wake_pipe, &byte, 1);
    errno = code;
}

static void crash(int number) {
    restore();
    // SA_RESETHAND has put the default back.
    raise(number);
}

static void handle(int number, void (*handler)(int), int flags) {
    struct sigaction before;
    if (sigaction(number, NULL, &before) == 0 && before.sa_handler == SIG_IGN) return;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = handler;
    // Without SA_RESTART: a write that waits for a terminal or a pipe must come back.
    action.sa_flags = flags;
    sigaction(number, &action, NULL);
}

void cterminal_route(const int *signals, int count, int pipe) {
    static const int crashes[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGABRT, SIGSYS};
    wake_pipe = pipe;
    // The threads of Swift's pool have all signals blocked. For the thread that changes the terminal's mode that will not
    // do: the system takes it for leave to do so from the background, where the terminal is somebody else's.
    sigset_t none;
    sigemptyset(&none);
    pthread_sigmask(SIG_SETMASK, &none, NULL);
    for (int index = 0; index < count; index++) handle(signals[index], tell, 0);
    for (size_t index = 0; index < sizeof crashes / sizeof *crashes; index++) {
        handle(crashes[index], crash, (int)SA_RESETHAND);
    }
}

// A mode that is held while a question waits for its answer.

static const int question_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
enum { question_count = sizeof question_signals / sizeof *question_signals };
static struct sigaction before_question[question_count];
// Written before the handlers are installed, and read by them alone.
static struct termios question_mode;
static int question_terminal;

// Calls only what POSIX allows in a signal handler.
static void end_question(int number) {
    tcsetattr(question_terminal, TCSANOW, &question_mode);
    _exit(128 + number);
}

void cterminal_hold_mode(int terminal, const struct termios *mode) {
    question_terminal = terminal;
    question_mode = *mode;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_handler = end_question;
    // Also where a signal is ignored: a program that takes it in another way ignores it first.
    for (int index = 0; index < question_count; index++) {
        sigaction(question_signals[index], &action, &before_question[index]);
    }
}

void cterminal_release_mode(void) {
    for (int index = 0; index < question_count; index++) {
        sigaction(question_signals[index], &before_question[index], NULL);
    }
}
