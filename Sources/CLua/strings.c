// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#include "state.h"

#include <string.h>

// Functions of Lua's own library whose work grows with their arguments: each is charged first, and then run. One unit is
// about 8 ns, as an instruction is; the rates were measured with Lua 5.4.4 on the slowest input of each kind.

enum {
    /// Bytes that one unit copies.
    copied = 64,
    /// Bytes that one unit looks at or changes one by one.
    changed = 4,
    /// Units for a byte that '%q' quotes: zero bytes are printed as numbers.
    quoted = 8,
    /// Units for a directive of string.format, string.pack and os.date; for '%f', which writes up to 309 digits; and for a
    /// number with two digits of precision.
    directive = 32,
    long_directive = 128,
    precise_directive = 1024,
};

/// Goes on as Lua's own function (upvalue 1), which uses no upvalues: within this call, so that error texts have its name.
static int run_original(lua_State *L) { return lua_tocfunction(L, lua_upvalueindex(1))(L); }

/// The bytes of a string argument; 0 for what Lua's own function will refuse.
static size_t size_of(lua_State *L, int index) { return lua_type(L, index) == LUA_TSTRING ? lua_rawlen(L, index) : 0; }

static size_t count_of(const char *text, size_t size, char wanted) {
    size_t count = 0;
    for (const char *end = text + size; (text = memchr(text, wanted, (size_t)(end - text))); text++) count++;
    return count;
}

/// string.rep: one call can copy for as long as its count says.
static int repeat(lua_State *L) {
    size_t size, separator_size;
    luaL_checklstring(L, 1, &size);
    lua_Integer count = luaL_checkinteger(L, 2);
    luaL_optlstring(L, 3, "", &separator_size);
    if (count <= 0 || size + separator_size == 0) {
        lua_pushliteral(L, "");
        return 1;
    }
    size_t piece = 1 + (size + separator_size) / copied;
    if ((lua_Unsigned)count > (lua_Unsigned)INT64_MAX / (size + separator_size + piece))
        return luaL_error(L, "resulting string too large");
    luar_charge(L, (int64_t)((lua_Unsigned)count * piece));
    luar_make_room(L, (size_t)count * (size + separator_size));
    lua_settop(L, 3);
    return run_original(L);
}

/// What a directive of string.format costs beside the bytes of a string; `options` stand between its '%' and its letter.
static int64_t directive_cost(const char *options, const char *letter) {
    const char *point = memchr(options, '.', (size_t)(letter - options));
    if (point && letter - point > 2) return precise_directive;
    return *letter == 'f' ? long_directive : directive;
}

/// string.format without addresses: '%p' is refused, and tables and functions given to '%s' show their type only.
static int format(lua_State *L) {
    size_t size;
    const char *pattern = luaL_checklstring(L, 1, &size), *end = pattern + size;
    int argument = 1, count = lua_gettop(L);
    luar_charge(L, (int64_t)(size / changed));
    for (const char *at = pattern; (at = memchr(at, '%', (size_t)(end - at))); at++) {
        const char *options = ++at;
        while (at < end && strchr("-+ #0123456789.", *at) && *at) at++;
        if (at >= end) break;
        if (*at == '%') continue;
        if (*at == 'p') return luaL_error(L, "string.format: '%%p' is not available to scripts");
        argument++;
        size_t bytes = argument <= count ? size_of(L, argument) : 0;
        luar_charge(L, directive_cost(options, at) + (int64_t)(*at == 'q' ? bytes * quoted : bytes / copied));
    }
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

/// Functions that look at every byte of their first argument.
static int look_at_all(lua_State *L) {
    luar_charge(L, (int64_t)(size_of(L, 1) / changed));
    return run_original(L);
}

/// Functions that make a value of each of their arguments, or of each byte or character in a range.
static int make_each(lua_State *L) {
    luar_charge(L, (int64_t)(size_of(L, 1) / changed) + lua_gettop(L));
    return run_original(L);
}

/// string.byte: as many values as its range has bytes, which are few as a rule.
static int bytes_of(lua_State *L) {
    lua_Integer from = luaL_optinteger(L, 2, 1), to = luaL_optinteger(L, 3, from);
    size_t size = size_of(L, 1);
    // Where one counts from the end, the most that it can be.
    lua_Unsigned count = (from < 0) == (to < 0) ? (lua_Unsigned)to - (lua_Unsigned)from + 1 : size;
    luar_charge(L, to < from && (from < 0) == (to < 0) ? 1 : (int64_t)(count < size ? count : size));
    return run_original(L);
}

/// string.pack, packsize and unpack: what they do for each letter of the format, and the strings that they copy.
static int pack(lua_State *L) {
    size_t size;
    luaL_checklstring(L, 1, &size);
    int64_t units = (int64_t)size * directive / 8;
    luar_charge(L, units);
    for (int i = 2, count = lua_gettop(L); i <= count; i++) luar_charge(L, 1 + (int64_t)(size_of(L, i) / copied));
    return run_original(L);
}

/// os.date: what each directive writes.
static int date(lua_State *L) {
    size_t size;
    const char *pattern = luaL_optlstring(L, 1, "", &size);
    luar_charge(L, (int64_t)(size / changed));
    luar_charge(L, (int64_t)count_of(pattern, size, '%') * directive);
    return run_original(L);
}

static void charge_first(lua_State *L, const char *name, lua_CFunction function) {
    lua_getfield(L, -1, name);
    lua_pushcclosure(L, function, 1);
    lua_setfield(L, -2, name);
}

void luar_open_strings(lua_State *L) {
    lua_pushnil(L);
    lua_setfield(L, -2, "dump");
    charge_first(L, "rep", repeat);
    charge_first(L, "format", format);
    charge_first(L, "upper", look_at_all);
    charge_first(L, "lower", look_at_all);
    charge_first(L, "reverse", look_at_all);
    charge_first(L, "byte", bytes_of);
    charge_first(L, "char", make_each);
    charge_first(L, "pack", pack);
    charge_first(L, "packsize", pack);
    charge_first(L, "unpack", pack);
    luar_open_patterns(L);
}

/// utf8.len and utf8.codepoint: the characters in a range; utf8.codepoint's is one character unless told.
static int characters(lua_State *L) {
    size_t size = size_of(L, 1);
    int is_length = lua_toboolean(L, lua_upvalueindex(2));
    lua_Integer from = luaL_optinteger(L, 2, 1), to = luaL_optinteger(L, 3, is_length ? -1 : from);
    if (from < 0) from += (lua_Integer)size + 1;
    if (to < 0) to += (lua_Integer)size + 1;
    if (to >= from && from >= 0 && (size_t)to <= size) luar_charge(L, (to - from) / 2 + 1);
    return run_original(L);
}

/// utf8.offset: at most as many bytes as the string has, and few where few characters are asked for.
static int offset(lua_State *L) {
    lua_Integer count = luaL_checkinteger(L, 2);
    size_t size = size_of(L, 1), steps = count < 0 ? 0 - (size_t)count : (size_t)count;
    luar_charge(L, 1 + (int64_t)((steps < size ? steps : size) / changed));
    return run_original(L);
}

void luar_open_utf8(lua_State *L) {
    static const char *const names[] = {"codepoint", "len"};
    for (int i = 0; i < 2; i++) {
        lua_getfield(L, -1, names[i]);
        lua_pushboolean(L, i);
        lua_pushcclosure(L, characters, 2);
        lua_setfield(L, -2, names[i]);
    }
    charge_first(L, "offset", offset);
    charge_first(L, "char", make_each);
}

void luar_open_dates(lua_State *L) { charge_first(L, "date", date); }

void luar_open_numbers(lua_State *L) { charge_first(L, "tonumber", look_at_all); }
