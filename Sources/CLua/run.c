// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#include "state.h"

#include <string.h>

/// Raises for an answer that the schema does not accept, with the place where the hook was written.
static void refuse_answer(lua_State *L, luar_state *state, const char *problem) {
    const luar_schema *schema = state->calls->schema;
    lua_Debug hook;
    lua_rawgeti(L, LUA_REGISTRYINDEX, state->hook->function);
    lua_getinfo(L, ">S", &hook);
    luaL_error(L, "%s:%d: %s answered %s; it may answer %s", hook.short_src, hook.linedefined, schema->event, problem,
               schema->expected);
}

static void check_length(lua_State *L, luar_state *state, size_t count) {
    size_t longest = state->calls->schema->longest;
    if (count <= longest) return;
    refuse_answer(L, state, lua_pushfstring(L, "%I bytes, more than the limit of %I", (LUAI_UACINT)count,
                                            (LUAI_UACINT)longest));
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
    luar_value *answer = &state->calls->answer;
    answer->type = LUAR_TABLE;
    answer->object_type = LUAR_LISTED;
    answer->entries = entries;
    answer->count = (size_t)count;
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
    state->calls->answer.bytes = reason.bytes;
    state->calls->answer.count = reason.count;
}

/// Raises if the host does not take the answer.
static void ask_host(lua_State *L, luar_state *state) {
    luar_value problem = {0};
    if (state->host.judge(state->host.context, &state->calls->answer, &problem) == 0) return;
    lua_pushlstring(L, problem.bytes ? problem.bytes : "", problem.bytes ? problem.count : 0);
    refuse_answer(L, state, lua_tostring(L, -1));
}

/// Takes the level that stands behind an answered string.
static void take_level(lua_State *L, luar_state *state, int index) {
    if (lua_isnoneornil(L, index)) return;
    int is_integer = 0;
    lua_Integer level = lua_tointegerx(L, index, &is_integer);
    if (lua_type(L, index) != LUA_TNUMBER || !is_integer || level < 0 || level > state->calls->schema->highest_level) {
        luar_push_text(L, index);
        refuse_answer(L, state, lua_pushfstring(L, "the level %s", lua_tostring(L, -1)));
    }
    state->calls->answer.integer = level;
    state->calls->answer.object_type = LUAR_LEVELED;
}

/// Takes the answer, which is all that the stack holds.
static void take_answer(lua_State *L, luar_state *state) {
    const luar_schema *schema = state->calls->schema;
    int index = 1;
    luar_value *answer = &state->calls->answer;
    luar_read(L, index, answer, 0);
    if (answer->type == LUAR_BOOLEAN && !answer->integer && schema->accepts_false) {
        if (schema->takes_reason) take_reason(L, state, index + 1);
        return;
    }
    if (answer->type == LUAR_NIL) return;
    int accepted = (schema->accepts >> answer->type & 1)
                   && (answer->type != LUAR_OBJECT || answer->object_type == schema->object_type);
    if (!accepted) {
        const char *name = luaL_getmetafield(L, index, "__name") == LUA_TSTRING ? lua_tostring(L, -1)
                                                                                : luaL_typename(L, index);
        if (answer->type == LUAR_BOOLEAN) name = lua_toboolean(L, index) ? "true" : "false";
        else name = lua_pushfstring(L, "a %s", name);
        refuse_answer(L, state, name);
    }
    if (answer->type == LUAR_STRING) check_length(L, state, answer->count);
    if (answer->type == LUAR_STRING && schema->highest_level > 0) {
        take_level(L, state, index + 1);
        ask_host(L, state);
    } else if (answer->type == LUAR_TABLE && schema->accepts_record) {
        luar_read(L, index, answer, LUAR_DEEPEST - 1);
        ask_host(L, state);
    } else if (answer->type == LUAR_TABLE) {
        read_list(L, state, index);
    }
}

/// How many hooks one `luar_call` may call, and what came of it.
typedef struct {
    luar_calls *calls;
    int most, takes_held, outcome;
} walk_job;

/// Calls hooks until one answers. What it answered, and memory that its answer points to, are returned.
static int walk(lua_State *L) {
    luar_state *state = luar_of(L);
    walk_job *job = lua_touserdata(L, 1);
    luar_calls *calls = state->calls = job->calls;
    luaL_checkstack(L, 16, NULL);
    const luar_schema *schema = calls->schema;
    int results = !schema ? 0 : schema->takes_reason || schema->highest_level > 0 ? 2 : 1;
    for (; calls->next < calls->count && job->most > 0; job->most--) {
        luar_hook *hook = calls->hooks[calls->next];
        if (hook->is_held && !job->takes_held) {
            job->outcome = LUAR_HELD;
            return 0;
        }
        job->takes_held = 0;
        state->hook = hook;
        calls->next++;
        hook->calls++;
        lua_settop(L, 0);
        luar_open_step(L, hook);
        lua_rawgeti(L, LUA_REGISTRYINDEX, hook->function);
        for (int i = 0; i < calls->argument_count; i++) luar_push(L, &calls->arguments[i]);
        lua_call(L, calls->argument_count, results);
        if (schema) take_answer(L, state);
        luar_close_step(state);
        if (calls->answer.type != LUAR_NIL) {
            job->outcome = LUAR_ANSWERED;
            return lua_gettop(L);
        }
    }
    job->outcome = LUAR_CALLED;
    return 0;
}

int luar_call(luar_state *state, luar_calls *calls, int most, int takes_held) {
    walk_job job = {.calls = calls, .most = most, .takes_held = takes_held, .outcome = LUAR_CALLED};
    luar_end_run(state);
    memset(&calls->answer, 0, sizeof calls->answer);
    int first = calls->next;
    luar_hook *hook = first < calls->count ? calls->hooks[first] : NULL;
    // Entering Lua may need memory, too; where there is none, the hook is not called.
    if (hook) luar_open_spare(state, hook);
    state->is_starved = 1;
    int code = luar_protect_keeping(state, walk, &job);
    // Of a hook that failed it is still open.
    luar_close_step(state);
    state->spare = 0;
    if (code != LUAR_OK && calls->next == first && hook) {
        // There was no memory to enter Lua: this is the hook's failure.
        calls->next++;
        hook->calls++;
    }
    return code == LUAR_OK ? job.outcome : LUAR_FAILED;
}

void luar_end_run(luar_state *state) {
    // Between two runs nothing else is on the stack of the main thread.
    if (!state->running) lua_settop(state->lua, 0);
}

const luar_hook *luar_running_hook(luar_state *state) { return state->hook; }

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
