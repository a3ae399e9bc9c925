// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#include "state.h"

// pcall, xpcall and the coroutine functions. Lua's own would let a script swallow the error of a passed limit; these
// raise it again. Apart from that they behave as the manual says, yields across pcall included.

/// After a caught error: raises again if it was a limit's. Memory errors become one here.
static void reraise_limit(lua_State *L, int status) {
    if (status == LUA_ERRMEM && !luar_of(L)->tripped) luar_trip_memory(L);
    luar_reraise(L);
}

static int finish_call(lua_State *L, int status, lua_KContext skipped) {
    reraise_limit(L, status);
    if (status != LUA_OK && status != LUA_YIELD) {
        luar_of(L)->noted = 0;
        lua_pushboolean(L, 0);
        lua_pushvalue(L, -2);
        return 2;
    }
    return lua_gettop(L) - (int)skipped;
}

static int protected_call(lua_State *L) {
    luar_reraise(L);
    luaL_checkany(L, 1);
    lua_pushboolean(L, 1);
    lua_insert(L, 1);
    int status = lua_pcallk(L, lua_gettop(L) - 2, LUA_MULTRET, 0, 0, finish_call);
    return finish_call(L, status, 0);
}

/// Calls the script's message hook (upvalue 1), but not for a limit's error.
static int handle_message(lua_State *L) {
    if (luar_of(L)->tripped) return 1;
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, 1, 1);
    return 1;
}

static int protected_call_with_handler(lua_State *L) {
    luar_reraise(L);
    int count = lua_gettop(L);
    luaL_checktype(L, 2, LUA_TFUNCTION);
    lua_pushvalue(L, 2);
    lua_pushcclosure(L, handle_message, 1);
    lua_replace(L, 2);
    lua_pushboolean(L, 1);
    lua_pushvalue(L, 1);
    lua_rotate(L, 3, 2);
    int status = lua_pcallk(L, count - 2, LUA_MULTRET, 2, 2, finish_call);
    return finish_call(L, status, 2);
}

/// Coroutines that may run or close within each other. Lua counts C calls for resuming, but not for closing.
enum { most_nested = 100 };

/// What a coroutine start or switch costs in instructions: a thread has a count of its own, so short coroutines would
/// otherwise run below the hook's notice.
enum { switch_cost = 200 };

static int create(lua_State *L) {
    luaL_checktype(L, 1, LUA_TFUNCTION);
    luar_charge(L, switch_cost);
    lua_State *thread = lua_newthread(L);
    lua_pushvalue(L, 1);
    lua_xmove(L, thread, 1);
    return 1;
}

/// Tells hooks of `L` to come as often as the large values alive ask for: a thread has a count of its own, set when it
/// was made. Only ever lowers it, as setting it starts the count anew.
static void hurry_hook(lua_State *L) {
    int interval = luar_interval(luar_of(L));
    if (lua_gethookcount(L) > interval) lua_sethook(L, luar_count_hook, LUA_MASKCOUNT, interval);
}

/// Whether a thread waits to be started or resumed. Lua would refuse the others too, but by making an error text in
/// them unprotected: without memory for it, it would run their pending `__close` calls, with hooks off where a limit
/// killed them.
static int is_resumable(lua_State *thread) {
    lua_Debug record;
    int status = lua_status(thread);
    return status == LUA_YIELD || (status == LUA_OK && !lua_getstack(thread, 0, &record) && lua_gettop(thread) > 0);
}

static int is_active(lua_State *thread) {
    lua_Debug record;
    return lua_status(thread) == LUA_OK && lua_getstack(thread, 0, &record);
}

/// Resumes `thread` with the `count` values on top. Returns how many results were moved here, or -1 with the error
/// value on top.
static int resume_thread(lua_State *L, lua_State *thread, int count) {
    luar_state *state = luar_of(L);
    luar_charge(L, switch_cost);
    if (!is_resumable(thread)) {
        lua_pushstring(L, is_active(thread) ? "cannot resume non-suspended coroutine" : "cannot resume dead coroutine");
        return -1;
    }
    if (state->nested >= most_nested) luaL_error(L, "C stack overflow: %d coroutines within each other", most_nested);
    if (!lua_checkstack(thread, count)) {
        lua_pushliteral(L, "too many arguments to resume");
        return -1;
    }
    lua_xmove(L, thread, count);
    int results = 0;
    hurry_hook(thread);
    state->running = thread;
    state->nested++;
    int status = lua_resume(thread, L, count, &results);
    state->nested--;
    state->running = L;
    hurry_hook(L);
    if (state->hurried) lua_sethook(L, luar_count_hook, LUA_MASKCOUNT, 1);
    reraise_limit(L, status);
    if (status != LUA_OK && status != LUA_YIELD) {
        lua_xmove(thread, L, 1);
        return -1;
    }
    if (!lua_checkstack(L, results + 1)) {
        lua_pop(thread, results);
        lua_pushliteral(L, "too many results to resume");
        return -1;
    }
    lua_xmove(thread, L, results);
    return results;
}

static lua_State *check_thread(lua_State *L) {
    lua_State *thread = lua_tothread(L, 1);
    luaL_argexpected(L, thread, 1, "coroutine");
    return thread;
}

static int resume(lua_State *L) {
    luar_reraise(L);
    lua_State *thread = check_thread(L);
    int results = resume_thread(L, thread, lua_gettop(L) - 1);
    if (results < 0) {
        lua_pushboolean(L, 0);
        lua_insert(L, -2);
        return 2;
    }
    lua_pushboolean(L, 1);
    lua_insert(L, -(results + 1));
    return results + 1;
}

static int call_wrapped(lua_State *L) {
    luar_reraise(L);
    lua_State *thread = lua_tothread(L, lua_upvalueindex(1));
    int results = resume_thread(L, thread, lua_gettop(L));
    if (results >= 0) return results;
    if (lua_type(L, -1) == LUA_TSTRING) {
        luaL_where(L, 1);
        lua_insert(L, -2);
        lua_concat(L, 2);
    }
    return lua_error(L);
}

static int wrap(lua_State *L) {
    create(L);
    lua_pushcclosure(L, call_wrapped, 1);
    return 1;
}

/// Closes a suspended or finished coroutine. One that an error killed is left as it is: if the error came from the hook,
/// its hooks are off for good, and closing would run a `__close` there that nothing could stop. Nor is anything taken
/// from its stack, which still holds what the C functions that died there were working with.
static int close_coroutine(lua_State *L) {
    luar_reraise(L);
    lua_State *thread = check_thread(L);
    luar_state *state = luar_of(L);
    int status = lua_status(thread);
    if (thread == L || is_active(thread)) return luaL_error(L, "cannot close a running coroutine");
    luar_charge(L, switch_cost);
    if (status != LUA_OK && status != LUA_YIELD) {
        lua_pushboolean(L, 0);
        lua_pushliteral(L, "the coroutine died of an error");
        return 2;
    }
    if (state->nested >= most_nested) luaL_error(L, "C stack overflow: %d coroutines within each other", most_nested);
    hurry_hook(thread);
    state->running = thread;
    state->nested++;
    status = lua_resetthread(thread);
    state->nested--;
    state->running = L;
    reraise_limit(L, status);
    lua_pushboolean(L, status == LUA_OK);
    if (status == LUA_OK) return 1;
    // Resetting left the error value, and nothing else, on the thread's stack.
    lua_xmove(thread, L, 1);
    return 2;
}

void luar_open_calls(lua_State *L) {
    lua_pushcfunction(L, protected_call);
    lua_setfield(L, -2, "pcall");
    lua_pushcfunction(L, protected_call_with_handler);
    lua_setfield(L, -2, "xpcall");
}

void luar_open_coroutines(lua_State *L) {
    static const luaL_Reg ours[] = {
        {"create", create}, {"resume", resume}, {"wrap", wrap}, {"close", close_coroutine}, {NULL, NULL},
    };
    luaL_setfuncs(L, ours, 0);
}
