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

static int64_t read_clock(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int64_t luar_cpu_now(void) { return read_clock(CLOCK_THREAD_CPUTIME_ID); }

/// Adds without going beyond the largest number, by which hosts say that there is no limit.
static int64_t add(int64_t left, int64_t right) { return left > INT64_MAX - right ? INT64_MAX : left + right; }

void luar_hurry(luar_state *state) {
    if (!state->running || state->hurried) return;
    state->hurried = 1;
    lua_sethook(state->running, luar_count_hook, LUA_MASKCOUNT, 1);
}

void luar_start_clock(luar_state *state) {
    if (state->cpu_start) return;
    state->cpu_start = luar_cpu_now();
    state->start = read_clock(CLOCK_MONOTONIC);
    state->next_look = add(state->start, state->cpu_allowed);
}

static void trip(lua_State *L, luar_state *state, int kind) {
    state->tripped = kind;
    state->failure.used = state->cpu_start ? luar_cpu_now() - state->cpu_start : 0;
    lua_sethook(L, luar_count_hook, LUA_MASKCOUNT, 1);
    luaL_error(L, "a limit was passed");
}

void luar_trip_memory(lua_State *L) { trip(L, luar_of(L), LUAR_MEMORY); }

void luar_reraise(lua_State *L) {
    luar_state *state = luar_of(L);
    if (state->exhausted && !state->tripped) trip(L, state, LUAR_MEMORY);
    if (!state->tripped) return;
    lua_sethook(L, luar_count_hook, LUA_MASKCOUNT, 1);
    luaL_error(L, "a limit was passed");
}

/// Compares the thread's CPU clock with the budget. The clock starts at the first look, so that short hooks never
/// pay for a system call. The head start is one interval, or one charge that is not looked at.
///
/// Reading the CPU clock takes 25 times as long as reading the monotonic one, which no thread's CPU time outruns: as long as
/// what is left has not passed on that, there is no need to.
static void look_at_clock(lua_State *L, luar_state *state) {
    enum { between_looks = 20000 };
    state->grown = state->work = 0;
    if (!state->cpu_start) return luar_start_clock(state);
    int64_t now = read_clock(CLOCK_MONOTONIC);
    if (now < state->next_look) return;
    int64_t left = state->cpu_allowed - (luar_cpu_now() - state->cpu_start);
    if (left < 0) trip(L, state, LUAR_TIMEOUT);
    state->next_look = add(now, left > between_looks ? left : between_looks);
}

void luar_charge(lua_State *L, int64_t units) {
    luar_state *state = luar_of(L);
    luar_reraise(L);
    if (units < 0 || units > state->instructions_left) {
        // The work is not done, so nothing is taken for it: what is left goes to others.
        state->is_over = 1;
        trip(L, state, LUAR_TIMEOUT);
    }
    state->instructions_left -= units;
    state->work += units;
    if (state->work >= LUAR_INTERVAL) look_at_clock(L, state);
}

void luar_count_hook(lua_State *L, lua_Debug *record) {
    (void)record;
    luar_state *state = luar_of(L);
    luar_reraise(L);
    int step = luar_interval(state);
    state->instructions_left -= step;
    if (state->instructions_left < 0) {
        state->is_over = 1;
        trip(L, state, LUAR_TIMEOUT);
    }
    if (state->is_collected) luar_plan_collection(L);
    look_at_clock(L, state);
    state->hurried = 0;
    if (lua_gethookcount(L) != step) lua_sethook(L, luar_count_hook, LUA_MASKCOUNT, step);
}

void luar_begin(luar_state *state, int64_t cpu_nanoseconds, int64_t instructions) {
    luar_close_step(state);
    state->cpu_allowed = cpu_nanoseconds;
    state->instructions_left = state->instructions_allowed = instructions;
    state->cpu_start = state->work = 0;
    state->is_over = state->is_starved = 0;
}

void luar_begin_run(luar_state *state, const luar_budget *budget) {
    luar_begin(state, budget->cpu, budget->instructions);
    state->budget = *budget;
    state->run++;
}

/// What is left of a file's share in this run; NULL where memory for that is short, and then there is only the pool.
static luar_share *share_of(luar_state *state, int file) {
    if (file < 0 || file >= LUAR_MOST_FILES) return NULL;
    if (file >= state->share_count) {
        luar_share *shares = realloc(state->shares, (size_t)(file + 1) * sizeof *shares);
        if (!shares) return NULL;
        memset(shares + state->share_count, 0, (size_t)(file + 1 - state->share_count) * sizeof *shares);
        state->shares = shares;
        state->share_count = file + 1;
    }
    luar_share *share = &state->shares[file];
    if (share->run != state->run) {
        *share = (luar_share){state->run, state->budget.reserve_cpu, state->budget.reserve_instructions};
    }
    return share;
}

void luar_open_spare(luar_state *state, const luar_hook *hook) {
    state->spare = hook->has_spare_memory ? state->memory_limit / LUAR_SPARE_PART : 0;
}

void luar_open_step(lua_State *L, const luar_hook *hook) {
    luar_state *state = luar_of(L);
    state->share = share_of(state, hook->file);
    int64_t cpu = state->budget.cpu, instructions = state->budget.instructions;
    if (state->share) {
        cpu = add(cpu, state->share->cpu);
        instructions = add(instructions, state->share->instructions);
    }
    state->cpu_allowed = cpu;
    state->instructions_left = state->instructions_allowed = instructions;
    state->cpu_start = 0;
    state->is_over = state->is_starved = 0;
    state->is_stepping = 1;
    luar_open_spare(state, hook);
    if (cpu <= 0 || instructions <= 0) {
        state->is_starved = 1;
        trip(L, state, LUAR_TIMEOUT);
    }
    if (state->is_collected) luar_plan_collection(L);
    if (!hook->has_spare_memory && state->is_nearly_full) {
        state->is_starved = 1;
        trip(L, state, LUAR_MEMORY);
    }
}

/// Takes from a share first, then from the pool, which may end below zero by what one look at the clock comes too late.
static void take(int64_t used, int64_t *share, int64_t *pool) {
    int64_t own = !share ? 0 : used < *share ? used : *share;
    if (share) *share -= own;
    *pool -= used - own;
}

void luar_close_step(luar_state *state) {
    if (!state->is_stepping) return;
    state->is_stepping = 0;
    state->spare = 0;
    luar_share *share = state->share;
    take(state->instructions_allowed - state->instructions_left, share ? &share->instructions : NULL,
         &state->budget.instructions);
    if (!state->cpu_start) return;
    enum { short_step = 20000 };
    int64_t used = read_clock(CLOCK_MONOTONIC) - state->start;
    if (used > short_step) used = luar_cpu_now() - state->cpu_start;
    take(used, share ? &share->cpu : NULL, &state->budget.cpu);
    state->cpu_start = 0;
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
    if (failure->kind == LUAR_MEMORY && state->is_starved)
        snprintf(failure->message, size, "not called: the scripts hold %zu bytes, and the limit is %zu", state->live,
                 state->memory_limit);
    else if (failure->kind == LUAR_MEMORY)
        snprintf(failure->message, size, "memory limit passed: more than %zu bytes", state->memory_limit + state->spare);
    else if (failure->kind == LUAR_TIMEOUT && state->is_starved)
        snprintf(failure->message, size, "not called: earlier hooks of this file have used its time for this event");
    else if (failure->kind == LUAR_TIMEOUT && state->is_over)
        snprintf(failure->message, size, "time limit passed: more than %lld instructions",
                 (long long)state->instructions_allowed);
    else if (failure->kind == LUAR_TIMEOUT)
        snprintf(failure->message, size, "time limit passed: more than %lld ms of CPU time",
                 (long long)(state->cpu_allowed / 1000000));
}

static int protect(luar_state *state, lua_CFunction function, void *argument, int results) {
    // Called from within a callback, it stands inside the run that the callback belongs to.
    lua_State *outer = state->running, *L = outer ? outer : state->lua;
    luar_failure *failure = &state->failure;
    failure->kind = LUAR_OK;
    failure->line = 0;
    failure->used = 0;
    failure->script[0] = failure->message[0] = failure->traceback[0] = 0;
    // None of these three pushes allocates: light C functions and light userdata, in stack that is there.
    int base = lua_gettop(L);
    if (!lua_checkstack(L, 4)) {
        failure->kind = LUAR_MEMORY;
        note_limit(state, failure);
        return LUAR_MEMORY;
    }
    if (!outer) {
        state->nested = state->noted = state->exhausted = 0;
        state->refused_size = 0;
    }
    lua_pushcfunction(L, luar_note_error);
    lua_pushcfunction(L, function);
    lua_pushlightuserdata(L, argument);
    state->running = L;
    int status = lua_pcall(L, 1, results, base + 1);
    int tripped = state->tripped;
    if (!outer && (tripped || state->hurried)) {
        state->tripped = state->hurried = 0;
        lua_sethook(L, luar_count_hook, LUA_MASKCOUNT, luar_interval(state));
    }
    state->running = outer;
    if (status != LUA_OK || results == 0) lua_settop(L, base);
    if (status == LUA_OK) return LUAR_OK;
    failure->kind = tripped ? tripped : status == LUA_ERRMEM ? LUAR_MEMORY : LUAR_ERROR;
    if (failure->kind == LUAR_MEMORY && !tripped && state->cpu_start) failure->used = luar_cpu_now() - state->cpu_start;
    note_limit(state, failure);
    if (!failure->message[0]) copy_text(failure->message, sizeof failure->message, "error while handling an error");
    return failure->kind;
}

int luar_protect(luar_state *state, lua_CFunction function, void *argument) {
    return protect(state, function, argument, 0);
}

int luar_protect_keeping(luar_state *state, lua_CFunction function, void *argument) {
    return protect(state, function, argument, LUA_MULTRET);
}

const luar_failure *luar_last_failure(const luar_state *state) { return &state->failure; }
