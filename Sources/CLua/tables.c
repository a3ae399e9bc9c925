// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#include "state.h"

// The table functions whose loops a script can stretch without running an instruction: each counts its steps, so a
// table with a lying __len ends in the time limit. They follow the manual, metamethods included.

/// Steps between two charges.
enum { stride = 256 };

static void charge_step(lua_State *L, lua_Unsigned step) {
    if (step % stride == 0) luar_charge(L, stride);
}

/// Accepts a table, or what acts as one: anything else raises the usual argument error.
static void check_table(lua_State *L, int index) {
    if (lua_type(L, index) == LUA_TTABLE) return;
    if (lua_getmetatable(L, index)) {
        lua_pop(L, 1);
        return;
    }
    luaL_checktype(L, index, LUA_TTABLE);
}

static int insert(lua_State *L) {
    check_table(L, 1);
    lua_Integer end = (lua_Integer)((lua_Unsigned)luaL_len(L, 1) + 1), position = end;
    switch (lua_gettop(L)) {
        case 2: break;
        case 3:
            position = luaL_checkinteger(L, 2);
            luaL_argcheck(L, (lua_Unsigned)position - 1u < (lua_Unsigned)end, 2, "position out of bounds");
            for (lua_Integer i = end; i > position; i--) {
                charge_step(L, (lua_Unsigned)(end - i));
                lua_geti(L, 1, i - 1);
                lua_seti(L, 1, i);
            }
            break;
        default: return luaL_error(L, "wrong number of arguments to 'insert'");
    }
    lua_seti(L, 1, position);
    return 0;
}

static int remove_at(lua_State *L) {
    check_table(L, 1);
    lua_Integer size = luaL_len(L, 1), position = luaL_optinteger(L, 2, size);
    if (position != size)
        luaL_argcheck(L, (lua_Unsigned)position - 1u <= (lua_Unsigned)size, 2, "position out of bounds");
    lua_geti(L, 1, position);
    for (; position < size; position++) {
        charge_step(L, (lua_Unsigned)position);
        lua_geti(L, 1, position + 1);
        lua_seti(L, 1, position);
    }
    lua_pushnil(L);
    lua_seti(L, 1, position);
    return 1;
}

static int move(lua_State *L) {
    lua_Integer from = luaL_checkinteger(L, 2), end = luaL_checkinteger(L, 3), to = luaL_checkinteger(L, 4);
    int target = lua_isnoneornil(L, 5) ? 1 : 5;
    check_table(L, 1);
    check_table(L, target);
    if (end >= from) {
        luaL_argcheck(L, from > 0 || end < LUA_MAXINTEGER + from, 3, "too many elements to move");
        lua_Integer count = end - from + 1;
        luaL_argcheck(L, to <= LUA_MAXINTEGER - count + 1, 4, "destination wrap around");
        int forward = to > end || to <= from || (target != 1 && !lua_compare(L, 1, target, LUA_OPEQ));
        for (lua_Integer i = 0; i < count; i++) {
            lua_Integer offset = forward ? i : count - 1 - i;
            charge_step(L, (lua_Unsigned)i);
            lua_geti(L, 1, from + offset);
            lua_seti(L, target, to + offset);
        }
    }
    lua_pushvalue(L, target);
    return 1;
}

/// Bytes that are copied for one unit.
enum { copied_per_unit = 64 };

static void add_field(lua_State *L, luaL_Buffer *buffer, lua_Integer i) {
    lua_geti(L, 1, i);
    if (!lua_isstring(L, -1))
        luaL_error(L, "invalid value (at index %I) in table for 'concat'", (LUAI_UACINT)i);
    if (lua_type(L, -1) == LUA_TSTRING) luar_charge(L, (int64_t)(lua_rawlen(L, -1) / copied_per_unit));
    luaL_addvalue(buffer);
}

/// Collects garbage if the strings of a plain table need that: the buffer that they go to does not.
static void make_room_for(lua_State *L, lua_Integer from, lua_Integer last, size_t separator_size) {
    if (lua_type(L, 1) != LUA_TTABLE || lua_getmetatable(L, 1)) return;
    enum { longest_number = 32 };
    size_t total = 0;
    for (lua_Integer i = from; i <= last && i >= from; i++) {
        charge_step(L, (lua_Unsigned)i);
        int type = lua_rawgeti(L, 1, i);
        total += separator_size + (type == LUA_TSTRING ? lua_rawlen(L, -1) : longest_number);
        lua_pop(L, 1);
        // What is neither will be refused.
        if ((type != LUA_TSTRING && type != LUA_TNUMBER) || i == LUA_MAXINTEGER) break;
    }
    // A buffer that grows is in two places for a moment.
    luar_make_room(L, 3 * total);
}

static int concat(lua_State *L) {
    check_table(L, 1);
    lua_Integer last = luaL_len(L, 1);
    size_t separator_size;
    const char *separator = luaL_optlstring(L, 2, "", &separator_size);
    lua_Integer i = luaL_optinteger(L, 3, 1);
    last = luaL_optinteger(L, 4, last);
    make_room_for(L, i, last, separator_size);
    luaL_Buffer buffer;
    luaL_buffinit(L, &buffer);
    for (; i < last; i++) {
        charge_step(L, (lua_Unsigned)i);
        add_field(L, &buffer, i);
        luaL_addlstring(&buffer, separator, separator_size);
    }
    if (i == last) add_field(L, &buffer, i);
    luaL_pushresult(&buffer);
    return 1;
}

static int unpack(lua_State *L) {
    lua_Integer from = luaL_optinteger(L, 2, 1), end = luaL_opt(L, luaL_checkinteger, 3, luaL_len(L, 1));
    if (from > end) return 0;
    lua_Unsigned count = (lua_Unsigned)end - (lua_Unsigned)from;
    if (count >= INT32_MAX || !lua_checkstack(L, (int)++count)) return luaL_error(L, "too many results to unpack");
    for (lua_Integer i = from; i < end; i++) {
        charge_step(L, (lua_Unsigned)i);
        lua_geti(L, 1, i);
    }
    lua_geti(L, 1, end);
    return (int)count;
}

/// Compares for a sort, and counts the work: the script's comparison function is upvalue 1, nil for `<`.
static int compare(lua_State *L) {
    // Strings of zero bytes are compared one by one.
    enum { comparison_cost = 8, bytes_per_unit = 4 };
    if (!lua_isnil(L, lua_upvalueindex(1))) {
        luar_charge(L, comparison_cost);
        lua_pushvalue(L, lua_upvalueindex(1));
        lua_insert(L, 1);
        lua_call(L, 2, 1);
        return 1;
    }
    size_t size = lua_type(L, 1) == LUA_TSTRING ? lua_rawlen(L, 1) : 0;
    if (lua_type(L, 2) == LUA_TSTRING && lua_rawlen(L, 2) < size) size = lua_rawlen(L, 2);
    luar_charge(L, comparison_cost + (int64_t)(size / bytes_per_unit));
    lua_pushboolean(L, lua_compare(L, 1, 2, LUA_OPLT));
    return 1;
}

/// Lua's own sort (upvalue 1), with comparisons that are counted.
static int sort(lua_State *L) {
    check_table(L, 1);
    if (!lua_isnoneornil(L, 2)) luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_settop(L, 2);
    lua_pushcclosure(L, compare, 1);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 2, 0);
    return 0;
}

void luar_open_tables(lua_State *L) {
    static const luaL_Reg ours[] = {
        {"insert", insert}, {"remove", remove_at}, {"move", move}, {"concat", concat}, {"unpack", unpack}, {NULL, NULL},
    };
    luaL_setfuncs(L, ours, 0);
    lua_getfield(L, -1, "sort");
    lua_pushcclosure(L, sort, 1);
    lua_setfield(L, -2, "sort");
}
