// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#include "state.h"

#include <stdlib.h>
#include <string.h>

/// Marks a script as being loaded, in the table of loaded ones.
static char loading;

/// Runs the script that `require(name)` means, unless it ran before, and pushes its result. Text only: a precompiled
/// chunk can crash the interpreter.
int luar_lua_require(lua_State *L) {
    luar_state *state = luar_of(L);
    luar_reraise(L);
    luar_value name, error = {0};
    luar_source source = {0};
    luaL_checktype(L, 1, LUA_TSTRING);
    luar_read(L, 1, &name, 0);
    luar_charge_call(L, &name, 1);
    if (state->host.find(state->host.context, &name, &source, &error) != 0) return luar_raise(L, &error);
    lua_settop(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, state->loaded);
    lua_pushlstring(L, source.key, source.key_count);
    lua_pushvalue(L, 3);
    if (lua_rawget(L, 2) != LUA_TNIL) {
        if (lua_touserdata(L, -1) == &loading)
            return luaL_error(L, "require: '%s' is being loaded already: two scripts require each other",
                              lua_tostring(L, 1));
        return 1;
    }
    lua_pushvalue(L, 3);
    lua_pushlightuserdata(L, &loading);
    lua_rawset(L, 2);
    // Caught to take the mark away, and passed on: whoever tries again gets the real error.
    lua_pushcfunction(L, luar_note_error);
    int hook = lua_gettop(L), status = luaL_loadbufferx(L, source.text, source.count, source.chunk, "t");
    if (status == LUA_OK) {
        lua_newtable(L);
        lua_rawgeti(L, LUA_REGISTRYINDEX, state->environment);
        lua_setmetatable(L, -2);
        lua_setupvalue(L, -2, 1);
        status = lua_pcall(L, 0, 1, hook);
        if (status != LUA_OK && status != LUA_ERRMEM) state->noted = 1;
    }
    if (status != LUA_OK) {
        lua_pushvalue(L, 3);
        lua_pushnil(L);
        lua_rawset(L, 2);
        if (status == LUA_ERRMEM && !state->tripped) luar_trip_memory(L);
        luar_reraise(L);
        return lua_error(L);
    }
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushboolean(L, 1);
    }
    lua_pushvalue(L, 3);
    lua_pushvalue(L, -2);
    lua_rawset(L, 2);
    return 1;
}

static int require_top(lua_State *L) {
    const luar_value *name = lua_touserdata(L, 1);
    lua_settop(L, 0);
    luaL_checkstack(L, 16, NULL);
    lua_pushcfunction(L, luar_lua_require);
    lua_pushlstring(L, name->bytes, name->count);
    lua_call(L, 1, 0);
    return 0;
}

int luar_require(luar_state *state, const char *name, size_t count) {
    luar_value value = {.type = LUAR_STRING, .bytes = name, .count = count};
    return luar_protect(state, require_top, &value);
}

const char *luar_lua_version(void) { return LUA_VERSION_MAJOR "." LUA_VERSION_MINOR "." LUA_VERSION_RELEASE; }

static int open_libraries(lua_State *L) {
    luar_open_sandbox(L);
    luar_open_collector(L);
    return 0;
}

luar_state *luar_open(luar_host host, size_t memory_limit) {
    luar_state *state = calloc(1, sizeof *state);
    if (!state) return NULL;
    state->host = host;
    state->memory_limit = memory_limit;
    state->instructions_left = INT64_MAX;
    state->cpu_allowed = INT64_MAX;
    state->lua = lua_newstate(luar_allocate, state);
    if (!state->lua) {
        free(state->strings.blocks);
        free(state);
        return NULL;
    }
    *(luar_state **)lua_getextraspace(state->lua) = state;
    lua_sethook(state->lua, luar_count_hook, LUA_MASKCOUNT, LUAR_INTERVAL);
    if (luar_protect(state, open_libraries, NULL) != LUAR_OK) {
        luar_close(state);
        return NULL;
    }
    return state;
}

void luar_close(luar_state *state) {
    // Scripts have no finalizers, so closing runs no script.
    lua_close(state->lua);
    free(state->strings.blocks);
    free(state->shares);
    free(state);
}
