// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#include "state.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

// Where a value stands inside tables, in Lua's notation, for error texts.

size_t luar_character(const unsigned char *at, size_t left) {
    // The well-formed sequences of the Unicode standard: no overlong forms, no surrogates, nothing above U+10FFFF.
    unsigned char first = at[0];
    if (first < 0x80) return 1;
    if (first < 0xC2 || first > 0xF4) return 0;
    size_t size = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (size > left) return 0;
    unsigned char lowest = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
    unsigned char highest = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    if (at[1] < lowest || at[1] > highest) return 0;
    for (size_t i = 2; i < size; i++)
        if (at[i] < 0x80 || at[i] > 0xBF) return 0;
    return size;
}

luar_key luar_key_at(lua_State *L, int index) {
    luar_key key = {.type = lua_type(L, index)};
    switch (key.type) {
        case LUA_TSTRING: key.text = lua_tolstring(L, index, &key.count); break;
        case LUA_TNUMBER:
            key.is_integer = lua_isinteger(L, index);
            key.integer = lua_tointeger(L, index);
            key.number = lua_tonumber(L, index);
            break;
        case LUA_TBOOLEAN:
            key.type = LUA_TNIL;
            key.text = lua_toboolean(L, index) ? "[true]" : "[false]";
            break;
        default:
            key.text = key.type == LUA_TTABLE ? "[a table]" : "[an object]";
            key.type = LUA_TNIL;
    }
    return key;
}

/// Appends what a format makes of its arguments; what does not fit ends in dots.
static size_t append(char *target, size_t size, size_t used, const char *format, ...) {
    va_list arguments;
    if (used + 1 >= size) return used;
    va_start(arguments, format);
    int count = vsnprintf(target + used, size - used, format, arguments);
    va_end(arguments);
    if (count >= 0 && (size_t)count < size - used) return used + (size_t)count;
    if (size > 3) memcpy(target + size - 4, "...", 4);
    return size - 1;
}

static int is_reserved(const char *text, size_t count) {
    static const char *const words[] = {
        "and", "break", "do",  "else", "elseif", "end",    "false", "for",  "function", "goto",  "if",
        "in",  "local", "nil", "not",  "or",     "repeat", "return", "then", "true",     "until", "while",
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (strlen(words[i]) == count && memcmp(words[i], text, count) == 0) return 1;
    return 0;
}

static int is_name(const char *text, size_t count) {
    if (count == 0 || is_reserved(text, count)) return 0;
    for (size_t i = 0; i < count; i++) {
        char it = text[i];
        int letter = (it >= 'a' && it <= 'z') || (it >= 'A' && it <= 'Z') || it == '_';
        if (!letter && (i == 0 || it < '0' || it > '9')) return 0;
    }
    return 1;
}

size_t luar_add_key(char *target, size_t size, size_t used, const luar_key *key) {
    enum { most_shown = 40 };
    if (key->type == LUA_TNUMBER && key->is_integer)
        return append(target, size, used, "[%lld]", (long long)key->integer);
    if (key->type == LUA_TNUMBER) return append(target, size, used, "[%.14g]", key->number);
    if (key->type != LUA_TSTRING) return append(target, size, used, "%s", key->text);
    if (key->count <= most_shown && is_name(key->text, key->count))
        return append(target, size, used, ".%.*s", (int)key->count, key->text);
    used = append(target, size, used, "[\"");
    const unsigned char *at = (const unsigned char *)key->text, *end = at + key->count;
    for (const unsigned char *last = at + most_shown; at < end; ) {
        if (at >= last) {
            used = append(target, size, used, "...");
            break;
        }
        size_t count = luar_character(at, (size_t)(end - at));
        if (count == 0 || *at < 0x20 || *at == 0x7F) used = append(target, size, used, "\\%03d", *at++);
        else {
            if (*at == '"' || *at == '\\') used = append(target, size, used, "\\");
            used = append(target, size, used, "%.*s", (int)count, (const char *)at);
            at += count;
        }
    }
    return append(target, size, used, "\"]");
}
