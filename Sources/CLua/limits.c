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

/// How many instructions may pass until the next visit. Few while large values live: comparing or concatenating those
/// takes milliseconds an instruction.
static int interval(const luar_state *state) {
    if (state->large < (size_t)1 << 20) return LUAR_INTERVAL;
    return state->large < (size_t)8 << 20 ? 64 : 8;
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
    if (new_size > old && new_size - old > state->memory_limit - state->memory) return NULL;
    void *result = realloc(block, new_size);
    if (!result) return NULL;
    state->memory += new_size - old;
    if (old >= LUAR_LARGE) state->large -= old;
    if (new_size >= LUAR_LARGE) state->large += new_size;
    if (new_size > old) {
        state->grown += new_size;
        if (state->grown >= (size_t)1 << 20 && state->running && !state->hurried) {
            // Look at the clock at the next instruction: copying is work that no instruction count shows.
            // lua_sethook is documented as safe at any moment.
            state->hurried = 1;
            lua_sethook(state->running, luar_hook, LUA_MASKCOUNT, 1);
        }
    }
    return result;
}

static const char *limit_text(int kind) {
    return kind == LUAR_MEMORY ? "memory limit passed" : "time limit passed (CPU time or instructions)";
}

static void trip(lua_State *L, luar_state *state, int kind) {
    state->tripped = kind;
    state->failure.used = state->clocked_call == state->calls ? luar_cpu_now() - state->handler_start : 0;
    lua_sethook(L, luar_hook, LUA_MASKCOUNT, 1);
    luaL_error(L, "%s", limit_text(kind));
}

void luar_trip_memory(lua_State *L) { trip(L, luar_of(L), LUAR_MEMORY); }

void luar_reraise(lua_State *L) {
    luar_state *state = luar_of(L);
    if (!state->tripped) return;
    lua_sethook(L, luar_hook, LUA_MASKCOUNT, 1);
    luaL_error(L, "%s", limit_text(state->tripped));
}

/// Compares the thread's CPU clock with the budget. The clock starts at the first look, so that short handlers never
/// pay for a system call; the head start is at most one interval.
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
    if (state->tripped) luar_reraise(L);
    if (units > state->instructions_left) trip(L, state, LUAR_TIMEOUT);
    state->instructions_left -= units;
    state->work += units;
    if (state->work < LUAR_INTERVAL) return;
    state->work = 0;
    look_at_clock(L, state);
}

void luar_hook(lua_State *L, lua_Debug *record) {
    (void)record;
    luar_state *state = luar_of(L);
    if (state->tripped) luar_reraise(L);
    int step = interval(state);
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
    state->instructions_left = instructions;
    state->cpu_start = state->handler_start = state->work = 0;
    state->calls++;
}

static void copy_text(char *target, size_t size, const char *text) { snprintf(target, size, "%s", text ? text : ""); }

/// Notes message, position and traceback where the error arose. Memory errors never get here.
static int note_error(lua_State *L) {
    luar_state *state = luar_of(L);
    luar_failure *failure = &state->failure;
    lua_Debug where;
    for (int level = 1; lua_getstack(L, level, &where); level++) {
        lua_getinfo(L, "Sl", &where);
        if (where.currentline > 0) {
            failure->line = where.currentline;
            copy_text(failure->script, sizeof failure->script, where.short_src);
            break;
        }
    }
    const char *message = lua_type(L, 1) == LUA_TSTRING ? lua_tostring(L, 1) : NULL;
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

int luar_protect(luar_state *state, lua_CFunction function, void *argument) {
    lua_State *L = state->lua;
    luar_failure *failure = &state->failure;
    failure->kind = LUAR_OK;
    failure->line = 0;
    failure->used = 0;
    failure->script[0] = failure->message[0] = failure->traceback[0] = 0;
    // None of these three pushes allocates: light C functions and light userdata, in stack that is always there.
    int base = lua_gettop(L);
    lua_pushcfunction(L, note_error);
    lua_pushcfunction(L, function);
    lua_pushlightuserdata(L, argument);
    state->running = L;
    int status = lua_pcall(L, 1, 0, base + 1);
    int tripped = state->tripped;
    if (tripped || state->hurried) {
        state->tripped = state->hurried = 0;
        lua_sethook(L, luar_hook, LUA_MASKCOUNT, interval(state));
    }
    state->running = NULL;
    lua_settop(L, base);
    if (status == LUA_OK) return LUAR_OK;
    failure->kind = tripped ? tripped : status == LUA_ERRMEM ? LUAR_MEMORY : LUAR_ERROR;
    if (failure->kind == LUAR_MEMORY || failure->kind == LUAR_TIMEOUT)
        copy_text(failure->message, sizeof failure->message, limit_text(failure->kind));
    if (!failure->message[0]) copy_text(failure->message, sizeof failure->message, "error while handling an error");
    return failure->kind;
}

const luar_failure *luar_last_failure(const luar_state *state) { return &state->failure; }
size_t luar_memory(const luar_state *state) { return state->memory; }
