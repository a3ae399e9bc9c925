// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#include "state.h"

// Constants that stand for what Lua has no value for. They are objects like the host's, so that whoever reads values
// takes them for objects, but of a type that no host defined.

static const char *const names[LUAR_CONSTANTS] = {"relay.json.null", "relay.json.empty_array"};

/// Their name as a text. Raises on memory.
static int show(lua_State *L) {
    const luar_object *it = lua_touserdata(L, 1);
    lua_pushstring(L, names[it->identity]);
    return 1;
}

/// Raises: they have no fields.
static int refuse_field(lua_State *L) {
    luar_reraise(L);
    const luar_object *it = lua_touserdata(L, 1);
    const char *name = names[it->identity];
    return luaL_error(L, "%s has no fields: compare with it, as in value == %s", name, name);
}

void luar_open_constants(lua_State *L) {
    luar_state *state = luar_of(L);
    static const luaL_Reg functions[] = {
        {"__index", refuse_field}, {"__newindex", refuse_field}, {"__tostring", show}, {NULL, NULL},
    };
    for (int i = 0; i < LUAR_CONSTANTS; i++) {
        luar_object *it = lua_newuserdatauv(L, sizeof *it, LUAR_EXTRA);
        it->type = LUAR_CONSTANT_TYPE;
        it->identity = i;
        it->kept = 0;
        luaL_newlib(L, functions);
        lua_pushstring(L, names[i]);
        lua_setfield(L, -2, "__name");
        lua_pushliteral(L, "locked");
        lua_setfield(L, -2, "__metatable");
        lua_setmetatable(L, -2);
        state->constants[i] = luaL_ref(L, LUA_REGISTRYINDEX);
    }
}

void luar_push_constant(lua_State *L, int constant) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, luar_of(L)->constants[constant]);
}

int luar_constant_at(lua_State *L, int index) {
    if (lua_type(L, index) != LUA_TUSERDATA) return -1;
    const luar_object *it = lua_touserdata(L, index);
    return it->type == LUAR_CONSTANT_TYPE ? (int)it->identity : -1;
}
