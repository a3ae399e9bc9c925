// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

// Invariants:
// - The hook is installed before the first script is loaded and never removed; a coroutine inherits it at creation.
// - Once `tripped` is set, the hook of the thread that tripped raises at every instruction, and pcall, xpcall and the
//   coroutine functions raise again on entry and return, so no script code between the trip and the outermost call
//   gets further than one instruction.
// - A coroutine that died of a limit is never closed: an error inside a hook leaves its hooks off, so a `__close`
//   metamethod there would run without limits.

int64_t luar_cpu_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int luar_interval(const luar_state *state) {
    if (state->large < (size_t)1 << 20) return LUAR_INTERVAL;
    return state->large < (size_t)8 << 20 ? 64 : 8;
}

/// Has the hook come at the next instruction. lua_sethook is documented as safe at any moment.
static void hurry(luar_state *state) {
    if (!state->running || state->hurried) return;
    state->hurried = 1;
    lua_sethook(state->running, luar_hook, LUA_MASKCOUNT, 1);
}

/// Refuses a block. Lua collects all garbage, which takes its time, and asks once more: the clock is due then, and a
/// second refusal means that memory ran out.
static void *refuse(luar_state *state, void *block, size_t size) {
    if (state->refused_size == size && state->refused_block == block) state->exhausted = 1;
    state->refused_size = size;
    state->refused_block = block;
    hurry(state);
    return NULL;
}

void *luar_allocate(void *context, void *block, size_t old_size, size_t new_size) {
    luar_state *state = context;
    // For a new block Lua passes its type in place of the old size.
    size_t old = block ? old_size : 0;
    if (new_size == 0) {
        free(block);
        state->memory -= old;
        if (old >= LUAR_LARGE) state->large -= old;
        return NULL;
    }
    if (new_size > old && new_size - old > state->memory_limit - state->memory) return refuse(state, block, new_size);
    void *result = realloc(block, new_size);
    if (!result) return refuse(state, block, new_size);
    if (new_size > old) state->refused_size = 0;
    state->memory += new_size - old;
    if (old >= LUAR_LARGE) state->large -= old;
    if (new_size >= LUAR_LARGE) state->large += new_size;
    if (new_size > old) {
        state->grown += new_size;
        // Copying is work that no instruction count shows.
        if (state->grown >= (size_t)1 << 20) hurry(state);
    }
    return result;
}

static void trip(lua_State *L, luar_state *state, int kind) {
    state->tripped = kind;
    state->failure.used = state->clocked_call == state->calls ? luar_cpu_now() - state->handler_start : 0;
    lua_sethook(L, luar_hook, LUA_MASKCOUNT, 1);
    luaL_error(L, "a limit was passed");
}

void luar_trip_memory(lua_State *L) { trip(L, luar_of(L), LUAR_MEMORY); }

void luar_reraise(lua_State *L) {
    luar_state *state = luar_of(L);
    if (state->exhausted && !state->tripped) trip(L, state, LUAR_MEMORY);
    if (!state->tripped) return;
    lua_sethook(L, luar_hook, LUA_MASKCOUNT, 1);
    luaL_error(L, "a limit was passed");
}

/// Compares the thread's CPU clock with the budget. The clock starts at the first look, so that short handlers never
/// pay for a system call. The head start is one interval, or one call of a library function without a loop of its own
/// to count.
static void look_at_clock(lua_State *L, luar_state *state) {
    int64_t now = luar_cpu_now();
    state->grown = 0;
    if (!state->cpu_start) state->cpu_start = now;
    if (state->clocked_call != state->calls || !state->handler_start) {
        state->clocked_call = state->calls;
        state->handler_start = now;
    }
    if (now - state->cpu_start > state->cpu_allowed) trip(L, state, LUAR_TIMEOUT);
}

void luar_charge(lua_State *L, int64_t units) {
    luar_state *state = luar_of(L);
    luar_reraise(L);
    if (units < 0 || units > state->instructions_left) {
        state->instructions_left = -1;
        trip(L, state, LUAR_TIMEOUT);
    }
    state->instructions_left -= units;
    state->work += units;
    if (state->work < LUAR_INTERVAL) return;
    state->work = 0;
    look_at_clock(L, state);
}

void luar_hook(lua_State *L, lua_Debug *record) {
    (void)record;
    luar_state *state = luar_of(L);
    luar_reraise(L);
    int step = luar_interval(state);
    state->instructions_left -= step;
    if (state->instructions_left < 0) trip(L, state, LUAR_TIMEOUT);
    // With nothing large alive a visit is a few microseconds after the last: every fourth reads the clock.
    if (state->hurried || step < LUAR_INTERVAL || !state->cpu_start || (++state->visits & 3) == 0)
        look_at_clock(L, state);
    state->hurried = 0;
    if (lua_gethookcount(L) != step) lua_sethook(L, luar_hook, LUA_MASKCOUNT, step);
}

void luar_begin(luar_state *state, int64_t cpu_nanoseconds, int64_t instructions) {
    state->cpu_allowed = cpu_nanoseconds;
    state->instructions_left = state->instructions_allowed = instructions;
    state->cpu_start = state->handler_start = state->work = 0;
    state->calls++;
}

static void copy_text(char *target, size_t size, const char *text) { snprintf(target, size, "%s", text ? text : ""); }

int luar_note_error(lua_State *L) {
    luar_state *state = luar_of(L);
    luar_failure *failure = &state->failure;
    if (state->noted) return 1;
    lua_Debug where;
    for (int level = 1; lua_getstack(L, level, &where); level++) {
        lua_getinfo(L, "Sl", &where);
        if (where.currentline > 0) {
            failure->line = where.currentline;
            copy_text(failure->script, sizeof failure->script, where.short_src);
            break;
        }
    }
    const char *message = lua_isstring(L, 1) ? lua_tostring(L, 1) : NULL;
    if (!message && !state->tripped && luaL_getmetafield(L, 1, "__tostring") != LUA_TNIL) {
        lua_settop(L, 1);
        luar_push_text(L, 1);
        message = lua_tostring(L, -1);
    }
    if (!message) message = lua_pushfstring(L, "(the error is a %s value)", luaL_typename(L, 1));
    copy_text(failure->message, sizeof failure->message, message);
    luaL_traceback(L, L, NULL, 1);
    copy_text(failure->traceback, sizeof failure->traceback, lua_tostring(L, -1));
    lua_settop(L, 1);
    return 1;
}

/// The text of a passed limit, in place of whatever error it arrived as.
static void note_limit(const luar_state *state, luar_failure *failure) {
    size_t size = sizeof failure->message;
    if (failure->kind == LUAR_MEMORY)
        snprintf(failure->message, size, "memory limit passed: more than %zu bytes", state->memory_limit);
    else if (failure->kind == LUAR_TIMEOUT && state->instructions_left < 0)
        snprintf(failure->message, size, "time limit passed: more than %lld instructions",
                 (long long)state->instructions_allowed);
    else if (failure->kind == LUAR_TIMEOUT)
        snprintf(failure->message, size, "time limit passed: more than %lld ms of CPU time",
                 (long long)(state->cpu_allowed / 1000000));
}

int luar_protect(luar_state *state, lua_CFunction function, void *argument) {
    // Called from within a callback, it stands inside the run that the callback belongs to.
    lua_State *outer = state->running, *L = outer ? outer : state->lua;
    luar_failure *failure = &state->failure;
    failure->kind = LUAR_OK;
    failure->line = 0;
    failure->used = 0;
    failure->script[0] = failure->message[0] = failure->traceback[0] = 0;
    // None of these three pushes allocates: light C functions and light userdata, in stack that is there.
    int base = lua_gettop(L);
    if (!lua_checkstack(L, 4)) return failure->kind = LUAR_MEMORY;
    if (!outer) {
        state->nested = state->noted = state->exhausted = 0;
        state->refused_size = 0;
    }
    lua_pushcfunction(L, luar_note_error);
    lua_pushcfunction(L, function);
    lua_pushlightuserdata(L, argument);
    state->running = L;
    int status = lua_pcall(L, 1, 0, base + 1);
    int tripped = state->tripped;
    if (!outer && (tripped || state->hurried)) {
        state->tripped = state->hurried = 0;
        lua_sethook(L, luar_hook, LUA_MASKCOUNT, luar_interval(state));
    }
    state->running = outer;
    lua_settop(L, base);
    if (status == LUA_OK) return LUAR_OK;
    failure->kind = tripped ? tripped : status == LUA_ERRMEM ? LUAR_MEMORY : LUAR_ERROR;
    note_limit(state, failure);
    if (!failure->message[0]) copy_text(failure->message, sizeof failure->message, "error while handling an error");
    return failure->kind;
}

const luar_failure *luar_last_failure(const luar_state *state) { return &state->failure; }
size_t luar_memory(const luar_state *state) { return state->memory; }
