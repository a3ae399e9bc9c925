// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#include "snapshot.h"

#include <string.h>

// Data tables into a state, in the order they were packed in. What raises is memory.

enum { nodes_index = 2, identity_index };

typedef struct {
    lua_State *L;
    const luar_snapshot *snapshot;
    const unsigned char *at;
    int type;
} unpacker;

/// Copies the next bytes, which the packer has put there. Never raises.
static void take(unpacker *u, void *target, size_t count) {
    memcpy(target, u->at, count);
    u->at += count;
}

/// Pushes the object with an identity. Raises on memory.
static void push_object(unpacker *u, int64_t identity) {
    luar_value object = {.type = LUAR_OBJECT, .object_type = u->type, .integer = identity};
    luar_push(u->L, &object);
}

/// Pushes an object that is not kept under its identity: its state had forgotten it, and nobody would have this one
/// forget it again. Raises on memory.
static void push_forgotten(unpacker *u, int64_t identity) {
    lua_State *L = u->L;
    lua_rawgeti(L, identity_index, identity);
    lua_pushnil(L);
    lua_rawseti(L, identity_index, identity);
    push_object(u, identity);
    lua_insert(L, -2);
    lua_rawseti(L, identity_index, identity);
}

/// Gives the value on top of the stack a number, and leaves it there. Raises on memory.
static void number_node(lua_State *L, int32_t number) {
    lua_pushvalue(L, -1);
    lua_rawseti(L, nodes_index, number);
}

/// Pushes what has a number, which is a table if nothing has it yet. Raises on memory.
static void push_node(lua_State *L, int32_t number) {
    if (lua_rawgeti(L, nodes_index, number) != LUA_TNIL) return;
    lua_pop(L, 1);
    lua_newtable(L);
    number_node(L, number);
}

/// Pushes a string of this length. Raises on memory.
static void push_string(unpacker *u) {
    size_t count;
    take(u, &count, sizeof count);
    lua_pushlstring(u->L, (const char *)u->at, count);
    u->at += count;
}

/// Reads an item and pushes its value; returns 0 at a table's end, with nothing pushed.
static int push_item(unpacker *u) {
    lua_State *L = u->L;
    lua_Integer integer;
    lua_Number number;
    int64_t identity;
    int32_t which;
    switch (*u->at++) {
        case LUAR_ITEM_FALSE: lua_pushboolean(L, 0); return 1;
        case LUAR_ITEM_TRUE: lua_pushboolean(L, 1); return 1;
        case LUAR_ITEM_INTEGER:
            take(u, &integer, sizeof integer);
            lua_pushinteger(L, integer);
            return 1;
        case LUAR_ITEM_NUMBER:
            take(u, &number, sizeof number);
            lua_pushnumber(L, number);
            return 1;
        case LUAR_ITEM_STRING:
            push_string(u);
            return 1;
        case LUAR_ITEM_NUMBERED_STRING:
            take(u, &which, sizeof which);
            push_string(u);
            number_node(L, which);
            return 1;
        case LUAR_ITEM_CONSTANT:
            take(u, &which, sizeof which);
            luar_push_constant(L, which);
            return 1;
        case LUAR_ITEM_OBJECT:
            take(u, &identity, sizeof identity);
            push_object(u, identity);
            return 1;
        case LUAR_ITEM_FORGOTTEN:
            take(u, &which, sizeof which);
            take(u, &identity, sizeof identity);
            push_forgotten(u, identity);
            number_node(L, which);
            return 1;
        case LUAR_ITEM_NODE:
            take(u, &which, sizeof which);
            push_node(L, which);
            return 1;
        default: return 0;
    }
}

/// Gives an object the table with a number as its data. One that it has already stays, and takes that number: scripts
/// may hold it. Raises on memory.
static void place_data(unpacker *u, int64_t identity, int32_t number) {
    lua_State *L = u->L;
    int top = lua_gettop(L);
    push_object(u, identity);
    if (lua_getiuservalue(L, -1, LUAR_EXTRA) == LUA_TTABLE) {
        number_node(L, number);
    } else {
        push_node(L, number);
        lua_setiuservalue(L, top + 1, LUAR_EXTRA);
    }
    lua_settop(L, top);
}

/// What luar_unpack protects. Raises on memory.
static int unpack(lua_State *L) {
    unpacker *u = lua_touserdata(L, 1);
    const unsigned char *end = u->snapshot->bytes + u->snapshot->count;
    u->L = L;
    u->at = u->snapshot->bytes;
    luaL_checkstack(L, 32, NULL);
    lua_createtable(L, u->snapshot->nodes, 0);
    lua_rawgeti(L, LUA_REGISTRYINDEX, luar_of(L)->identity[u->type]);
    int32_t clients, number;
    take(u, &clients, sizeof clients);
    for (int32_t i = 1; i <= clients; i++) {
        int64_t identity;
        take(u, &identity, sizeof identity);
        place_data(u, identity, i);
    }
    while (u->at < end && *u->at++ == LUAR_ITEM_TABLE) {
        take(u, &number, sizeof number);
        push_node(L, number);
        while (push_item(u)) {
            push_item(u);
            lua_rawset(L, -3);
        }
        lua_pop(L, 1);
    }
    return 0;
}

int luar_unpack(luar_state *state, int type, const luar_snapshot *snapshot) {
    unpacker u = {.snapshot = snapshot, .type = type};
    return luar_protect(state, unpack, &u);
}
