// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#include "state.h"

#include <string.h>

/// Goes on as Lua's own function (upvalue 1), which uses no upvalues: within this call, so that error texts have its name.
static int run_original(lua_State *L) { return lua_tocfunction(L, lua_upvalueindex(1))(L); }

/// string.rep: one call can copy for as long as its count says. Charged first, then Lua's own (upvalue 1).
static int repeat(lua_State *L) {
    size_t size, separator_size;
    luaL_checklstring(L, 1, &size);
    lua_Integer count = luaL_checkinteger(L, 2);
    luaL_optlstring(L, 3, "", &separator_size);
    if (count <= 0 || size + separator_size == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    // A loop step costs about an instruction, and so do 64 bytes copied.
    size_t piece = 1 + (size + separator_size) / 64;
    if ((lua_Unsigned)count > (lua_Unsigned)INT64_MAX / piece) return luaL_error(L, "resulting string too large");
    luar_charge(L, (int64_t)((lua_Unsigned)count * piece));
    lua_settop(L, 3);
    return run_original(L);
}

/// string.format without addresses: '%p' is refused, and tables and functions given to '%s' show their type only.
static int format(lua_State *L) {
    size_t size;
    const char *pattern = luaL_checklstring(L, 1, &size), *end = pattern + size;
    for (const char *at = pattern; (at = memchr(at, '%', (size_t)(end - at))); at++) {
        at++;
        while (at < end && strchr("-+ #0123456789.", *at) && *at) at++;
        if (at < end && *at == 'p') return luaL_error(L, "string.format: '%%p' is not available to scripts");
        if (at >= end) break;
    }
    int count = lua_gettop(L);
    for (int i = 2; i <= count; i++) {
        switch (lua_type(L, i)) {
            case LUA_TTABLE:
            case LUA_TFUNCTION:
            case LUA_TTHREAD:
            case LUA_TUSERDATA:
                luar_push_text(L, i);
                lua_replace(L, i);
        }
    }
    return run_original(L);
}

static void replace(lua_State *L, const char *name, lua_CFunction function) {
    lua_getfield(L, -1, name);
    lua_pushcclosure(L, function, 1);
    lua_setfield(L, -2, name);
}

void luar_open_strings(lua_State *L) {
    lua_pushnil(L);
    lua_setfield(L, -2, "dump");
    replace(L, "rep", repeat);
    replace(L, "format", format);
    luar_open_patterns(L);
}
