// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#include "state.h"

#include <string.h>

/// Raises for an answer that the step does not accept, with the place where the handler was written.
static void refuse_answer(lua_State *L, luar_state *state, const char *problem) {
    lua_Debug handler;
    lua_rawgeti(L, LUA_REGISTRYINDEX, state->step.handler);
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
    if (count > LUAR_MOST_LINES) refuse_answer(L, state, lua_pushfstring(L, "more than %d lines", LUAR_MOST_LINES));
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
    state->answer.object_type = LUAR_LISTED;
    state->answer.entries = entries;
    state->answer.count = (size_t)count;
}

/// Takes the reason that stands behind an answer of `false`.
static void take_reason(lua_State *L, luar_state *state, int index) {
    luar_value reason = {0};
    luar_read(L, index, &reason, 0);
    if (reason.type == LUAR_NIL) return;
    if (reason.type != LUAR_STRING) {
        refuse_answer(L, state, lua_pushfstring(L, "false, and as its reason a %s", luaL_typename(L, index)));
    }
    check_length(L, state, reason.count);
    state->answer.bytes = reason.bytes;
    state->answer.count = reason.count;
}

/// Raises if the host does not take the answer.
static void ask_host(lua_State *L, luar_state *state) {
    luar_value problem = {0};
    if (state->host.judge(state->host.context, &state->answer, &problem) == 0) return;
    lua_pushlstring(L, problem.bytes ? problem.bytes : "", problem.bytes ? problem.count : 0);
    refuse_answer(L, state, lua_tostring(L, -1));
}

/// Takes the level that stands behind an answered string.
static void take_level(lua_State *L, luar_state *state, int index) {
    if (lua_isnoneornil(L, index)) return;
    int is_integer = 0;
    lua_Integer level = lua_tointegerx(L, index, &is_integer);
    if (lua_type(L, index) != LUA_TNUMBER || !is_integer || level < 0 || level > state->step.highest_level) {
        luar_push_text(L, index);
        refuse_answer(L, state, lua_pushfstring(L, "the level %s", lua_tostring(L, -1)));
    }
    state->answer.integer = level;
    state->answer.object_type = LUAR_LEVELED;
}

/// Takes the answer, which is all that the stack holds.
static void take_answer(lua_State *L, luar_state *state) {
    luar_step *step = &state->step;
    int index = 1;
    luar_value *answer = &state->answer;
    luar_read(L, index, answer, 0);
    if (answer->type == LUAR_BOOLEAN && !answer->integer && step->accepts_false) {
        if (step->takes_reason) take_reason(L, state, index + 1);
        return;
    }
    if (answer->type == LUAR_NIL) return;
    int accepted = (step->accepts >> answer->type & 1)
                   && (answer->type != LUAR_OBJECT || answer->object_type == step->object_type);
    if (!accepted) {
        const char *name = luaL_getmetafield(L, index, "__name") == LUA_TSTRING ? lua_tostring(L, -1)
                                                                                : luaL_typename(L, index);
        if (answer->type == LUAR_BOOLEAN) name = lua_toboolean(L, index) ? "true" : "false";
        else name = lua_pushfstring(L, "a %s", name);
        refuse_answer(L, state, name);
    }
    if (answer->type == LUAR_STRING) check_length(L, state, answer->count);
    if (answer->type == LUAR_STRING && step->highest_level > 0) {
        take_level(L, state, index + 1);
        ask_host(L, state);
    } else if (answer->type == LUAR_TABLE && step->accepts_record) {
        luar_read(L, index, answer, LUAR_DEEPEST - 1);
        ask_host(L, state);
    } else if (answer->type == LUAR_TABLE) {
        read_list(L, state, index);
    }
}

/// Calls handlers until the host has none left. An answer stays on the stack until the host has taken it.
static int run_steps(lua_State *L) {
    luar_state *state = luar_of(L);
    luar_step *step = &state->step;
    luaL_checkstack(L, 16, NULL);
    while (state->host.next(state->host.context, &state->answer, step)) {
        memset(&state->answer, 0, sizeof state->answer);
        lua_settop(L, 0);
        luar_open_step(L);
        lua_rawgeti(L, LUA_REGISTRYINDEX, step->handler);
        for (int i = 0; i < step->argument_count; i++) luar_push(L, &step->arguments[i]);
        lua_call(L, step->argument_count, step->ignores_answer ? 0 : step->takes_reason || step->highest_level > 0 ? 2 : 1);
        if (!step->ignores_answer) take_answer(L, state);
        luar_close_step(state);
    }
    return 0;
}

int luar_run(luar_state *state, luar_value answer) {
    state->answer = answer;
    int code = luar_protect(state, run_steps, NULL);
    // The step that failed is still open.
    luar_close_step(state);
    return code;
}

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
