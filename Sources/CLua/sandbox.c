// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#include "state.h"

#include <string.h>

// What scripts see of Lua's own library: an allow-list. Shared tables reach scripts as locked stand-ins, empty tables
// whose metatable leads to the real one; the real one is in no script's hands, so neither assignment nor rawset nor
// setmetatable changes it for another script.

static const char *const base_names[] = {
    "_VERSION", "assert",  "error",    "ipairs", "next",     "rawequal", "rawget",
    "rawlen",   "select",  "tonumber", "type",   NULL,
};
static const char *const os_names[] = {"date", "time", "difftime", NULL};

static int refuse_write(lua_State *L) {
    return luaL_error(L, "%s is read-only", lua_tostring(L, lua_upvalueindex(1)));
}

/// Steps through the real table without showing it.
static int step_locked(lua_State *L) {
    lua_settop(L, 2);
    if (lua_next(L, lua_upvalueindex(1))) return 2;
    lua_pushnil(L);
    return 1;
}
static int pairs_locked(lua_State *L) {
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushcclosure(L, step_locked, 1);
    return 1;
}

void luar_lock(lua_State *L, const char *name) {
    lua_newtable(L);
    lua_createtable(L, 0, 6);
    lua_pushvalue(L, -3);
    lua_setfield(L, -2, "__index");
    lua_pushstring(L, name);
    lua_pushcclosure(L, refuse_write, 1);
    lua_setfield(L, -2, "__newindex");
    lua_pushvalue(L, -3);
    lua_pushcclosure(L, pairs_locked, 1);
    lua_setfield(L, -2, "__pairs");
    lua_pushliteral(L, "locked");
    lua_setfield(L, -2, "__metatable");
    lua_pushstring(L, name);
    lua_setfield(L, -2, "__name");
    lua_setmetatable(L, -2);
    lua_replace(L, -2);
}

void luar_push_text(lua_State *L, int index) {
    int top = lua_gettop(L);
    switch (lua_type(L, index)) {
        case LUA_TTABLE:
        case LUA_TFUNCTION:
        case LUA_TTHREAD:
        case LUA_TUSERDATA:
            if (luaL_getmetafield(L, index, "__tostring") != LUA_TNIL) {
                lua_pop(L, 1);
                luaL_tolstring(L, index, NULL);
            } else if (luaL_getmetafield(L, index, "__name") != LUA_TSTRING) {
                // luaL_tolstring would show an address here. A name of another type is popped by being replaced.
                int has_value = lua_type(L, -1) != LUA_TNIL && lua_gettop(L) > top;
                lua_pushstring(L, luaL_typename(L, index));
                if (has_value) lua_replace(L, -2);
            }
            break;
        default: luaL_tolstring(L, index, NULL);
    }
}

static int text(lua_State *L) {
    luaL_checkany(L, 1);
    luar_push_text(L, 1);
    return 1;
}

int luar_is_locked(lua_State *L, int index) {
    if (luaL_getmetafield(L, index, "__metatable") == LUA_TNIL) return 0;
    int locked = lua_type(L, -1) == LUA_TSTRING && strcmp(lua_tostring(L, -1), "locked") == 0;
    lua_pop(L, 1);
    return locked;
}

static int raw_set(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_checkany(L, 2);
    luaL_checkany(L, 3);
    lua_settop(L, 3);
    if (luar_is_locked(L, 1)) return luaL_error(L, "rawset: this table is read-only");
    lua_rawset(L, 1);
    return 1;
}

static int get_metatable(lua_State *L) {
    luaL_checkany(L, 1);
    if (!lua_getmetatable(L, 1)) {
        lua_pushnil(L);
        return 1;
    }
    luaL_getmetafield(L, 1, "__metatable");
    return 1;
}

/// setmetatable without finalizers: `__gc` would run outside every limit, `__close` during clean-up after one.
static int set_metatable(lua_State *L) {
    luaL_checktype(L, 1, LUA_TTABLE);
    luaL_argexpected(L, lua_isnil(L, 2) || lua_istable(L, 2), 2, "nil or table");
    lua_settop(L, 2);
    if (luaL_getmetafield(L, 1, "__metatable") != LUA_TNIL)
        return luaL_error(L, "setmetatable: this table is read-only or protected");
    if (lua_istable(L, 2)) {
        static const char *const refused[] = {"__gc", "__close"};
        for (int i = 0; i < 2; i++) {
            lua_pushstring(L, refused[i]);
            if (lua_rawget(L, 2) != LUA_TNIL)
                return luaL_error(L, "setmetatable: %s is not available to scripts", refused[i]);
            lua_pop(L, 1);
        }
    }
    lua_settop(L, 2);
    lua_setmetatable(L, 1);
    return 1;
}

static int pairs_of(lua_State *L) {
    luaL_checkany(L, 1);
    if (luaL_getmetafield(L, 1, "__pairs") == LUA_TNIL) {
        lua_getfield(L, lua_upvalueindex(1), "next");
        lua_pushvalue(L, 1);
        lua_pushnil(L);
    } else {
        lua_pushvalue(L, 1);
        lua_call(L, 1, 3);
    }
    return 3;
}

static int count_garbage(lua_State *L) {
    const char *what = luaL_optstring(L, 1, "");
    if (strcmp(what, "count") != 0) return luaL_error(L, "collectgarbage: only \"count\" is available to scripts");
    lua_pushnumber(L, (double)luar_memory(luar_of(L)) / 1024);
    return 1;
}

/// print and its like: joins its arguments by tabs and hands the text to the host function in upvalue 1, if any.
int luar_print_text(lua_State *L) {
    int count = lua_gettop(L);
    luaL_Buffer buffer;
    luaL_checkstack(L, 8, NULL);
    luaL_buffinit(L, &buffer);
    for (int i = 1; i <= count; i++) {
        if (i > 1) luaL_addchar(&buffer, '\t');
        luar_push_text(L, i);
        luaL_addvalue(&buffer);
    }
    luaL_pushresult(&buffer);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, -2);
    lua_call(L, 1, 0);
    return 0;
}

static void copy_names(lua_State *L, const char *const *names, int from, int to) {
    for (; *names; names++) {
        lua_getfield(L, from, *names);
        lua_setfield(L, to, *names);
    }
}

static void set_function(lua_State *L, const char *name, lua_CFunction function) {
    lua_pushcfunction(L, function);
    lua_setfield(L, -2, name);
}

/// Opens a library, lets `change` edit it, and puts it into the base table at `base`, to be locked later.
static void add_library(lua_State *L, int base, const char *name, lua_CFunction open, void (*change)(lua_State *)) {
    luaL_requiref(L, name, open, 0);
    if (change) change(L);
    lua_setfield(L, base, name);
}

/// math.randomseed without its results, one of which is an address.
static int seed_random(lua_State *L) {
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 0);
    return 0;
}

static void hide_seed(lua_State *L) {
    lua_getfield(L, -1, "randomseed");
    lua_pushcclosure(L, seed_random, 1);
    lua_setfield(L, -2, "randomseed");
}

static void keep_dates(lua_State *L) {
    lua_newtable(L);
    copy_names(L, os_names, lua_gettop(L) - 1, lua_gettop(L));
    lua_replace(L, -2);
    luar_open_dates(L);
}

void luar_open_sandbox(lua_State *L) {
    luar_state *state = luar_of(L);
    luaL_requiref(L, "_G", luaopen_base, 0);
    int full = lua_gettop(L);
    lua_newtable(L);
    int base = lua_gettop(L);
    copy_names(L, base_names, full, base);
    luar_open_numbers(L);
    set_function(L, "getmetatable", get_metatable);
    set_function(L, "setmetatable", set_metatable);
    set_function(L, "rawset", raw_set);
    set_function(L, "tostring", text);
    set_function(L, "collectgarbage", count_garbage);
    set_function(L, "require", luar_lua_require);
    lua_pushvalue(L, base);
    lua_pushcclosure(L, pairs_of, 1);
    lua_setfield(L, base, "pairs");
    luar_open_calls(L);
    luar_open_constants(L);
    add_library(L, base, "string", luaopen_string, luar_open_strings);
    add_library(L, base, "table", luaopen_table, luar_open_tables);
    add_library(L, base, "coroutine", luaopen_coroutine, luar_open_coroutines);
    add_library(L, base, "math", luaopen_math, hide_seed);
    add_library(L, base, "utf8", luaopen_utf8, luar_open_utf8);
    add_library(L, base, "os", luaopen_os, keep_dates);
    lua_pushvalue(L, base);
    state->base = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_newtable(L);
    state->loaded = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_settop(L, full - 1);
}
