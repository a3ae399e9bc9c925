// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#include "state.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

// JSON texts (RFC 8259) into Lua values, strictly. A bad text is the fault of whoever sent it: it gives a reason and
// raises nothing. What raises is a limit, which every function that pushes may pass; all memory here is Lua's and goes
// with the rest.

enum { most_bytes = 1 << 20, most_values = 100000, deepest = 32 };

/// Instructions that a value costs, and bytes that cost one.
enum { value_cost = 8, bytes_per_unit = 16 };

/// Stack index of the memory for strings with escapes and for numbers.
enum { scratch_index = 2 };

typedef struct {
    lua_State *L;
    const unsigned char *text, *at, *end;
    /// How far the bytes are paid for, and the values that are not.
    const unsigned char *paid;
    int64_t owed;
    int values, depth;
    /// As long as the text and a byte more, once it is needed; Lua's.
    unsigned char *scratch;
    char reason[128];
} reader;

/// Notes what is wrong with the text at a place, bytes counted from 1 as Lua does, and returns 0. Never raises.
static int refuse(reader *r, const unsigned char *at, const char *what) {
    snprintf(r->reason, sizeof r->reason, "%s at byte %zu", what, (size_t)(at - r->text) + 1);
    return 0;
}

/// Charges what was done since the last time. Raises past a limit.
static void pay(reader *r) {
    luar_charge(r->L, r->owed + (r->at - r->paid) / bytes_per_unit);
    r->owed = 0;
    r->paid = r->at;
}

/// Memory for what is never longer than the text. Raises on memory.
static unsigned char *scratch(reader *r) {
    if (!r->scratch) {
        r->scratch = lua_newuserdatauv(r->L, (size_t)(r->end - r->text) + 1, 0);
        lua_replace(r->L, scratch_index);
    }
    return r->scratch;
}

/// Steps over white space. Never raises.
static void skip_space(reader *r) {
    while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r')) r->at++;
}

static int is_digit(const reader *r) { return r->at < r->end && *r->at >= '0' && *r->at <= '9'; }

/// Steps over one digit or more. Never raises.
static int read_digits(reader *r) {
    if (!is_digit(r)) return refuse(r, r->at, "a digit is missing");
    while (is_digit(r)) r->at++;
    return 1;
}

/// Checks a number's grammar, then has Lua convert it: decimal integers that fit become integers, all else floats.
/// Pushes it; raises on memory.
static int read_number(reader *r) {
    const unsigned char *start = r->at;
    if (*r->at == '-') r->at++;
    const unsigned char *first = r->at;
    if (!read_digits(r)) return 0;
    if (*first == '0' && r->at - first > 1) return refuse(r, first, "a number begins with a zero");
    if (r->at < r->end && *r->at == '.') {
        r->at++;
        if (!read_digits(r)) return 0;
    }
    if (r->at < r->end && (*r->at == 'e' || *r->at == 'E')) {
        r->at++;
        if (r->at < r->end && (*r->at == '+' || *r->at == '-')) r->at++;
        if (!read_digits(r)) return 0;
    }
    unsigned char few[64], *copy = few;
    size_t count = (size_t)(r->at - start);
    if (count >= sizeof few) copy = scratch(r);
    memcpy(copy, start, count);
    copy[count] = 0;
    // The grammar above is a part of Lua's, so this always succeeds.
    if (!lua_stringtonumber(r->L, (const char *)copy)) return refuse(r, start, "an unreadable number");
    if (!lua_isinteger(r->L, -1) && !isfinite(lua_tonumber(r->L, -1)))
        return refuse(r, start, "a number too large for a float");
    return 1;
}

/// Reads the four digits of an escape into `unit`.
static int read_unit(reader *r, unsigned *unit) {
    *unit = 0;
    for (int i = 0; i < 4; i++, r->at++) {
        unsigned digit = r->at < r->end ? *r->at : 0;
        if (digit >= '0' && digit <= '9') digit -= '0';
        else if (digit >= 'a' && digit <= 'f') digit -= 'a' - 10;
        else if (digit >= 'A' && digit <= 'F') digit -= 'A' - 10;
        else return refuse(r, r->at, "four hexadecimal digits are missing");
        *unit = *unit << 4 | digit;
    }
    return 1;
}

/// Writes a character as UTF-8 and returns the end.
static unsigned char *put_character(unsigned char *to, unsigned scalar) {
    if (scalar < 0x80) {
        *to++ = (unsigned char)scalar;
        return to;
    }
    int rest = scalar < 0x800 ? 1 : scalar < 0x10000 ? 2 : 3;
    static const unsigned char marks[] = {0, 0xC0, 0xE0, 0xF0};
    *to++ = (unsigned char)(marks[rest] | scalar >> 6 * rest);
    while (rest-- > 0) *to++ = (unsigned char)(0x80 | (scalar >> 6 * rest & 0x3F));
    return to;
}

/// Reads an escape, whose backslash is behind it, and moves the end of what was written. Returns 0 for a bad one.
static int read_escape(reader *r, unsigned char **to) {
    static const char letters[] = "\"\\/bfnrt", meanings[] = "\"\\/\b\f\n\r\t";
    const unsigned char *start = r->at - 1;
    if (r->at == r->end) return 1;
    unsigned char letter = *r->at++;
    const char *found = letter ? strchr(letters, letter) : NULL;
    if (found) {
        *(*to)++ = (unsigned char)meanings[found - letters];
        return 1;
    }
    if (letter != 'u') return refuse(r, start, "an unknown escape");
    unsigned unit, second;
    if (!read_unit(r, &unit)) return 0;
    if (unit >= 0xD800 && unit <= 0xDFFF) {
        if (unit >= 0xDC00 || r->end - r->at < 2 || r->at[0] != '\\' || r->at[1] != 'u')
            return refuse(r, start, "half a surrogate pair");
        r->at += 2;
        if (!read_unit(r, &second)) return 0;
        if (second < 0xDC00 || second > 0xDFFF) return refuse(r, start, "half a surrogate pair");
        unit = 0x10000 + ((unit - 0xD800) << 10 | (second - 0xDC00));
    }
    *to = put_character(*to, unit);
    return 1;
}

/// Reads a string, whose first quote is here, and pushes it. Without escapes it is taken from the text as it stands. An
/// escape is never shorter than what it means, so the scratch memory is long enough. Raises on memory.
static int read_string(reader *r) {
    const unsigned char *quote = r->at++, *start = r->at;
    unsigned char *base = NULL, *to = NULL;
    while (r->at < r->end && *r->at != '"') {
        if (*r->at < 0x20) return refuse(r, r->at, "a control character in a string");
        if (*r->at == '\\') {
            if (!base) base = to = scratch(r);
            memcpy(to, start, (size_t)(r->at - start));
            to += r->at++ - start;
            if (!read_escape(r, &to)) return 0;
            start = r->at;
            continue;
        }
        size_t count = luar_character(r->at, (size_t)(r->end - r->at));
        if (!count) return refuse(r, r->at, "a byte that is not UTF-8");
        r->at += count;
    }
    if (r->at == r->end) return refuse(r, quote, "a string without an end");
    size_t count = (size_t)(r->at++ - start);
    if (!base) {
        lua_pushlstring(r->L, (const char *)start, count);
        return 1;
    }
    memcpy(to, start, count);
    lua_pushlstring(r->L, (const char *)base, (size_t)(to - base) + count);
    return 1;
}

static int read_value(reader *r);

/// Steps over `mark`, and white space before it, if it is next.
static int skip(reader *r, char mark) {
    skip_space(r);
    if (r->at == r->end || *r->at != mark) return 0;
    r->at++;
    return 1;
}

/// Reads an array, whose bracket is behind it, and pushes it.
static int read_array(reader *r) {
    lua_newtable(r->L);
    if (skip(r, ']')) return 1;
    for (lua_Integer i = 1;; i++) {
        if (!read_value(r)) return 0;
        lua_rawseti(r->L, -2, i);
        if (skip(r, ']')) return 1;
        if (!skip(r, ',')) return refuse(r, r->at, "a comma or ']' is missing");
    }
}

/// Reads an object, whose brace is behind it, and pushes it.
static int read_object(reader *r) {
    lua_newtable(r->L);
    int table = lua_gettop(r->L);
    if (skip(r, '}')) return 1;
    for (int first = 1;; first = 0) {
        skip_space(r);
        const unsigned char *name = r->at;
        if (name == r->end || *name != '"')
            return refuse(r, name, first ? "a name in quotes or '}' is missing" : "a name in quotes is missing");
        if (!read_string(r)) return 0;
        lua_pushvalue(r->L, -1);
        if (lua_rawget(r->L, table) != LUA_TNIL) return refuse(r, name, "a name for the second time");
        lua_pop(r->L, 1);
        if (!skip(r, ':')) return refuse(r, r->at, "a colon is missing");
        if (!read_value(r)) return 0;
        lua_rawset(r->L, table);
        if (skip(r, '}')) return 1;
        if (!skip(r, ',')) return refuse(r, r->at, "a comma or '}' is missing");
    }
}

/// Steps over a word, or refuses another. Never raises.
static int read_word(reader *r, const char *word) {
    size_t count = strlen(word);
    if ((size_t)(r->end - r->at) < count || memcmp(r->at, word, count) != 0) return refuse(r, r->at, "an unknown word");
    r->at += count;
    return 1;
}

/// Reads one value and pushes it, or returns 0 with a reason and anything left on the stack. Raises past a limit.
static int read_value(reader *r) {
    skip_space(r);
    if (r->at == r->end) return refuse(r, r->at, "a value is missing");
    if (r->values++ == most_values) return refuse(r, r->at, "more than 100000 values");
    r->owed += value_cost;
    if (r->owed >= LUAR_INTERVAL || r->at - r->paid >= LUAR_INTERVAL * bytes_per_unit) pay(r);
    int read;
    switch (*r->at) {
        case '[':
        case '{':
            if (r->depth++ == deepest) return refuse(r, r->at, "more than 32 levels of nesting");
            read = *r->at++ == '[' ? read_array(r) : read_object(r);
            r->depth--;
            return read;
        case '"': return read_string(r);
        case 't':
            lua_pushboolean(r->L, 1);
            return read_word(r, "true");
        case 'f':
            lua_pushboolean(r->L, 0);
            return read_word(r, "false");
        case 'n':
            luar_push_constant(r->L, LUAR_NULL);
            return read_word(r, "null");
        case '-':
        case '0': case '1': case '2': case '3': case '4':
        case '5': case '6': case '7': case '8': case '9': return read_number(r);
        default: return refuse(r, r->at, "a value is missing");
    }
}

/// json.decode(text): the value, or nil and a reason.
int luar_json_decode(lua_State *L) {
    luar_reraise(L);
    if (lua_type(L, 1) != LUA_TSTRING)
        return luaL_error(L, "%s takes a string, not %s%s", lua_tostring(L, lua_upvalueindex(1)),
                          lua_isnoneornil(L, 1) ? "" : "a ", lua_isnone(L, 1) ? "nil" : luaL_typename(L, 1));
    lua_settop(L, 1);
    lua_pushnil(L);
    // A level of nesting has its table and a name on the stack.
    luaL_checkstack(L, 2 * deepest + 16, NULL);
    reader r = {.L = L};
    size_t count;
    r.text = r.at = r.paid = (const unsigned char *)lua_tolstring(L, 1, &count);
    r.end = r.text + count;
    int read = 0;
    if (count > most_bytes) {
        snprintf(r.reason, sizeof r.reason, "a text of %zu bytes; the limit is %d", count, most_bytes);
    } else if (read_value(&r)) {
        skip_space(&r);
        read = r.at == r.end || refuse(&r, r.at, "something follows the value");
    }
    pay(&r);
    if (read) return 1;
    lua_pushnil(L);
    lua_pushstring(L, r.reason);
    return 2;
}
