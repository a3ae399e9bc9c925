// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#define _GNU_SOURCE

#include "patterns.h"

#include <ctype.h>
#include <string.h>

// string.find, match, gmatch and gsub as the manual of Lua 5.4 describes them (section 6.4).

/// The place, from 0, that an argument means: negative ones count from the end.
static size_t place(lua_State *L, int argument, size_t size) {
    lua_Integer at = luaL_optinteger(L, argument, 1);
    if (at > 0) return (size_t)at - 1;
    if (at == 0 || at < -(lua_Integer)size) return 0;
    return size + (size_t)at;
}

/// Whether a pattern means nothing but itself.
static int is_plain(const char *pattern, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (pattern[i] && strchr("^$*+?.([%-", pattern[i])) return 0;
    return 1;
}

/// string.find with `finds`, else string.match.
static int search(lua_State *L, int finds) {
    size_t size, pattern_size;
    const char *text = luaL_checklstring(L, 1, &size), *pattern = luaL_checklstring(L, 2, &pattern_size);
    size_t from = place(L, 3, size);
    if (from > size) {
        luaL_pushfail(L);
        return 1;
    }
    if (finds && (lua_toboolean(L, 4) || is_plain(pattern, pattern_size))) {
        luar_charge(L, (int64_t)((size - from) / 64));
        const char *found = memmem(text + from, size - from, pattern, pattern_size);
        if (!found) {
            luaL_pushfail(L);
            return 1;
        }
        lua_pushinteger(L, found - text + 1);
        lua_pushinteger(L, found - text + (lua_Integer)pattern_size);
        return 2;
    }
    int anchored = *pattern == '^';
    luar_matcher it;
    luar_begin_matching(&it, L, text, size, pattern + anchored, pattern_size - (size_t)anchored);
    for (const char *at = text + from; at <= it.text_end; at++) {
        const char *end = luar_match_at(&it, at);
        if (end) {
            if (!finds) return luar_push_captures(&it, at, end);
            lua_pushinteger(L, at - text + 1);
            lua_pushinteger(L, end - text);
            return luar_push_captures(&it, NULL, NULL) + 2;
        }
        if (anchored) break;
    }
    luaL_pushfail(L);
    return 1;
}

static int find(lua_State *L) { return search(L, 1); }
static int match_string(lua_State *L) { return search(L, 0); }

/// Upvalues of what gmatch returns: both texts, where to go on, and where the last match ended, both from 0.
enum { UP_TEXT = 1, UP_PATTERN, UP_NEXT, UP_LAST };

static int next_match(lua_State *L) {
    size_t size, pattern_size;
    const char *text = lua_tolstring(L, lua_upvalueindex(UP_TEXT), &size);
    const char *pattern = lua_tolstring(L, lua_upvalueindex(UP_PATTERN), &pattern_size);
    // A number, as -1 stands for no match yet and a pointer before the text would be undefined.
    lua_Integer last = lua_tointeger(L, lua_upvalueindex(UP_LAST));
    luar_matcher it;
    luar_begin_matching(&it, L, text, size, pattern, pattern_size);
    for (const char *at = text + lua_tointeger(L, lua_upvalueindex(UP_NEXT)); at <= it.text_end; at++) {
        const char *end = luar_match_at(&it, at);
        // An empty match right behind the last one is none.
        if (!end || end - text == last) continue;
        lua_pushinteger(L, end - text);
        lua_copy(L, -1, lua_upvalueindex(UP_NEXT));
        lua_copy(L, -1, lua_upvalueindex(UP_LAST));
        lua_pop(L, 1);
        return luar_push_captures(&it, at, end);
    }
    return 0;
}

static int match_all(lua_State *L) {
    size_t size;
    luaL_checklstring(L, 1, &size);
    luaL_checkstring(L, 2);
    size_t from = place(L, 3, size);
    lua_settop(L, 2);
    lua_pushinteger(L, from > size ? (lua_Integer)size + 1 : (lua_Integer)from);
    lua_pushinteger(L, -1);
    lua_pushcclosure(L, next_match, 4);
    return 1;
}

/// Adds a replacement string, argument 3, with captures in the places of '%0' to '%9'.
static void add_template(luar_matcher *it, luaL_Buffer *buffer, const char *start, const char *end) {
    size_t size;
    const char *text = lua_tolstring(it->L, 3, &size), *text_end = text + size;
    for (const char *mark; (mark = memchr(text, '%', (size_t)(text_end - text))); text = mark + 2) {
        luaL_addlstring(buffer, text, (size_t)(mark - text));
        if (mark[1] == '%') {
            luaL_addchar(buffer, '%');
        } else if (mark[1] == '0') {
            luaL_addlstring(buffer, start, (size_t)(end - start));
        } else if (isdigit((unsigned char)mark[1])) {
            luar_push_capture(it, mark[1] - '1', start, end);
            luaL_addvalue(buffer);
        } else {
            luaL_error(it->L, "invalid use of '%%' in replacement string");
        }
    }
    luaL_addlstring(buffer, text, (size_t)(text_end - text));
}

/// Adds what stands in the place of a match; returns whether that is something else.
static int add_replacement(luar_matcher *it, luaL_Buffer *buffer, const char *start, const char *end) {
    lua_State *L = it->L;
    switch (lua_type(L, 3)) {
        case LUA_TFUNCTION:
            lua_pushvalue(L, 3);
            lua_call(L, luar_push_captures(it, start, end), 1);
            break;
        case LUA_TTABLE:
            luar_push_capture(it, 0, start, end);
            lua_gettable(L, 3);
            break;
        default: add_template(it, buffer, start, end); return 1;
    }
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        luaL_addlstring(buffer, start, (size_t)(end - start));
        return 0;
    }
    if (!lua_isstring(L, -1)) luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    luaL_addvalue(buffer);
    return 1;
}

static int substitute(lua_State *L) {
    size_t size, pattern_size;
    const char *text = luaL_checklstring(L, 1, &size), *pattern = luaL_checklstring(L, 2, &pattern_size);
    int type = lua_type(L, 3);
    luaL_argexpected(L, type == LUA_TNUMBER || type == LUA_TSTRING || type == LUA_TFUNCTION || type == LUA_TTABLE, 3,
                     "string/function/table");
    lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)size + 1), count = 0;
    int anchored = *pattern == '^', changed = 0;
    luar_matcher it;
    luar_begin_matching(&it, L, text, size, pattern + anchored, pattern_size - (size_t)anchored);
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    const char *at = text, *last = NULL;
    while (count < most) {
        const char *end = luar_match_at(&it, at);
        if (end && end != last) {
            // What a replacement costs beside its characters.
            luar_take_step(&it);
            count++;
            changed |= add_replacement(&it, &buffer, at, end);
            at = last = end;
        } else if (at < it.text_end) {
            luaL_addchar(&buffer, *at);
            at++;
        } else {
            break;
        }
        if (anchored) break;
    }
    if (changed) {
        luaL_addlstring(&buffer, at, (size_t)(it.text_end - at));
        luaL_pushresult(&buffer);
    } else {
        lua_pushvalue(L, 1);
    }
    lua_pushinteger(L, count);
    return 2;
}

void luar_open_patterns(lua_State *L) {
    static const luaL_Reg functions[] = {
        {"find", find}, {"match", match_string}, {"gmatch", match_all}, {"gsub", substitute}, {NULL, NULL},
    };
    luaL_setfuncs(L, functions, 0);
}
