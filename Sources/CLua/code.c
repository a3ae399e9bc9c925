// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#include "state.h"

#include <stdlib.h>
#include <string.h>

// What can be said of scripts without running them.

typedef struct {
    const char *text;
    size_t count;
    const char *chunk;
    luar_code *code;
} job;

/// Adds to the code; a nonzero answer ends the dump. Never raises.
static int take(lua_State *L, const void *bytes, size_t count, void *context) {
    (void)L;
    luar_code *code = context;
    unsigned char *grown = realloc(code->bytes, code->count + count);
    if (!grown) return 1;
    memcpy(grown + code->count, bytes, count);
    code->bytes = grown;
    code->count += count;
    return 0;
}

static int compile(lua_State *L) {
    const job *it = lua_touserdata(L, 1);
    // Text only: this reads what the compiler wrote, and nothing that somebody else did.
    if (luaL_loadbufferx(L, it->text, it->count, it->chunk, "t") != LUA_OK) return lua_error(L);
    if (lua_dump(L, take, it->code, 0) != 0) return luaL_error(L, "not enough memory");
    return 0;
}

luar_code luar_compile(const char *text, size_t count) {
    luar_code code = {0};
    // A state of its own, without libraries: nothing in it runs.
    lua_State *L = luaL_newstate();
    if (!L) return code;
    job it = {.text = text, .count = count, .chunk = "=script", .code = &code};
    lua_pushcfunction(L, compile);
    lua_pushlightuserdata(L, &it);
    if (lua_pcall(L, 1, 0, 0) != LUA_OK) {
        luar_discard_code(code);
        code = (luar_code){0};
    }
    lua_close(L);
    return code;
}

void luar_discard_code(luar_code code) { free(code.bytes); }

typedef struct {
    void (*add)(void *context, const char *path);
    void *context;
} sink;

/// Tells the names in the table at the top, and in the tables within it. `prefix` ends with a dot, or is empty. May raise.
static void list(lua_State *L, const char *prefix, const sink *to) {
    int table = lua_gettop(L);
    luaL_checkstack(L, 8, NULL);
    lua_pushnil(L);
    while (lua_next(L, table)) {
        if (lua_type(L, -2) == LUA_TSTRING) {
            const char *path = lua_pushfstring(L, "%s%s", prefix, lua_tostring(L, -2));
            to->add(to->context, path);
            // The real table stands behind its stand-in.
            const char *inner = lua_pushfstring(L, "%s.", path);
            if (lua_istable(L, -3) && luar_is_locked(L, -3) && luaL_getmetafield(L, -3, "__index") == LUA_TTABLE)
                list(L, inner, to);
        }
        lua_settop(L, table + 1);
    }
}

static int list_names(lua_State *L) {
    const sink *to = lua_touserdata(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, luar_of(L)->base);
    list(L, "", to);
    return 0;
}

int luar_names(luar_state *state, void (*add)(void *context, const char *path), void *context) {
    sink to = {.add = add, .context = context};
    return luar_protect(state, list_names, &to);
}
