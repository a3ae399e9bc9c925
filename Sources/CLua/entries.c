// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#include "state.h"

// Objects whose keys are the scripts' own: every read and write goes to the host with its key, and so do `#` and `pairs`.
// Scripts reach these functions only by way of such an object, which is argument 1. Each may raise.

static int read_entry(lua_State *L) {
    luar_state *state = luar_of(L);
    luar_value self, key, result = {0};
    if (state->tripped) luar_reraise(L);
    luar_read(L, 1, &self, 0);
    luar_read(L, 2, &key, 0);
    luar_charge_call(L, &key, 1);
    if (state->host.get(state->host.context, &self, LUAR_ENTRY, &key, &result) != 0) return luar_raise(L, &result);
    luar_push(L, &result);
    return 1;
}

static int write_entry(lua_State *L) {
    luar_state *state = luar_of(L);
    luar_value self, key, value, result = {0};
    luar_reraise(L);
    luar_read(L, 1, &self, 0);
    luar_read(L, 2, &key, 0);
    luar_read(L, 3, &value, 0);
    luar_charge_call(L, &key, 1);
    luar_charge_call(L, &value, 1);
    int code = state->host.set(state->host.context, &self, LUAR_ENTRY, &key, &value, &result);
    return code != 0 ? luar_raise(L, &result) : 0;
}

static int count_entries(lua_State *L) {
    luar_state *state = luar_of(L);
    luar_value self, result = {0};
    luar_reraise(L);
    luar_read(L, 1, &self, 0);
    if (state->host.get(state->host.context, &self, LUAR_COUNT, NULL, &result) != 0) return luar_raise(L, &result);
    luar_push(L, &result);
    return 1;
}

/// Steps through what `list_entries` copied, which is upvalue 1; upvalue 2 is how far it is.
static int step_entries(lua_State *L) {
    lua_Integer at = lua_tointeger(L, lua_upvalueindex(2));
    if (luar_of(L)->tripped) luar_reraise(L);
    if (lua_rawgeti(L, lua_upvalueindex(1), at + 1) == LUA_TNIL) return 1;
    lua_rawgeti(L, lua_upvalueindex(1), at + 2);
    lua_pushinteger(L, at + 2);
    lua_replace(L, lua_upvalueindex(2));
    return 2;
}

/// `pairs`: copies all entries, so that a loop sees what there was when it began.
static int list_entries(lua_State *L) {
    luar_state *state = luar_of(L);
    luar_value self, result = {0};
    luar_reraise(L);
    luar_read(L, 1, &self, 0);
    if (state->host.get(state->host.context, &self, LUAR_LISTING_COST, NULL, &result) != 0) return luar_raise(L, &result);
    luar_charge(L, result.integer);
    if (state->host.get(state->host.context, &self, LUAR_LISTING, NULL, &result) != 0) return luar_raise(L, &result);
    size_t count = 2 * result.count;
    lua_createtable(L, (int)count, 0);
    for (size_t i = 0; i < count; i++) {
        luar_push(L, &result.entries[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    lua_pushinteger(L, 0);
    lua_pushcclosure(L, step_entries, 2);
    return 1;
}

void luar_add_entries(lua_State *L, int metatable) {
    static const luaL_Reg access[] = {
        {"__index", read_entry}, {"__newindex", write_entry}, {"__len", count_entries}, {"__pairs", list_entries},
    };
    for (size_t i = 0; i < sizeof access / sizeof *access; i++) {
        lua_pushcfunction(L, access[i].func);
        lua_setfield(L, metatable, access[i].name);
    }
}
