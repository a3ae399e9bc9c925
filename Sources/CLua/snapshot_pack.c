// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#include "snapshot.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Data tables out of a state. Tables are taken breadth first: so the depth of one that several paths lead to is that of
// the shortest, and whatever the order of keys is, the same data passes or is refused. No script code runs meanwhile.

/// Stack indices. `nodes` numbers what may be met twice, `seen` leads from each to its number, and `parents` says
/// of each number which node it was found in and how deep it is.
enum { nodes_index = 2, seen_index, parents_index, identity_index };

/// A parent and a depth in one integer.
enum { depth_bits = 8 };

/// A string up to here is written wherever it is met.
enum { short_string = 40 };

typedef struct {
    lua_State *L;
    luar_snapshot *snapshot;
    int type, clients;
    int64_t *ids;
    size_t entries;
    /// The table whose entries are being taken, and how deep it is.
    int32_t node;
    int depth;
} packer;

/// Appends bytes. Raises when memory ends; what is there is freed with the snapshot.
static void put(packer *p, const void *bytes, size_t count) {
    luar_snapshot *snapshot = p->snapshot;
    if (count > snapshot->capacity - snapshot->count) {
        size_t capacity = 2 * snapshot->capacity + count + 256;
        unsigned char *larger = realloc(snapshot->bytes, capacity);
        if (!larger) luaL_error(p->L, "no memory for the data to carry into another state");
        snapshot->bytes = larger;
        snapshot->capacity = capacity;
    }
    if (count) memcpy(snapshot->bytes + snapshot->count, bytes, count);
    snapshot->count += count;
}

/// Appends an item's mark and what goes with it. Raises when memory ends.
static void put_item(packer *p, int item, const void *bytes, size_t count) {
    unsigned char mark = (unsigned char)item;
    put(p, &mark, 1);
    put(p, bytes, count);
}

/// Numbers the value at `index`, found in the node at hand. Raises on memory.
static void add_node(packer *p, int index) {
    lua_State *L = p->L;
    int32_t number = ++p->snapshot->nodes;
    lua_pushvalue(L, index);
    lua_rawseti(L, nodes_index, number);
    lua_pushvalue(L, index);
    lua_pushinteger(L, number);
    lua_rawset(L, seen_index);
    lua_pushinteger(L, (lua_Integer)p->node << depth_bits | (p->depth + 1));
    lua_rawseti(L, parents_index, number);
}

/// The number of the value at `index`, or 0. Raises only where the stack cannot grow.
static int32_t find_node(packer *p, int index) {
    lua_pushvalue(p->L, index);
    lua_rawget(p->L, seen_index);
    int32_t number = (int32_t)lua_tointeger(p->L, -1);
    lua_pop(p->L, 1);
    return number;
}

/// Writes a value that can be met twice: with `item` what it is, the first time, and else its number. A table is only
/// mentioned: its turn comes. Raises on memory.
static void put_node(packer *p, int index, int item) {
    int32_t number = find_node(p, index);
    if (number) {
        put_item(p, LUAR_ITEM_NODE, &number, sizeof number);
        return;
    }
    add_node(p, index);
    number = p->snapshot->nodes;
    put_item(p, item, &number, sizeof number);
}

/// Writes a string. Raises on memory.
static void put_string(packer *p, int index) {
    size_t count;
    const char *text = lua_tolstring(p->L, index, &count);
    if (count > short_string) {
        int is_known = find_node(p, index) != 0;
        put_node(p, index, LUAR_ITEM_NUMBERED_STRING);
        if (is_known) return;
        put(p, &count, sizeof count);
    } else {
        put_item(p, LUAR_ITEM_STRING, &count, sizeof count);
    }
    put(p, text, count);
}

/// Finds the key under which the table on top of the stack holds the value at `index`, or that this value is a key of
/// it. The table keeps the key's bytes. Raises only where the stack cannot grow.
static luar_key find_key(lua_State *L, int index) {
    int table = lua_gettop(L);
    luar_key key = {.type = LUA_TNIL, .text = "[?]"};
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        int is_value = lua_rawequal(L, -1, index);
        if (!is_value && !lua_rawequal(L, -2, index)) continue;
        if (is_value) key = luar_key_at(L, -2);
        else key.text = "[a key]";
        lua_settop(L, table);
        return key;
    }
    return key;
}

/// Writes the path of a node, from the client on. Returns its length. Raises only where the stack cannot grow.
static size_t put_path(packer *p, char *target, size_t size, int32_t node) {
    luar_key keys[LUAR_DEEPEST_CARRIED];
    lua_State *L = p->L;
    int count = 0, top = lua_gettop(L);
    while (count < LUAR_DEEPEST_CARRIED) {
        lua_rawgeti(L, parents_index, node);
        int32_t parent = (int32_t)(lua_tointeger(L, -1) >> depth_bits);
        if (!parent) break;
        lua_rawgeti(L, nodes_index, node);
        lua_rawgeti(L, nodes_index, parent);
        keys[count++] = find_key(L, top + 2);
        lua_settop(L, top);
        node = parent;
    }
    lua_settop(L, top);
    lua_rawgeti(L, LUA_REGISTRYINDEX, luar_of(L)->metatable[p->type]);
    lua_getfield(L, -1, "__name");
    luar_push_data_name(L, p->type);
    int used = snprintf(target, size, "%s %lld: %s", lua_tostring(L, -2), (long long)p->ids[node - 1],
                        lua_isstring(L, -1) ? lua_tostring(L, -1) : "data");
    lua_settop(L, top);
    size_t end = used < 0 ? 0 : (size_t)used < size ? (size_t)used : size - 1;
    while (count-- > 0) end = luar_add_key(target, size, end, &keys[count]);
    return end;
}

/// Notes that a value cannot be carried: the value under `key` in the node at hand; with NULL, a key of it. Raises only
/// where the stack cannot grow.
static void refuse(packer *p, const luar_key *key, const char *what) {
    luar_snapshot *snapshot = p->snapshot;
    if (snapshot->refusals == LUAR_MOST_REFUSALS) return;
    // Room for what comes around the path, which is cut first.
    enum { reserve = 160 };
    char path[sizeof snapshot->refusal[0] - reserve], *text = snapshot->refusal[snapshot->refusals++];
    size_t used = put_path(p, path, sizeof path, p->node);
    if (key) luar_add_key(path, sizeof path, used, key);
    const char *owned = strchr(path, ':');
    if (key || !owned) snprintf(text, sizeof snapshot->refusal[0], "%s is %s", path, what);
    else
        snprintf(text, sizeof snapshot->refusal[0], "%.*s: a key of%s is %s", (int)(owned - path), path, owned + 1,
                 what);
}

/// Writes what error texts call a value that is no plain data. Raises on memory.
static void describe(lua_State *L, int index, char *target, size_t size) {
    int type = lua_type(L, index);
    const char *name = lua_typename(L, type);
    int top = lua_gettop(L);
    if (type == LUA_TUSERDATA && luaL_getmetafield(L, index, "__name") == LUA_TSTRING) name = lua_tostring(L, -1);
    else if (type == LUA_TTHREAD) name = "coroutine";
    else if (type == LUA_TTABLE) name = "table with a metatable";
    snprintf(target, size, "%s %.40s: it cannot be carried into a reloaded script", strchr("aeiou", *name) ? "an" : "a",
             name);
    lua_settop(L, top);
}

/// Writes an object, if it is one that can be carried. Raises on memory.
static int put_object(packer *p, int index) {
    lua_State *L = p->L;
    int32_t constant = luar_constant_at(L, index);
    if (constant >= 0) {
        put_item(p, LUAR_ITEM_CONSTANT, &constant, sizeof constant);
        return 1;
    }
    const luar_object *it = lua_touserdata(L, index);
    if (lua_type(L, index) != LUA_TUSERDATA || it->type != p->type) return 0;
    lua_rawgeti(L, identity_index, it->identity);
    int current = lua_rawequal(L, -1, index);
    lua_pop(L, 1);
    if (current) {
        put_item(p, LUAR_ITEM_OBJECT, &it->identity, sizeof it->identity);
    } else {
        int is_known = find_node(p, index) != 0;
        put_node(p, index, LUAR_ITEM_FORGOTTEN);
        if (!is_known) put(p, &it->identity, sizeof it->identity);
    }
    return 1;
}

/// Writes the value at `index`, an absolute one. `key` is its key; NULL when it is a key itself. Raises on memory.
static void put_value(packer *p, int index, const luar_key *key) {
    lua_State *L = p->L;
    char what[128];
    switch (lua_type(L, index)) {
        case LUA_TBOOLEAN: put_item(p, lua_toboolean(L, index) ? LUAR_ITEM_TRUE : LUAR_ITEM_FALSE, "", 0); return;
        case LUA_TNUMBER:
            if (lua_isinteger(L, index)) {
                lua_Integer integer = lua_tointeger(L, index);
                put_item(p, LUAR_ITEM_INTEGER, &integer, sizeof integer);
            } else {
                lua_Number number = lua_tonumber(L, index);
                put_item(p, LUAR_ITEM_NUMBER, &number, sizeof number);
            }
            return;
        case LUA_TSTRING: put_string(p, index); return;
        case LUA_TTABLE:
            if (lua_getmetatable(L, index)) {
                lua_pop(L, 1);
                break;
            }
            if (p->depth < LUAR_DEEPEST_CARRIED || find_node(p, index)) {
                put_node(p, index, LUAR_ITEM_NODE);
                return;
            }
            snprintf(what, sizeof what, "a table within %d others: more are not carried into a reloaded script",
                     LUAR_DEEPEST_CARRIED);
            refuse(p, key, what);
            return;
        default:
            if (put_object(p, index)) return;
    }
    describe(L, index, what, sizeof what);
    refuse(p, key, what);
}

/// Writes the entries of the table on top of the stack; returns 0 when packing is over. Raises on memory.
static int put_table(packer *p) {
    lua_State *L = p->L;
    int table = lua_gettop(L);
    put_item(p, LUAR_ITEM_TABLE, &p->node, sizeof p->node);
    for (lua_pushnil(L); lua_next(L, table); lua_pop(L, 1)) {
        luar_key key = luar_key_at(L, table + 1);
        if (p->entries++ == LUAR_MOST_CARRIED) {
            char what[128];
            snprintf(what, sizeof what, "one value too many: no more than %d are carried into a reloaded script",
                     LUAR_MOST_CARRIED);
            refuse(p, &key, what);
            return 0;
        }
        put_value(p, table + 1, NULL);
        put_value(p, table + 2, &key);
        if (p->snapshot->refusals == LUAR_MOST_REFUSALS) return 0;
    }
    put_item(p, LUAR_ITEM_END, "", 0);
    return 1;
}

static int compare_ids(const void *left, const void *right) {
    int64_t a = *(const int64_t *)left, b = *(const int64_t *)right;
    return a < b ? -1 : a > b;
}

/// Pushes the data table of the object on top of the stack; returns whether it has one, and pushes nothing if not.
/// Never raises.
static int push_data(lua_State *L) {
    if (lua_getiuservalue(L, -1, LUAR_EXTRA) == LUA_TTABLE) return 1;
    lua_pop(L, 1);
    return 0;
}

/// Notes which objects have data, by identity, in memory left on the stack. Raises on memory.
static void find_clients(packer *p) {
    lua_State *L = p->L;
    size_t count = 0;
    for (lua_pushnil(L); lua_next(L, identity_index); lua_pop(L, 1)) count++;
    p->ids = lua_newuserdatauv(L, (count + 1) * sizeof *p->ids, 0);
    for (lua_pushnil(L); lua_next(L, identity_index); lua_pop(L, 1)) {
        if (!push_data(L)) continue;
        lua_pop(L, 1);
        p->ids[p->clients++] = lua_tointeger(L, -2);
    }
    qsort(p->ids, (size_t)p->clients, sizeof *p->ids, compare_ids);
}

/// Whether the table on top of the stack has no metatable, which only a client's own can have that comes this far; else
/// notes that it cannot be carried. Raises only where the stack cannot grow.
static int check_root(packer *p) {
    if (!lua_getmetatable(p->L, -1)) return 1;
    lua_pop(p->L, 1);
    luar_snapshot *snapshot = p->snapshot;
    char what[128], path[sizeof snapshot->refusal[0] - sizeof what - 8];
    describe(p->L, -1, what, sizeof what);
    put_path(p, path, sizeof path, p->node);
    char *text = snapshot->refusal[snapshot->refusals++];
    snprintf(text, sizeof snapshot->refusal[0], "%s is %s", path, what);
    return 0;
}

/// What luar_pack protects. Raises on memory.
static int pack(lua_State *L) {
    packer *p = lua_touserdata(L, 1);
    p->L = L;
    luaL_checkstack(L, 32, NULL);
    lua_newtable(L);
    lua_newtable(L);
    lua_newtable(L);
    lua_rawgeti(L, LUA_REGISTRYINDEX, luar_of(L)->identity[p->type]);
    find_clients(p);
    int32_t clients = p->clients;
    put(p, &clients, sizeof clients);
    put(p, p->ids, (size_t)p->clients * sizeof *p->ids);
    int top = lua_gettop(L);
    for (int i = 0; i < p->clients; i++) {
        lua_rawgeti(L, identity_index, p->ids[i]);
        push_data(L);
        add_node(p, top + 2);
        lua_settop(L, top);
    }
    for (p->node = 1; p->node <= p->snapshot->nodes; p->node++) {
        lua_rawgeti(L, parents_index, p->node);
        p->depth = (int)(lua_tointeger(L, -1) & ((1 << depth_bits) - 1));
        lua_rawgeti(L, nodes_index, p->node);
        if (lua_istable(L, -1) && check_root(p) && !put_table(p)) return 0;
        if (p->snapshot->refusals == LUAR_MOST_REFUSALS) return 0;
        lua_settop(L, top);
    }
    return 0;
}

int luar_pack(luar_state *state, int type, luar_snapshot **snapshot) {
    packer p = {.snapshot = calloc(1, sizeof **snapshot), .type = type};
    *snapshot = NULL;
    if (!p.snapshot) {
        memset(&state->failure, 0, sizeof state->failure);
        snprintf(state->failure.message, sizeof state->failure.message, "no memory for the data to carry");
        return state->failure.kind = LUAR_ERROR;
    }
    int code = luar_protect(state, pack, &p);
    if (code == LUAR_OK) *snapshot = p.snapshot;
    else luar_discard(p.snapshot);
    return code;
}

int luar_refusals(const luar_snapshot *snapshot) { return snapshot->refusals; }
const char *luar_refusal(const luar_snapshot *snapshot, int index) { return snapshot->refusal[index]; }

void luar_discard(luar_snapshot *snapshot) {
    if (!snapshot) return;
    free(snapshot->bytes);
    free(snapshot);
}
