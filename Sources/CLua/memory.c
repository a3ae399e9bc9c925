// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#include "state.h"

#include <stdlib.h>

// The memory of a state: a capped allocator that knows which large values live, and a collector that is planned so that
// garbage does not reach the cap. At the cap Lua collects everything at once, inside whatever call asked for a byte more.

enum {
    /// A string of at least this many bytes is watched: comparing two of them takes a tenth of a millisecond and more.
    watched_string = 16 << 10,
    /// Lua's own pause between two collections, in percent of what lived after the last one.
    default_pause = 200,
    /// What Lua's table of short strings begins with: 128 pointers, the first block of this size (lstring.c, luaS_init).
    first_string_table = 128 * sizeof(void *),
};

// Watched strings, by address: when Lua frees a block it says its size, but not what it was.

static size_t slot_of(const luar_strings *set, const void *block) {
    return (size_t)((uintptr_t)block >> 4) * 0x9E3779B97F4A7C15u >> 20 & (set->capacity - 1);
}

/// Makes room for one more; returns 0 where there is no memory for that.
static int grow_strings(luar_strings *set) {
    if (2 * (set->count + 1) <= set->capacity) return 1;
    luar_strings larger = {.capacity = set->capacity ? 2 * set->capacity : 64, .count = set->count, .bytes = set->bytes};
    larger.blocks = calloc(larger.capacity, sizeof *larger.blocks);
    if (!larger.blocks) return 0;
    for (size_t i = 0; i < set->capacity; i++) {
        if (!set->blocks[i]) continue;
        size_t at = slot_of(&larger, set->blocks[i]);
        while (larger.blocks[at]) at = (at + 1) & (larger.capacity - 1);
        larger.blocks[at] = set->blocks[i];
    }
    free(set->blocks);
    *set = larger;
    return 1;
}

static int add_string(luar_strings *set, const void *block, size_t size) {
    if (!grow_strings(set)) return 0;
    size_t at = slot_of(set, block);
    while (set->blocks[at]) at = (at + 1) & (set->capacity - 1);
    set->blocks[at] = block;
    set->count++;
    set->bytes += size;
    return 1;
}

static void remove_string(luar_strings *set, const void *block, size_t size) {
    if (!set->count) return;
    size_t mask = set->capacity - 1, at = slot_of(set, block);
    while (set->blocks[at] != block) {
        if (!set->blocks[at]) return;
        at = (at + 1) & mask;
    }
    set->count--;
    set->bytes -= size;
    // What follows moves up, or a search would stop at the gap (Knuth, The Art of Computer Programming 3, 6.4, algorithm R).
    for (size_t next = at;;) {
        set->blocks[at] = NULL;
        size_t home;
        do {
            next = (next + 1) & mask;
            if (!set->blocks[next]) return;
            home = slot_of(set, set->blocks[next]);
        } while (((next - home) & mask) < ((next - at) & mask));
        set->blocks[at] = set->blocks[next];
        at = next;
    }
}

int luar_interval(const luar_state *state) {
    // One instruction compares two strings at up to 7 ns a byte (strings of zero bytes), copies a large table's part, or
    // passes on a whole stack of values.
    size_t strings = state->strings.bytes;
    if (strings >= (size_t)4 << 20) return 1;
    if (strings >= (size_t)1 << 20) return 4;
    if (strings >= (size_t)128 << 10 || state->large >= (size_t)8 << 20) return 16;
    if (strings >= (size_t)32 << 10 || state->large >= (size_t)1 << 20) return 64;
    return LUAR_INTERVAL;
}

/// Refuses a block. Lua collects all garbage, which takes its time, and asks once more: the clock is due then, and a
/// second refusal means that memory ran out.
static void *refuse(luar_state *state, void *block, size_t size) {
    if (state->refused_size == size && state->refused_block == block) state->exhausted = 1;
    state->refused_size = size;
    state->refused_block = block;
    luar_start_clock(state);
    luar_hurry(state);
    return NULL;
}

/// Whether the cap leaves room. Above it, where a hook with more room left something, nothing grows.
static int has_room(const luar_state *state, size_t size) {
    size_t limit = state->memory_limit + state->spare;
    return state->memory <= limit && size <= limit - state->memory;
}

void *luar_allocate(void *context, void *block, size_t old_size, size_t new_size) {
    luar_state *state = context;
    // For a new block Lua passes its type in place of the old size.
    size_t old = block ? old_size : 0;
    int is_string = !block && old_size == LUA_TSTRING && new_size >= watched_string;
    if (new_size == 0) {
        if (old >= watched_string) remove_string(&state->strings, block, old);
        free(block);
        state->memory -= old;
        if (old >= LUAR_LARGE) state->large -= old;
        return NULL;
    }
    // Lua's table of short strings may always grow: it is small beside them, and where it may not, Lua does without, after
    // collecting all garbage for every new string.
    int is_string_table = block && block == state->string_table;
    if (new_size > old && !is_string_table && !has_room(state, new_size - old)) return refuse(state, block, new_size);
    void *result = realloc(block, new_size);
    if (!result) return refuse(state, block, new_size);
    if (is_string && !add_string(&state->strings, result, new_size)) {
        free(result);
        return refuse(state, block, new_size);
    }
    if (is_string_table || (!state->string_table && !block && old_size == 0 && new_size == first_string_table))
        state->string_table = result;
    if (new_size > old) state->refused_size = 0;
    state->memory += new_size - old;
    if (old >= LUAR_LARGE) state->large -= old;
    if (new_size >= LUAR_LARGE) state->large += new_size;
    if (new_size > old) {
        state->grown += new_size;
        // Copying is work that no instruction count shows.
        if (state->grown >= (size_t)1 << 20) luar_hurry(state);
    }
    return result;
}

// The collector.

/// Whether what lived after the last collection leaves hardly any room.
static int leaves_little(const luar_state *state) { return state->live > state->memory_limit / 10 * 9; }

/// Comes at the end of each collection: Lua finalizes an object that nothing refers to. Never raises.
static int note_collection(lua_State *L) {
    luar_state *state = luar_of(L);
    state->is_collected = 1;
    state->live = state->memory;
    if (!leaves_little(state)) state->is_nearly_full = 0;
    // To be finalized again after the next one.
    lua_getmetatable(L, 1);
    lua_setmetatable(L, 1);
    return 0;
}

void luar_open_collector(lua_State *L) {
    lua_newuserdatauv(L, 0, 0);
    lua_createtable(L, 0, 1);
    lua_pushcfunction(L, note_collection);
    lua_setfield(L, -2, "__gc");
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
    luar_of(L)->pause = default_pause;
}

void luar_plan_collection(lua_State *L) {
    luar_state *state = luar_of(L);
    state->is_collected = 0;
    size_t live = state->live ? state->live : 1;
    // The next collection is to end below 85 % of the limit. While it goes on, a state grows by a hundredth of what lives:
    // for each 8 KiB that are allocated, Lua looks at 800 (lgc.c, incstep).
    size_t highest = state->memory_limit / 100 * 85, begin = highest > live / 64 ? highest - live / 64 : 0;
    size_t percent = begin / (live / 100 + 1);
    int pause = percent > default_pause ? default_pause : percent < 105 ? 105 : (int)percent;
    int before = state->pause;
    if (pause != before) lua_gc(L, LUA_GCINC, pause, 0, 0);
    state->pause = pause;
    // The one that just ended has planned the next by the pause before: bring that forward by the difference.
    if (pause < before) lua_gc(L, LUA_GCSTEP, (int)(live / 100 * (size_t)(before - pause) >> 10) + 1);
}

void luar_make_room(lua_State *L, size_t size) {
    luar_state *state = luar_of(L);
    if (has_room(state, size)) return;
    luar_start_clock(state);
    lua_gc(L, LUA_GCCOLLECT);
}

static int collect(lua_State *L) {
    lua_gc(L, LUA_GCCOLLECT);
    luar_state *state = luar_of(L);
    state->live = state->memory;
    state->is_nearly_full = leaves_little(state);
    luar_plan_collection(L);
    return 0;
}

void luar_collect(luar_state *state) { luar_protect(state, collect, NULL); }

size_t luar_memory(const luar_state *state) { return state->memory; }
