// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#include "state.h"

#include <stdlib.h>
#include <string.h>

/// Raises for an answer that the step does not accept, with the place where the handler was written.
static void refuse_answer(lua_State *L, luar_state *state, const char *problem) {
    lua_Debug handler;
    lua_rawgeti(L, LUA_REGISTRYINDEX, state->step.handlers[state->index]);
    lua_getinfo(L, ">S", &handler);
    luaL_error(L, "%s:%d: %s answered %s; it may answer %s", handler.short_src, handler.linedefined,
               state->step.event, problem, state->step.expected);
}

static void check_length(lua_State *L, luar_state *state, size_t count) {
    if (count <= state->step.longest) return;
    refuse_answer(L, state, lua_pushfstring(L, "%I bytes, more than the limit of %I", (LUAI_UACINT)count,
                                            (LUAI_UACINT)state->step.longest));
}

/// Reads the list of strings at `index` into memory anchored at the stack's top.
static void read_list(lua_State *L, luar_state *state, int index) {
    lua_Unsigned count = lua_rawlen(L, index);
    luar_charge(L, (int64_t)count);
    luar_value *entries = lua_newuserdatauv(L, (count + 1) * sizeof *entries, 0);
    size_t total = 0;
    for (lua_Unsigned i = 0; i < count; i++) {
        // The table keeps the string alive, and nothing runs before the host has read it.
        lua_rawgeti(L, index, (lua_Integer)i + 1);
        luar_read(L, lua_gettop(L), &entries[i], 0);
        if (entries[i].type != LUAR_STRING) refuse_answer(L, state, "a list with something else than strings");
        total += entries[i].count;
        lua_pop(L, 1);
    }
    check_length(L, state, total);
    state->answer.type = LUAR_TABLE;
    state->answer.entries = entries;
    state->answer.count = (size_t)count;
}

/// Takes the answer at the stack's top. Returns nonzero when it ends the step.
static int take_answer(lua_State *L, luar_state *state) {
    luar_step *step = &state->step;
    int index = lua_gettop(L);
    if (lua_isnil(L, index)) return 0;
    luar_read(L, index, &state->answer, 0);
    luar_value *answer = &state->answer;
    if (answer->type == LUAR_BOOLEAN && !answer->integer && step->accepts_false) return 1;
    int accepted = (step->accepts >> answer->type & 1)
                   && (answer->type != LUAR_OBJECT || answer->object_type == step->object_type);
    if (!accepted) {
        int type = answer->type;
        memset(answer, 0, sizeof *answer);
        const char *name = luaL_typename(L, index);
        if (type == LUAR_BOOLEAN) name = lua_toboolean(L, index) ? "true" : "false";
        refuse_answer(L, state, type == LUAR_BOOLEAN ? name : lua_pushfstring(L, "a %s", name));
    }
    if (answer->type == LUAR_STRING) check_length(L, state, answer->count);
    if (answer->type == LUAR_TABLE) read_list(L, state, index);
    return 1;
}

/// Runs steps until the host has none left. The answer of a step stays on the stack until the host has taken it.
static int run_steps(lua_State *L) {
    luar_state *state = luar_of(L);
    luar_step *step = &state->step;
    lua_settop(L, 0);
    luaL_checkstack(L, 16, NULL);
    for (;;) {
        if (!state->in_step) {
            if (!state->host.next(state->host.context, &state->answer, step)) break;
            lua_settop(L, 0);
            memset(&state->answer, 0, sizeof state->answer);
            state->index = 0;
            state->in_step = 1;
        }
        for (; state->index < step->handler_count; state->index++) {
            state->calls++;
            lua_settop(L, 0);
            lua_rawgeti(L, LUA_REGISTRYINDEX, step->handlers[state->index]);
            for (int i = 0; i < step->argument_count; i++) luar_push(L, &step->arguments[i]);
            lua_call(L, step->argument_count, step->is_notice ? 0 : 1);
            if (!step->is_notice && take_answer(L, state)) break;
        }
        state->in_step = 0;
    }
    memset(&state->answer, 0, sizeof state->answer);
    return 0;
}

int luar_run(luar_state *state, int how) {
    switch (how) {
        case LUAR_SKIP: state->index++; break;
        case LUAR_BLOCK:
            if (state->step.is_notice) {
                state->index++;
                break;
            }
            state->in_step = 0;
            memset(&state->answer, 0, sizeof state->answer);
            state->answer.type = LUAR_BOOLEAN;
            break;
        default:
            state->in_step = 0;
            memset(&state->answer, 0, sizeof state->answer);
    }
    int status = luar_protect(state, run_steps, NULL);
    // Whatever failed did so inside a handler or on its answer: nothing of that answer is left.
    if (status != LUAR_OK) memset(&state->answer, 0, sizeof state->answer);
    return status;
}

int luar_failed_index(const luar_state *state) { return state->in_step ? state->index : -1; }

static int find_caller(lua_State *L, lua_Debug *caller) {
    for (int level = 1; lua_getstack(L, level, caller); level++) {
        lua_getinfo(L, "Sl", caller);
        if (caller->currentline > 0) return 1;
    }
    return 0;
}

int luar_caller_line(luar_state *state) {
    lua_Debug caller;
    return state->running && find_caller(state->running, &caller) ? caller.currentline : 0;
}

const char *luar_caller_script(luar_state *state) {
    lua_Debug caller;
    if (!state->running || !find_caller(state->running, &caller)) return "";
    memcpy(state->caller_script, caller.short_src, sizeof caller.short_src);
    return state->caller_script;
}
