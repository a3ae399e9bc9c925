// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#include "state.h"

#include <string.h>

// Objects are userdata that hold a type and an identity; what they are is the host's business. Every userdata a script
// can reach is one of these.

typedef luar_object object;
enum { extra = LUAR_EXTRA };

static void read_object(lua_State *L, int index, luar_value *value) {
    object *it = lua_touserdata(L, index);
    value->type = LUAR_OBJECT;
    value->object_type = it->type;
    value->integer = it->identity;
    if (lua_getiuservalue(L, index, extra) == LUA_TSTRING) {
        // The userdata keeps the string alive after the pop.
        value->bytes = lua_tolstring(L, -1, &value->count);
    }
    lua_pop(L, 1);
}

static size_t count_entries(lua_State *L, int index) {
    size_t count = 0;
    for (lua_pushnil(L); lua_next(L, index); lua_pop(L, 1)) {
        if (count++ == LUAR_MOST_ENTRIES) luaL_error(L, "a table here may have at most %d entries", LUAR_MOST_ENTRIES);
    }
    return count;
}

/// Raises for a weak table: while it is read, garbage may be collected, and what the host was to see would be gone with
/// its entries.
static void refuse_weak(lua_State *L, int index) {
    if (luaL_getmetafield(L, index, "__mode") == LUA_TNIL) return;
    luaL_error(L, "a table here may not be weak: copy its entries into a plain one");
}

static void read_entries(lua_State *L, int index, luar_value *value, int depth) {
    luaL_checkstack(L, 8, "tables too deep");
    refuse_weak(L, index);
    size_t count = count_entries(L, index), i = 0;
    luar_charge(L, (int64_t)count);
    // The memory of tables within this one is held by its own.
    luar_value *entries = lua_newuserdatauv(L, (2 * count + 1) * sizeof *entries, depth > 1 ? (int)count : 0);
    int memory = lua_gettop(L);
    for (lua_pushnil(L); i < count && lua_next(L, index); i++) {
        int key = lua_gettop(L) - 1;
        luar_read(L, key, &entries[2 * i], 0);
        luar_read(L, key + 1, &entries[2 * i + 1], depth - 1);
        if (lua_gettop(L) > key + 1) lua_setiuservalue(L, memory, (int)i + 1);
        lua_settop(L, key);
    }
    lua_settop(L, memory);
    value->entries = entries;
    value->count = i;
}

void luar_read(lua_State *L, int index, luar_value *value, int depth) {
    memset(value, 0, sizeof *value);
    switch (lua_type(L, index)) {
        case LUA_TNONE:
        case LUA_TNIL: value->type = LUAR_NIL; break;
        case LUA_TBOOLEAN:
            value->type = LUAR_BOOLEAN;
            value->integer = lua_toboolean(L, index);
            break;
        case LUA_TNUMBER:
            value->type = lua_isinteger(L, index) ? LUAR_INTEGER : LUAR_NUMBER;
            value->integer = lua_tointeger(L, index);
            value->number = lua_tonumber(L, index);
            break;
        case LUA_TSTRING:
            value->type = LUAR_STRING;
            value->bytes = lua_tolstring(L, index, &value->count);
            break;
        case LUA_TUSERDATA: read_object(L, index, value); break;
        case LUA_TFUNCTION: value->type = LUAR_FUNCTION; break;
        case LUA_TTABLE:
            value->type = LUAR_TABLE;
            if (depth > 0) read_entries(L, index, value, depth);
            break;
        default: value->type = LUAR_OTHER;
    }
}

/// Pushes the Lua value of an object.
static void push_object(lua_State *L, int type, int64_t identity, const char *payload, size_t count) {
    luar_state *state = luar_of(L);
    int same = state->type_flags[type] & LUAR_SAME_VALUE;
    if (same) {
        lua_rawgeti(L, LUA_REGISTRYINDEX, state->identity[type]);
        if (lua_rawgeti(L, -1, identity) != LUA_TNIL) {
            lua_remove(L, -2);
            return;
        }
        lua_pop(L, 1);
    }
    object *it = lua_newuserdatauv(L, sizeof *it, same ? extra + LUAR_MOST_KEPT : extra);
    it->type = type;
    it->identity = identity;
    it->kept = 0;
    if (payload) {
        lua_pushlstring(L, payload, count);
        lua_setiuservalue(L, -2, extra);
    }
    lua_rawgeti(L, LUA_REGISTRYINDEX, state->metatable[type]);
    lua_setmetatable(L, -2);
    if (same) {
        lua_pushvalue(L, -1);
        lua_rawseti(L, -3, identity);
        lua_remove(L, -2);
    }
}

static void push_objects(lua_State *L, const luar_value *value) {
    luar_charge(L, (int64_t)value->count);
    lua_createtable(L, (int)value->count, 0);
    for (size_t i = 0; i < value->count; i++) {
        push_object(L, value->object_type, value->ids[i], NULL, 0);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
}

static void push_table(lua_State *L, const luar_value *value) {
    luaL_checkstack(L, 8, "tables too deep");
    luar_charge(L, (int64_t)value->count);
    lua_createtable(L, 0, (int)value->count);
    for (size_t i = 0; i < value->count; i++) {
        luar_push(L, &value->entries[2 * i]);
        luar_push(L, &value->entries[2 * i + 1]);
        lua_rawset(L, -3);
    }
    if (value->bytes) luar_lock_explained(L, value->bytes);
}

void luar_push(lua_State *L, const luar_value *value) {
    switch (value->type) {
        case LUAR_BOOLEAN: lua_pushboolean(L, (int)value->integer); break;
        case LUAR_INTEGER: lua_pushinteger(L, value->integer); break;
        case LUAR_NUMBER: lua_pushnumber(L, value->number); break;
        case LUAR_STRING: lua_pushlstring(L, value->bytes ? value->bytes : "", value->count); break;
        case LUAR_OBJECT:
            // A constant that the host was given comes back as what it is.
            if (value->object_type == LUAR_CONSTANT_TYPE) luar_push_constant(L, (int)value->integer);
            else push_object(L, value->object_type, value->integer, value->bytes, value->count);
            break;
        case LUAR_OBJECTS: push_objects(L, value); break;
        case LUAR_TABLE: push_table(L, value); break;
        default: lua_pushnil(L);
    }
}

int luar_raise(lua_State *L, const luar_value *error) {
    luaL_where(L, 1);
    lua_pushlstring(L, error->bytes ? error->bytes : "refused", error->bytes ? error->count : 7);
    lua_concat(L, 2);
    return lua_error(L);
}

/// A field's access and id in one integer, as the type's table of fields stores it.
static lua_Integer pack_field(int access, int id) { return (lua_Integer)access << 32 | id; }

static int report_unknown(lua_State *L, luar_state *state, const luar_value *self) {
    luar_value key, result = {0};
    luar_read(L, 2, &key, 0);
    luar_charge_call(L, &key, 1);
    state->host.get(state->host.context, self, LUAR_UNKNOWN, &key, &result);
    return luar_raise(L, &result);
}

static int read_field(lua_State *L) {
    luar_state *state = luar_of(L);
    if (state->tripped) luar_reraise(L);
    object *it = lua_touserdata(L, 1);
    lua_pushvalue(L, 2);
    int type = lua_rawget(L, lua_upvalueindex(1));
    if (type == LUA_TFUNCTION) return 1;
    luar_value self = {.type = LUAR_OBJECT, .object_type = it->type, .integer = it->identity}, result = {0};
    if (type == LUA_TNIL) return report_unknown(L, state, &self);
    lua_Integer field = lua_tointeger(L, -1);
    int access = (int)(field >> 32), slot = access >> 8;
    if (slot && (it->kept >> slot & 1)) {
        lua_getiuservalue(L, 1, extra + slot);
        return 1;
    }
    if (access == LUAR_DATA) {
        if (lua_getiuservalue(L, 1, extra) == LUA_TTABLE) return 1;
        lua_newtable(L);
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, 1, extra);
        return 1;
    }
    if (state->host.get(state->host.context, &self, (int)field, NULL, &result) != 0) return luar_raise(L, &result);
    luar_push(L, &result);
    if (slot && result.type != LUAR_NIL) {
        lua_pushvalue(L, -1);
        lua_setiuservalue(L, 1, extra + slot);
        it->kept |= 1u << slot;
    }
    return 1;
}

static int write_field(lua_State *L) {
    luar_state *state = luar_of(L);
    luar_reraise(L);
    object *it = lua_touserdata(L, 1);
    lua_pushvalue(L, 2);
    int type = lua_rawget(L, lua_upvalueindex(1));
    luar_value self = {.type = LUAR_OBJECT, .object_type = it->type, .integer = it->identity}, value, result = {0};
    if (type == LUA_TNIL) return report_unknown(L, state, &self);
    lua_Integer field = type == LUA_TNUMBER ? lua_tointeger(L, -1) : pack_field(LUAR_METHOD, 0);
    int access = (int)(field >> 32 & 0xFF);
    // The host refuses what is not to be assigned: it knows what to do instead.
    if (access != LUAR_READ_WRITE && access != LUAR_READ)
        return luaL_error(L, "%s.%s is read-only", lua_tostring(L, lua_upvalueindex(2)), luaL_tolstring(L, 2, NULL));
    luar_read(L, 3, &value, 0);
    luar_charge_call(L, &value, 1);
    if (state->host.set(state->host.context, &self, (int)field, NULL, &value, &result) != 0)
        return luar_raise(L, &result);
    return 0;
}

static int show(lua_State *L) {
    object *it = lua_touserdata(L, 1);
    lua_pushfstring(L, "%s %I", lua_tostring(L, lua_upvalueindex(1)), (LUAI_UACINT)it->identity);
    return 1;
}

void luar_push_data_name(lua_State *L, int type) {
    lua_rawgeti(L, LUA_REGISTRYINDEX, luar_of(L)->metatable[type]);
    lua_rawgeti(L, -1, 1);
    for (lua_pushnil(L); lua_next(L, -2); lua_pop(L, 1)) {
        if (lua_type(L, -1) != LUA_TNUMBER || (lua_tointeger(L, -1) >> 32 & 0xFF) != LUAR_DATA) continue;
        lua_pop(L, 1);
        lua_replace(L, -3);
        lua_pop(L, 1);
        return;
    }
    lua_pop(L, 2);
    lua_pushnil(L);
}

struct definition {
    const char *name;
    int type, flags, access, id;
};

static int define_type(lua_State *L) {
    luar_state *state = luar_of(L);
    struct definition *definition = lua_touserdata(L, 1);
    int type = state->types;
    if (type == LUAR_MOST_TYPES) return luaL_error(L, "too many object types");
    lua_createtable(L, 0, 8);
    lua_newtable(L);
    int metatable = lua_gettop(L) - 1, fields = metatable + 1;
    lua_pushvalue(L, fields);
    lua_pushcclosure(L, read_field, 1);
    lua_setfield(L, metatable, "__index");
    lua_pushvalue(L, fields);
    lua_pushstring(L, definition->name);
    lua_pushcclosure(L, write_field, 2);
    lua_setfield(L, metatable, "__newindex");
    if (definition->flags & LUAR_KEYED) luar_add_entries(L, metatable);
    lua_pushstring(L, definition->name);
    lua_pushcclosure(L, show, 1);
    lua_setfield(L, metatable, "__tostring");
    lua_pushstring(L, definition->name);
    lua_setfield(L, metatable, "__name");
    lua_pushliteral(L, "locked");
    lua_setfield(L, metatable, "__metatable");
    // The fields stay reachable for luar_define_field, under an integer that no script can use.
    lua_rawseti(L, metatable, 1);
    state->metatable[type] = luaL_ref(L, LUA_REGISTRYINDEX);
    lua_newtable(L);
    state->identity[type] = luaL_ref(L, LUA_REGISTRYINDEX);
    state->type_flags[type] = definition->flags;
    definition->type = state->types++;
    return 0;
}

int luar_define_type(luar_state *state, const char *name, int flags) {
    struct definition definition = {.name = name, .flags = flags, .type = -1};
    luar_protect(state, define_type, &definition);
    return definition.type;
}

static int call_method(lua_State *L);

static int define_field(lua_State *L) {
    luar_state *state = luar_of(L);
    struct definition *definition = lua_touserdata(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, state->metatable[definition->type]);
    lua_rawgeti(L, -1, 1);
    if ((definition->access & 0xFF) == LUAR_METHOD) {
        lua_pushinteger(L, definition->id);
        lua_pushinteger(L, definition->type);
        lua_pushstring(L, definition->name);
        lua_pushinteger(L, definition->access >> 8);
        lua_pushcclosure(L, call_method, 4);
    } else {
        lua_pushinteger(L, pack_field(definition->access, definition->id));
    }
    lua_setfield(L, -2, definition->name);
    return 0;
}

int luar_define_field(luar_state *state, int type, const char *name, int access, int id) {
    struct definition definition = {.name = name, .type = type, .access = access, .id = id};
    return luar_protect(state, define_field, &definition);
}

/// A method: the host function in upvalue 1, called on an object of the type in upvalue 2.
static int call_method(lua_State *L) {
    luar_reraise(L);
    object *it = lua_type(L, 1) == LUA_TUSERDATA ? lua_touserdata(L, 1) : NULL;
    if (!it || it->type != lua_tointeger(L, lua_upvalueindex(2))) {
        const char *name = lua_tostring(L, lua_upvalueindex(3));
        return luaL_error(L, "call '%s' with a colon on an object: object:%s(...)", name, name);
    }
    return luar_call_host(
        L, (int)lua_tointeger(L, lua_upvalueindex(1)), (int)lua_tointeger(L, lua_upvalueindex(4)));
}

void luar_invalidate(luar_state *state, int type, int64_t id) {
    lua_State *L = state->running ? state->running : state->lua;
    // Plain reads: nothing here allocates, runs script code or raises. lua_checkstack reports failure by its result.
    if (!lua_checkstack(L, 2)) return;
    lua_rawgeti(L, LUA_REGISTRYINDEX, state->identity[type]);
    lua_rawgeti(L, -1, id);
    object *it = lua_touserdata(L, -1);
    if (it) it->kept = 0;
    lua_pop(L, 2);
}

static int release(lua_State *L) {
    luaL_unref(L, LUA_REGISTRYINDEX, *(int32_t *)lua_touserdata(L, 1));
    return 0;
}

int luar_release(luar_state *state, int32_t function) { return luar_protect(state, release, &function); }

static int forget(lua_State *L) {
    luar_state *state = luar_of(L);
    const luar_value *which = lua_touserdata(L, 1);
    lua_rawgeti(L, LUA_REGISTRYINDEX, state->identity[which->object_type]);
    if (lua_rawgeti(L, -1, which->integer) != LUA_TNIL) {
        lua_pushnil(L);
        lua_rawseti(L, -3, which->integer);
    }
    return 0;
}

int luar_forget(luar_state *state, int type, int64_t id) {
    luar_value which = {.object_type = type, .integer = id};
    return luar_protect(state, forget, &which);
}
