// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#ifndef LUAR_PATTERNS_H
#define LUAR_PATTERNS_H

#include "state.h"

// The patterns of Lua 5.4 (manual, section 6.4.1), on the budget of the script that uses them: Lua's own functions have
// loops that no limit reaches, and a harmless pattern such as "^%s*(.-)%s*$" takes seconds on 64 KiB of spaces.

enum {
    /// Captures of one pattern.
    luar_most_captures = 32,
};

/// What the length of a capture says when it is none.
enum { LUAR_OPEN = -1, LUAR_POSITION = -2 };

/// A pattern and the text that it is looked for in, and what it has captured.
typedef struct {
    lua_State *L;
    const char *text, *text_end, *pattern, *pattern_end;
    int depth, step, captures;
    struct {
        const char *start;
        ptrdiff_t length;
    } capture[luar_most_captures];
} luar_matcher;

/// Readies a matcher; both texts must outlive it. Never raises.
void luar_begin_matching(luar_matcher *it, lua_State *L, const char *text, size_t size, const char *pattern,
                         size_t pattern_size);
/// Takes note of a character that was looked at. Raises past a limit.
void luar_take_step(luar_matcher *it);
/// Matches the whole pattern at a place in the text; returns where the match ends, or NULL. Raises for what is no pattern,
/// and past a limit.
const char *luar_match_at(luar_matcher *it, const char *at);
/// Pushes a capture; where the pattern has none, the first is the whole match. Raises for one that is not there.
void luar_push_capture(luar_matcher *it, int index, const char *start, const char *end);
/// Pushes all captures; where the pattern has none, the whole match, unless `start` is NULL. Returns how many. May raise.
int luar_push_captures(luar_matcher *it, const char *start, const char *end);

#endif
