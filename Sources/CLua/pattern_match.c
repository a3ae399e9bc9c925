// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#include "patterns.h"

#include <ctype.h>
#include <string.h>

enum {
    /// How deep repetitions and captures are looked into before a pattern counts as too complex.
    deepest = 200,
    /// Characters looked at between two charges, and what so many cost in instructions.
    steps = 1024,
    steps_cost = 256,
    /// Shorter captures cost as little as the steps that found them.
    charged_copy = 1024,
};

static inline void step(luar_matcher *it) {
    if (++it->step < steps) return;
    it->step = 0;
    luar_charge(it->L, steps_cost);
}

void luar_take_step(luar_matcher *it) { step(it); }

// Single characters.

/// Whether a character is in the class that a letter after '%' names; other characters name themselves.
static int is_in_class(int character, int name) {
    int found;
    switch (tolower(name)) {
        case 'a': found = isalpha(character); break;
        case 'c': found = iscntrl(character); break;
        case 'd': found = isdigit(character); break;
        case 'g': found = isgraph(character); break;
        case 'l': found = islower(character); break;
        case 'p': found = ispunct(character); break;
        case 's': found = isspace(character); break;
        case 'u': found = isupper(character); break;
        case 'w': found = isalnum(character); break;
        case 'x': found = isxdigit(character); break;
        case 'z': found = character == 0; break;
        default: return name == character;
    }
    return isupper(name) ? !found : found != 0;
}

/// Whether a character is in the set from '[' at `at` to ']' at `last`.
static int is_in_set(luar_matcher *it, int character, const char *at, const char *last) {
    int inside = 1;
    if (*++at == '^') {
        inside = 0;
        at++;
    }
    for (; at < last; at++) {
        step(it);
        if (*at == '%') {
            at++;
            if (is_in_class(character, (unsigned char)*at)) return inside;
        } else if (at[1] == '-' && at + 2 < last) {
            if ((unsigned char)at[0] <= character && character <= (unsigned char)at[2]) return inside;
            at += 2;
        } else if ((unsigned char)*at == character) {
            return inside;
        }
    }
    return !inside;
}

/// Where the single-character item at `at` ends. Raises for one that does not.
static const char *item_end(luar_matcher *it, const char *at) {
    const char *end = it->pattern_end;
    if (*at == '%') {
        if (at + 1 == end) luaL_error(it->L, "malformed pattern (ends with '%%')");
        return at + 2;
    }
    if (*at != '[') return at + 1;
    at++;
    if (*at == '^') at++;
    // A ']' right at the beginning stands for itself.
    do {
        if (at == end) luaL_error(it->L, "malformed pattern (missing ']')");
        step(it);
        if (*at++ == '%' && at < end) at++;
    } while (at == end || *at != ']');
    return at + 1;
}

/// Whether the character at `at` in the text, if there is one, is what the item says.
static inline int is_match(luar_matcher *it, const char *at, const char *item, const char *after) {
    if (at >= it->text_end) return 0;
    step(it);
    int character = (unsigned char)*at;
    switch (*item) {
        case '.': return 1;
        case '%': return is_in_class(character, (unsigned char)item[1]);
        case '[': return is_in_set(it, character, item, after - 1);
        default: return (unsigned char)*item == character;
    }
}

// Items of several characters. Each function takes a place in the text and answers the place behind what matches, or NULL.

static const char *match(luar_matcher *it, const char *at, const char *pattern);

/// As many as there are, and then fewer.
static const char *match_most(luar_matcher *it, const char *at, const char *item, const char *after) {
    ptrdiff_t count = 0;
    while (is_match(it, at + count, item, after)) count++;
    for (; count >= 0; count--) {
        step(it);
        const char *end = match(it, at + count, after + 1);
        if (end) return end;
    }
    return NULL;
}

/// None, and then more.
static const char *match_fewest(luar_matcher *it, const char *at, const char *item, const char *after) {
    for (;;) {
        step(it);
        const char *end = match(it, at, after + 1);
        if (end) return end;
        if (!is_match(it, at, item, after)) return NULL;
        at++;
    }
}

static const char *match_balanced(luar_matcher *it, const char *at, const char *pair) {
    if (pair + 1 >= it->pattern_end) luaL_error(it->L, "malformed pattern (missing arguments to '%%b')");
    if (at >= it->text_end || *at != pair[0]) return NULL;
    ptrdiff_t open = 1;
    while (++at < it->text_end) {
        step(it);
        // The same character at both ends closes.
        if (*at == pair[1]) {
            if (--open == 0) return at + 1;
        } else if (*at == pair[0]) {
            open++;
        }
    }
    return NULL;
}

static const char *match_capture(luar_matcher *it, const char *at, const char *pattern, ptrdiff_t length) {
    if (it->captures >= luar_most_captures) luaL_error(it->L, "too many captures");
    it->capture[it->captures].start = at;
    it->capture[it->captures].length = length;
    it->captures++;
    const char *end = match(it, at, pattern);
    if (!end) it->captures--;
    return end;
}

static const char *match_capture_end(luar_matcher *it, const char *at, const char *pattern) {
    int last = it->captures - 1;
    while (last >= 0 && it->capture[last].length != LUAR_OPEN) last--;
    if (last < 0) luaL_error(it->L, "invalid pattern capture");
    it->capture[last].length = at - it->capture[last].start;
    const char *end = match(it, at, pattern);
    if (!end) it->capture[last].length = LUAR_OPEN;
    return end;
}

/// What an earlier capture has taken, again.
static const char *match_again(luar_matcher *it, const char *at, int digit) {
    int index = digit - '1';
    if (index < 0 || index >= it->captures || it->capture[index].length == LUAR_OPEN)
        luaL_error(it->L, "invalid capture index %%%d", index + 1);
    // A place has a length that no text has.
    size_t length = (size_t)it->capture[index].length;
    if (length > (size_t)(it->text_end - at)) return NULL;
    luar_charge(it->L, (int64_t)(length / 64));
    return memcmp(it->capture[index].start, at, length) == 0 ? at + length : NULL;
}

/// Whether a set begins to hold here: it holds for this character and not for the one before, where an end counts as '\0'.
static int is_frontier(luar_matcher *it, const char *at, const char *set, const char *after) {
    int before = at == it->text ? 0 : (unsigned char)at[-1];
    int here = at == it->text_end ? 0 : (unsigned char)*at;
    return !is_in_set(it, before, set, after - 1) && is_in_set(it, here, set, after - 1);
}

/// Matches the rest of the pattern.
static const char *match_rest(luar_matcher *it, const char *at, const char *pattern) {
    while (pattern < it->pattern_end) {
        step(it);
        char next = pattern[1];
        if (*pattern == '(') {
            return next == ')' ? match_capture(it, at, pattern + 2, LUAR_POSITION)
                               : match_capture(it, at, pattern + 1, LUAR_OPEN);
        }
        if (*pattern == ')') return match_capture_end(it, at, pattern + 1);
        if (*pattern == '$' && pattern + 1 == it->pattern_end) return at == it->text_end ? at : NULL;
        if (*pattern == '%' && next == 'b') {
            at = match_balanced(it, at, pattern + 2);
            if (!at) return NULL;
            pattern += 4;
            continue;
        }
        if (*pattern == '%' && next == 'f') {
            const char *set = pattern + 2;
            if (*set != '[') luaL_error(it->L, "missing '[' after '%%f' in pattern");
            pattern = item_end(it, set);
            if (!is_frontier(it, at, set, pattern)) return NULL;
            continue;
        }
        if (*pattern == '%' && isdigit((unsigned char)next)) {
            at = match_again(it, at, next);
            if (!at) return NULL;
            pattern += 2;
            continue;
        }
        const char *after = item_end(it, pattern);
        switch (*after) {
            case '*': return match_most(it, at, pattern, after);
            case '+': return is_match(it, at, pattern, after) ? match_most(it, at + 1, pattern, after) : NULL;
            case '-': return match_fewest(it, at, pattern, after);
            case '?':
                if (is_match(it, at, pattern, after)) {
                    const char *end = match(it, at + 1, after + 1);
                    if (end) return end;
                }
                pattern = after + 1;
                break;
            default:
                if (!is_match(it, at, pattern, after)) return NULL;
                at++;
                pattern = after;
        }
    }
    return at;
}

static const char *match(luar_matcher *it, const char *at, const char *pattern) {
    if (it->depth-- == 0) luaL_error(it->L, "pattern too complex");
    const char *end = match_rest(it, at, pattern);
    it->depth++;
    return end;
}

// The captures stay as they are: they are many bytes, which nobody reads before they are written.
void luar_begin_matching(luar_matcher *it, lua_State *L, const char *text, size_t size, const char *pattern,
                         size_t pattern_size) {
    it->L = L;
    it->text = text;
    it->text_end = text + size;
    it->pattern = pattern;
    it->pattern_end = pattern + pattern_size;
    it->step = 0;
}

const char *luar_match_at(luar_matcher *it, const char *at) {
    it->captures = 0;
    it->depth = deepest;
    return match(it, at, it->pattern);
}

void luar_push_capture(luar_matcher *it, int index, const char *start, const char *end) {
    if (index >= it->captures) {
        if (index != 0) luaL_error(it->L, "invalid capture index %%%d", index + 1);
        lua_pushlstring(it->L, start, (size_t)(end - start));
        return;
    }
    ptrdiff_t length = it->capture[index].length;
    if (length >= charged_copy) luar_charge(it->L, length / 64);
    if (length == LUAR_OPEN) luaL_error(it->L, "unfinished capture");
    if (length == LUAR_POSITION) lua_pushinteger(it->L, it->capture[index].start - it->text + 1);
    else lua_pushlstring(it->L, it->capture[index].start, (size_t)length);
}

int luar_push_captures(luar_matcher *it, const char *start, const char *end) {
    int count = it->captures == 0 && start ? 1 : it->captures;
    luaL_checkstack(it->L, count, "too many captures");
    for (int i = 0; i < count; i++) luar_push_capture(it, i, start, end);
    return count;
}
