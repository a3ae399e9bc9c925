// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#include "state.h"

#include <string.h>

// What the host defines: functions and constants under dotted paths, its own and those that C brings. Once sealed, scripts see them and Lua's own library
// as locked stand-ins.

struct definition {
    const char *path;
    int function, flags;
    const luar_value *value;
};

enum {
    /// What a call costs the host, in units of luar_charge: every 60th looks at the clock.
    host_call_cost = 16,
    /// Bytes that the host reads for one unit: it may decode them.
    bytes_read_per_unit = 4,
};

/// Pushes the table that holds the path's last name, making tables on the way; returns that name.
static const char *push_home(lua_State *L, const char *path) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, luar_of(L)->base);
    for (const char *dot; (dot = strchr(path, '.')); path = dot + 1) {
        lua_pushlstring(L, path, (size_t)(dot - path));
        lua_pushvalue(L, -1);
        if (lua_rawget(L, -3) != LUA_TTABLE) {
            lua_pop(L, 1);
            lua_newtable(L);
            lua_pushvalue(L, -2);
            lua_pushvalue(L, -2);
            lua_rawset(L, -5);
        }
        lua_replace(L, -3);
        lua_pop(L, 1);
    }
    return path;
}

/// What a value costs the host that reads it: strings by their bytes, tables by what is in them.
static int64_t reading_cost(const luar_value *value) {
    int64_t units = 1;
    switch (value->type) {
        case LUAR_STRING:
        case LUAR_OBJECT: return units + (int64_t)(value->count / bytes_read_per_unit);
        case LUAR_TABLE:
            for (size_t i = 0; value->entries && i < 2 * value->count; i++) units += reading_cost(&value->entries[i]);
            return units;
        default: return units;
    }
}

void luar_charge_call(lua_State *L, const luar_value *values, int count) {
    int64_t units = host_call_cost;
    for (int i = 0; i < count; i++) units += reading_cost(&values[i]);
    luar_charge(L, units);
}

int luar_call_host(lua_State *L, int function, int flags) {
    luar_state *state = luar_of(L);
    int count = lua_gettop(L);
    int keeps = (flags & LUAR_KEEPS_FUNCTIONS) != 0, depth = flags & LUAR_TAKES_TREES ? LUAR_DEEPEST : 1;
    luar_value few[6], *arguments = few;
    luar_reraise(L);
    // Each table leaves its entries on the stack.
    luaL_checkstack(L, count + 8, "too many arguments");
    if (count > 6) {
        luar_charge(L, count);
        arguments = lua_newuserdatauv(L, (size_t)count * sizeof *arguments, 0);
    }
    for (int i = 0; i < count; i++) luar_read(L, i + 1, &arguments[i], depth);
    luar_charge_call(L, arguments, count);
    // Of several functions the first is kept: no host function has a use for more.
    luar_value *kept = NULL;
    for (int i = 0; i < count; i++) {
        if (arguments[i].type != LUAR_FUNCTION) continue;
        arguments[i].integer = LUA_NOREF;
        if (!keeps || kept) continue;
        kept = &arguments[i];
        lua_pushvalue(L, i + 1);
        kept->integer = luaL_ref(L, LUA_REGISTRYINDEX);
    }
    luar_value result = {0};
    int code = state->host.call(state->host.context, function, arguments, count, &result);
    if (code != 0) {
        if (kept) luaL_unref(L, LUA_REGISTRYINDEX, (int)kept->integer);
        return luar_raise(L, &result);
    }
    if (result.type == LUAR_ARGUMENT) lua_pushvalue(L, (int)result.integer + 1);
    else luar_push(L, &result);
    return 1;
}

static int call_host(lua_State *L) {
    return luar_call_host(
        L, (int)lua_tointeger(L, lua_upvalueindex(1)), (int)lua_tointeger(L, lua_upvalueindex(2)));
}

static int define_function(lua_State *L) {
    struct definition *definition = lua_touserdata(L, 1);
    const char *name = push_home(L, definition->path);
    lua_pushinteger(L, definition->function);
    lua_pushinteger(L, definition->flags);
    lua_pushcclosure(L, call_host, 2);
    if (strcmp(definition->path, "print") == 0) lua_pushcclosure(L, luar_print_text, 1);
    lua_setfield(L, -2, name);
    return 0;
}

int luar_define_function(luar_state *state, const char *path, int id, int flags) {
    struct definition definition = {path, id, flags, NULL};
    return luar_protect(state, define_function, &definition);
}

static int define_constant(lua_State *L) {
    struct definition *definition = lua_touserdata(L, 1);
    const char *name = push_home(L, definition->path);
    luar_push(L, definition->value);
    lua_setfield(L, -2, name);
    return 0;
}

int luar_define_constant(luar_state *state, const char *path, const luar_value *value) {
    struct definition definition = {path, 0, 0, value};
    return luar_protect(state, define_constant, &definition);
}

static int define_library(lua_State *L) {
    struct definition *definition = lua_touserdata(L, 1);
    const char *name = push_home(L, definition->path);
    switch (definition->function) {
        case LUAR_JSON_NULL: luar_push_constant(L, LUAR_NULL); break;
        case LUAR_JSON_EMPTY_ARRAY: luar_push_constant(L, LUAR_EMPTY_ARRAY); break;
        default:
            lua_pushstring(L, definition->path);
            lua_pushcclosure(L, definition->function == LUAR_JSON_DECODE ? luar_json_decode : luar_json_encode, 1);
    }
    lua_setfield(L, -2, name);
    return 0;
}

int luar_define_library(luar_state *state, const char *path, int member) {
    struct definition definition = {path, member, 0, NULL};
    return luar_protect(state, define_library, &definition);
}

/// A missing name in a defined table: the host explains it.
static int explain_missing(lua_State *L) {
    luar_state *state = luar_of(L);
    luar_value arguments[2], result = {0};
    luar_reraise(L);
    luar_read(L, lua_upvalueindex(2), &arguments[0], 0);
    luar_read(L, 2, &arguments[1], 0);
    luar_charge_call(L, arguments, 2);
    int code = state->host.call(
        state->host.context, (int)lua_tointeger(L, lua_upvalueindex(1)), arguments, 2, &result);
    if (code != 0) return luar_raise(L, &result);
    luar_push(L, &result);
    return 1;
}

void luar_lock_explained(lua_State *L, const char *name) {
    lua_createtable(L, 0, 1);
    lua_pushinteger(L, luar_of(L)->unknown);
    lua_pushstring(L, name);
    lua_pushcclosure(L, explain_missing, 2);
    lua_setfield(L, -2, "__index");
    lua_setmetatable(L, -2);
    luar_lock(L, name);
}

/// Replaces the table at the top, called `name`, by its locked stand-in; the same for tables inside it. Tables that
/// the host defined explain missing names.
static void lock_tree(lua_State *L, const char *name, int explained) {
    int table = lua_gettop(L);
    luaL_checkstack(L, 16, NULL);
    lua_pushnil(L);
    while (lua_next(L, table)) {
        if (lua_istable(L, -1)) {
            lua_pushvalue(L, -2);
            const char *inner = lua_pushfstring(L, "%s.%s", name, lua_tostring(L, -1));
            lua_pushvalue(L, -3);
            lock_tree(L, inner, explained);
            // Assigning to an existing field is allowed while stepping.
            lua_setfield(L, table, lua_tostring(L, -3));
            lua_pop(L, 2);
        }
        lua_pop(L, 1);
    }
    if (explained) luar_lock_explained(L, name);
    else luar_lock(L, name);
}

static int seal(lua_State *L) {
    luar_state *state = luar_of(L);
    state->unknown = *(int *)lua_touserdata(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, state->base);
    int base = lua_gettop(L);
    lua_pushnil(L);
    while (lua_next(L, base)) {
        if (lua_istable(L, -1)) {
            const char *name = lua_tostring(L, -2);
            lock_tree(L, name, strcmp(name, "relay") == 0);
            lua_setfield(L, base, name);
        } else {
            lua_pop(L, 1);
        }
    }
    // Every file's environment leads to the base.
    lua_createtable(L, 0, 2);
    lua_rawgeti(L, LUA_REGISTRYINDEX, state->base);
    lua_setfield(L, -2, "__index");
    lua_pushliteral(L, "environment");
    lua_setfield(L, -2, "__metatable");
    state->environment = luaL_ref(L, LUA_REGISTRYINDEX);
    // Methods of strings come from the real table, which only this metatable leads to.
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_pushliteral(L, "locked");
    lua_setfield(L, -2, "__metatable");
    return 0;
}

int luar_seal(luar_state *state, int unknown) { return luar_protect(state, seal, &unknown); }
