// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#include "state.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Lua values as JSON texts (RFC 8259). What has no JSON text raises in the calling script with the value's path. No
// script code runs meanwhile, so no table changes but a weak one, which loses entries. Every function here but
// `compare` and `sink` may raise; all memory is Lua's.

enum { most_bytes = 1 << 20, deepest = 32 };

/// Instructions that a value or an entry costs, and bytes that cost one.
enum { value_cost = 8, bytes_per_unit = 16 };

/// Stack index of the text so far.
enum { text_index = 2 };

typedef struct {
    lua_State *L;
    /// What error texts call the function.
    const char *name;
    char *text;
    size_t count, capacity;
    int64_t owed;
    /// How many tables are open, and the keys that lead to the value at hand, one for each.
    int depth;
    luar_key path[deepest];
} writer;

/// A name of an object, borrowed from the table's key.
typedef struct {
    const char *text;
    size_t count;
} member;

/// Raises: `what` is wrong with the value at hand, or with a key of it. Never returns.
static void refuse(writer *w, int is_key, const char *what) {
    char path[512] = "value";
    size_t used = strlen(path);
    for (int i = 0; i < w->depth; i++) used = luar_add_key(path, sizeof path, used, &w->path[i]);
    luaL_error(w->L, "%s: %s%s is %s", w->name, is_key ? "a key of " : "", path, what);
}

/// Counts work. Raises past a limit.
static void owe(writer *w, int64_t units) {
    w->owed += units;
    if (w->owed < LUAR_INTERVAL) return;
    luar_charge(w->L, w->owed);
    w->owed = 0;
}

/// Raises if that many bytes more do not fit into the longest text.
static void check_room(writer *w, size_t count) {
    if (count <= most_bytes - w->count) return;
    luaL_error(w->L, "%s: the text would be longer than %d bytes", w->name, most_bytes);
}

/// Appends bytes. Raises past the longest text and on memory.
static void add(writer *w, const char *bytes, size_t count) {
    check_room(w, count);
    if (w->count + count > w->capacity) {
        size_t capacity = w->capacity ? w->capacity : 256;
        while (capacity < w->count + count) capacity *= 2;
        char *text = lua_newuserdatauv(w->L, capacity, 0);
        if (w->count) memcpy(text, w->text, w->count);
        lua_replace(w->L, text_index);
        w->text = text;
        w->capacity = capacity;
    }
    memcpy(w->text + w->count, bytes, count);
    w->count += count;
}

/// Appends the escape of a character, if it needs one; returns whether it did.
static int add_escape(writer *w, const unsigned char *at, size_t count) {
    static const char plain[] = "\"\\\b\f\n\r\t", letters[] = "\"\\bfnrt";
    char escape[8] = {'\\'};
    const char *found = *at ? strchr(plain, *at) : NULL;
    if (found) {
        escape[1] = letters[found - plain];
        add(w, escape, 2);
    } else if (*at < 0x20) {
        add(w, escape, (size_t)snprintf(escape, sizeof escape, "\\u%04x", *at));
    } else if (count == 3 && at[0] == 0xE2 && at[1] == 0x80 && (at[2] == 0xA8 || at[2] == 0xA9)) {
        // U+2028 and U+2029: JSON lets them stand, but they end lines in older JavaScript.
        add(w, at[2] == 0xA8 ? "\\u2028" : "\\u2029", 6);
    } else {
        return 0;
    }
    return 1;
}

/// Appends a string, or a key, in quotes.
static void add_string(writer *w, const char *text, size_t size, int is_key) {
    const unsigned char *at = (const unsigned char *)text, *end = at + size, *start = at;
    owe(w, (int64_t)(size / bytes_per_unit));
    add(w, "\"", 1);
    while (at < end) {
        size_t count = luar_character(at, (size_t)(end - at));
        if (!count) refuse(w, is_key, "a string that is not UTF-8; relay.utf8(text) makes it so");
        if (*at < 0x20 || *at == '"' || *at == '\\' || *at == 0xE2) {
            add(w, (const char *)start, (size_t)(at - start));
            start = add_escape(w, at, count) ? at + count : at;
        }
        at += count;
    }
    add(w, (const char *)start, (size_t)(end - start));
    add(w, "\"", 1);
}

/// Appends a number; a float in as few digits as read back to the same float.
static void add_number(writer *w, int index) {
    char text[64];
    if (lua_isinteger(w->L, index)) {
        add(w, text, (size_t)snprintf(text, sizeof text, "%lld", (long long)lua_tointeger(w->L, index)));
        return;
    }
    lua_Number number = lua_tonumber(w->L, index);
    if (isnan(number)) refuse(w, 0, "not a number (nan): JSON has no such number");
    if (isinf(number)) refuse(w, 0, "infinite: JSON has no such number");
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, number);
        if (strtod(text, NULL) == number) break;
    }
    // Without this mark it would read back as an integer.
    if (!strpbrk(text, ".e")) strcat(text, ".0");
    add(w, text, strlen(text));
}

/// Compares names by their bytes.
static int compare(const member *left, const member *right) {
    size_t shorter = left->count < right->count ? left->count : right->count;
    int order = memcmp(left->text, right->text, shorter);
    if (order) return order;
    return left->count < right->count ? -1 : left->count > right->count;
}

/// Lets the member at `root` sink to its place in a heap of `count`.
static void sink(member *members, size_t root, size_t count) {
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && compare(&members[child], &members[child + 1]) < 0) child++;
        if (compare(&members[root], &members[child]) >= 0) return;
        member other = members[root];
        members[root] = members[child];
        members[child] = other;
    }
}

/// Heap sort: the C library's sorting may take memory that no limit counts. The names fit into one text, which bounds
/// the bytes compared; charged before. Raises past a limit.
static void sort(writer *w, member *members, size_t count) {
    enum { comparison_cost = 4 };
    int64_t rounds = 1;
    while (count >> rounds) rounds++;
    owe(w, comparison_cost * rounds * (int64_t)count);
    for (size_t i = count / 2; i-- > 0;) sink(members, i, count);
    for (size_t last = count; last-- > 1;) {
        member other = members[0];
        members[0] = members[last];
        members[last] = other;
        sink(members, 0, last);
    }
}

static void add_value(writer *w, int index);

/// Appends a table with the keys 1 to `count`.
static void add_list(writer *w, int table, lua_Integer count) {
    add(w, "[", 1);
    for (lua_Integer i = 1; i <= count; i++) {
        if (i > 1) add(w, ",", 1);
        lua_rawgeti(w->L, table, i);
        w->path[w->depth - 1] = (luar_key){.type = LUA_TNUMBER, .is_integer = 1, .integer = i};
        add_value(w, lua_gettop(w->L));
        lua_pop(w->L, 1);
    }
    add(w, "]", 1);
}

/// Appends a table of up to `count` names, in the order of their bytes, so that a table has one text. A weak table loses
/// entries whenever garbage is collected, so also while it is encoded: the names are held here, and a value that is
/// gone is left out as if it had gone before.
static void add_members(writer *w, int table, size_t count) {
    lua_State *L = w->L;
    member *members = lua_newuserdatauv(L, count * sizeof *members, 0);
    lua_createtable(L, (int)count, 0);
    int names = lua_gettop(L);
    size_t bytes = 0, found = 0;
    for (lua_pushnil(L); found < count && lua_next(L, table); lua_pop(L, 1)) {
        members[found].text = lua_tolstring(L, -2, &members[found].count);
        bytes += members[found].count;
        check_room(w, bytes);
        lua_pushvalue(L, -2);
        lua_rawseti(L, names, (lua_Integer)++found);
    }
    lua_settop(L, names);
    sort(w, members, found);
    add(w, "{", 1);
    size_t empty = w->count;
    for (size_t i = 0; i < found; i++) {
        lua_pushlstring(L, members[i].text, members[i].count);
        if (lua_rawget(L, table) != LUA_TNIL) {
            if (w->count > empty) add(w, ",", 1);
            w->depth--;
            add_string(w, members[i].text, members[i].count, 1);
            w->depth++;
            add(w, ":", 1);
            w->path[w->depth - 1] =
                (luar_key){.type = LUA_TSTRING, .text = members[i].text, .count = members[i].count};
            add_value(w, lua_gettop(L));
        }
        lua_pop(L, 1);
    }
    add(w, "}", 1);
    lua_settop(L, table);
}

/// Appends the table on top of the stack. Its keys say whether it is a list or an object.
static void add_table(writer *w) {
    lua_State *L = w->L;
    int table = lua_gettop(L);
    if (luar_is_locked(L, table)) refuse(w, 0, "a read-only table of the relay: name the fields that are meant");
    if (w->depth == deepest) refuse(w, 0, "a table within 32 others, which is too deep: does it hold itself?");
    // Walking through a table costs its size, which large empty ones hide.
    owe(w, LUAR_INTERVAL / luar_interval(luar_of(L)));
    lua_Integer positions = 0, names = 0, last = 0;
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        owe(w, value_cost / 2);
        if (lua_type(L, -2) == LUA_TSTRING) names++;
        else if (lua_isinteger(L, -2) && lua_tointeger(L, -2) > 0) {
            positions++;
            if (lua_tointeger(L, -2) > last) last = lua_tointeger(L, -2);
        } else {
            char what[96];
            luar_key key = luar_key_at(L, -2);
            luar_add_key(what, sizeof what, 0, &key);
            refuse(w, 1, lua_pushfstring(L, "%s: JSON's keys are names, or 1 to the number of values", what));
        }
    }
    if (positions && names) refuse(w, 0, "a table with both names and positions: JSON has no such value");
    if (last != positions) refuse(w, 0, "a list with holes: fill them with relay.json.null");
    // Each has at least a value of one byte and a comma.
    check_room(w, 2 * (size_t)(positions + names));
    w->depth++;
    if (positions) add_list(w, table, positions);
    else if (names) add_members(w, table, (size_t)names);
    else add(w, "{}", 2);
    w->depth--;
}

/// Raises for a value that has no JSON text. Never returns.
static void refuse_type(writer *w, int index) {
    const char *name = luaL_getmetafield(w->L, index, "__name") == LUA_TSTRING ? lua_tostring(w->L, -1)
                                                                              : luaL_typename(w->L, index);
    if (lua_type(w->L, index) == LUA_TTHREAD) name = "coroutine";
    refuse(w, 0, lua_pushfstring(w->L, "%s %s", strchr("aeiou", *name) ? "an" : "a", name));
}

/// Appends the value at `index`, the top of the stack.
static void add_value(writer *w, int index) {
    owe(w, value_cost);
    size_t count;
    const char *text;
    switch (lua_type(w->L, index)) {
        case LUA_TNIL: refuse(w, 0, "nil: relay.json.null is what JSON has for it"); break;
        case LUA_TBOOLEAN:
            text = lua_toboolean(w->L, index) ? "true" : "false";
            add(w, text, strlen(text));
            break;
        case LUA_TNUMBER: add_number(w, index); break;
        case LUA_TSTRING:
            text = lua_tolstring(w->L, index, &count);
            add_string(w, text, count, 0);
            break;
        case LUA_TTABLE: add_table(w); break;
        default:
            switch (luar_constant_at(w->L, index)) {
                case LUAR_NULL: add(w, "null", 4); break;
                case LUAR_EMPTY_ARRAY: add(w, "[]", 2); break;
                default: refuse_type(w, index);
            }
    }
}

/// json.encode(value): its text.
int luar_json_encode(lua_State *L) {
    luar_reraise(L);
    lua_settop(L, 1);
    lua_pushnil(L);
    // A level has a table's members, their names and a value on the stack.
    luaL_checkstack(L, 3 * deepest + 16, NULL);
    writer w = {.L = L, .name = lua_tostring(L, lua_upvalueindex(1))};
    lua_pushvalue(L, 1);
    add_value(&w, lua_gettop(L));
    luar_charge(L, w.owed);
    lua_pushlstring(L, w.text, w.count);
    return 1;
}
