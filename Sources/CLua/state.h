// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#ifndef LUAR_STATE_H
#define LUAR_STATE_H

#include "luar.h"

#include <lua5.4/lauxlib.h>
#include <lua5.4/lua.h>
#include <lua5.4/lualib.h>

/// Instructions between two visits of the count hook while no large values live.
#define LUAR_INTERVAL 1000
/// A block of at least this many bytes counts as large: one instruction on it can take milliseconds.
#define LUAR_LARGE ((size_t)64 << 10)
/// Entries that a table argument may have.
#define LUAR_MOST_ENTRIES 64
/// How deep tables within tables are read.
#define LUAR_DEEPEST 3
#define LUAR_MOST_TYPES 32
/// Strings that an answered list may have.
#define LUAR_MOST_LINES 100000

/// What every userdata that a script can reach begins with.
typedef struct {
    int type;
    int64_t identity;
    /// Bit n: user value `LUAR_EXTRA + n` holds a field's current value.
    unsigned kept;
} luar_object;

/// User values of an object: its payload string or the scripts' own table, then the values of kept fields.
enum { LUAR_EXTRA = 1 };

/// The type of the constants that C brings, which no host defined: one that no host's type has.
enum { LUAR_CONSTANT_TYPE = -1 };
/// The constants' identities.
enum { LUAR_NULL, LUAR_EMPTY_ARRAY, LUAR_CONSTANTS };

/// The strings that are large enough to be watched: their addresses in an open hash table, and their bytes together.
typedef struct {
    const void **blocks;
    size_t capacity, count, bytes;
} luar_strings;

/// What is left of a file's share of the reserve, in the run with this number.
typedef struct {
    int64_t run, cpu, instructions;
} luar_share;

/// The part of the memory limit that hooks with spare memory may have on top of it: a sixteenth.
#define LUAR_SPARE_PART 16
/// Files that have shares; hooks of further ones live on the pool.
#define LUAR_MOST_FILES 4096

struct luar_state {
    lua_State *lua;
    /// The thread (coroutine) that runs now: the one whose hook the allocator may hurry.
    lua_State *running;
    luar_host host;
    luar_failure failure;

    /// Bytes held, the most that may be, and how much more the step that runs now may have.
    size_t memory, memory_limit, spare;
    /// Bytes in large blocks alive, and bytes allocated since the clock was last read.
    size_t large, grown;
    luar_strings strings;
    /// Lua's table of short strings.
    const void *string_table;
    /// Bytes that lived after the last collection, and whether it is still to be planned by them when the next begins.
    size_t live;
    int is_collected;
    /// Whether so much lived after the last collection between two calls that only some hooks are called.
    int is_nearly_full;
    /// The collector's pause, in percent of `live`.
    int pause;

    /// What is left of the run's pool, and what each file's share of the reserve is.
    luar_budget budget;
    /// Numbers the runs; what is left of the shares in the run that each was last used in, by file.
    int64_t run;
    luar_share *shares;
    int share_count;
    /// The share of the step that runs now; NULL for none.
    luar_share *share;
    int is_stepping;
    /// What the step, or whatever else runs now, may use. `cpu_start` is 0 until the clock is first needed; `work` is what
    /// was charged since it was last read.
    int64_t cpu_allowed, instructions_allowed, cpu_start, instructions_left, work;
    /// The monotonic clock when the CPU clock was started, and when that is to be read again.
    int64_t start, next_look;
    /// Whether the instructions ran out, and not the time; whether nothing was left to begin with.
    int is_over, is_starved;
    int hurried;
    /// Coroutines that run or close within each other now.
    int nested;
    /// The block and size that the allocator refused last, and whether Lua asked in vain a second time: then memory ran
    /// out, even if the error that said so was replaced by another.
    void *refused_block;
    size_t refused_size;
    int exhausted;
    /// Whether `failure` holds the error that is being passed on by `require`.
    int noted;
    /// LUAR_TIMEOUT or LUAR_MEMORY once a limit was passed, until the outermost call has returned.
    int tripped;

    /// The hook that runs now, and those that it is one of.
    const luar_hook *hook;
    luar_calls *calls;
    /// The host function that explains missing names.
    int unknown;

    int types;
    int type_flags[LUAR_MOST_TYPES];
    int identity[LUAR_MOST_TYPES], metatable[LUAR_MOST_TYPES];
    /// Registry references: the globals scripts see, the results of `require`, the environments' metatable.
    int base, loaded, environment;
    /// Registry references of the constants, by their place among LUAR_CONSTANTS.
    int constants[LUAR_CONSTANTS];
    char caller_script[128];
};

/// The state behind any of its threads. Never raises.
static inline luar_state *luar_of(lua_State *L) { return *(luar_state **)lua_getextraspace(L); }

// memory.c
/// The capped allocator. Never raises; a refusal makes Lua collect garbage and ask again.
void *luar_allocate(void *state, void *block, size_t old_size, size_t new_size);
/// How many instructions may pass until the hook's next visit. Few while large values live: comparing or
/// concatenating those takes milliseconds an instruction.
int luar_interval(const luar_state *state);
/// Has Lua say when a collection has ended. May raise.
void luar_open_collector(lua_State *L);
/// Plans the next collection, once one has ended. Raises nothing of its own; a collection may run.
void luar_plan_collection(lua_State *L);
/// Collects garbage if there is no room for so many bytes: lauxlib's buffers ask once and do not. Never raises.
void luar_make_room(lua_State *L, size_t size);

// limits.c
/// Has the hook come at the next instruction. lua_sethook is documented as safe at any moment.
void luar_hurry(luar_state *state);
/// Starts the clock of what runs now, unless it was started.
void luar_start_clock(luar_state *state);
/// Lets a hook that may have spare memory have it. Never raises.
void luar_open_spare(luar_state *state, const luar_hook *hook);
/// Opens the budget of the hook that is called next: its file's share and the pool. Raises if nothing is left of both.
void luar_open_step(lua_State *L, const luar_hook *hook);
/// Takes what the step has used from its file's share, then from the pool. Never raises.
void luar_close_step(luar_state *state);
/// The count hook: raises once a limit is passed, and then again at every instruction.
void luar_count_hook(lua_State *L, lua_Debug *record);
/// A message hook: notes message, position and traceback where an error arose. Memory errors never get here.
int luar_note_error(lua_State *L);
/// Counts `units` instructions' worth of work that a C function is about to do. Raises past a limit.
void luar_charge(lua_State *L, int64_t units);
/// Raises again while a limit is passed: for functions that caught an error. Never returns then.
void luar_reraise(lua_State *L);
/// Records that memory ran out and raises.
void luar_trip_memory(lua_State *L);
/// Calls `function` with `argument` as light userdata; returns a LUAR_ code and fills `failure`. Never raises.
int luar_protect(luar_state *state, lua_CFunction function, void *argument);
/// The same, but what the function returns stays on the stack.
int luar_protect_keeping(luar_state *state, lua_CFunction function, void *argument);

// sandbox.c, library_*.c: each pushes or changes library tables and may raise on memory.
void luar_open_sandbox(lua_State *L);
void luar_open_calls(lua_State *L);
void luar_open_coroutines(lua_State *L);
void luar_open_tables(lua_State *L);
void luar_open_strings(lua_State *L);
/// These three change the functions of the table at the top, which is utf8, os or the base.
void luar_open_utf8(lua_State *L);
void luar_open_dates(lua_State *L);
void luar_open_numbers(lua_State *L);
/// Puts the functions that take patterns into the table at the top.
void luar_open_patterns(lua_State *L);
/// Replaces the table at the top by a read-only stand-in for it. `name` is for error texts. May raise.
void luar_lock(lua_State *L, const char *name);
/// The same, but the host explains names that the table does not have. May raise.
void luar_lock_explained(lua_State *L, const char *name);
/// Lua's `print` over host function upvalue 1, which takes one text. May raise.
int luar_print_text(lua_State *L);
/// Pushes a text for the value at `index` that shows no address. May raise.
void luar_push_text(lua_State *L, int index);

// objects.c
/// Fills `value` from the stack. Tables down to `depth` levels are read, into memory of which one value is left on the
/// stack for the outermost; the tables keep what is in them alive. May raise.
void luar_read(lua_State *L, int index, luar_value *value, int depth);
/// Pushes what the host gave. May raise.
void luar_push(lua_State *L, const luar_value *value);
/// Raises the host's error text with the calling script's position.
int luar_raise(lua_State *L, const luar_value *error);

// definitions.c
/// Calls a host function with everything on the stack, and pushes its one answer. `flags` say what it takes. May raise.
int luar_call_host(lua_State *L, int function, int flags);
/// Charges a call of the host by what it is given. Raises past a limit.
void luar_charge_call(lua_State *L, const luar_value *values, int count);

// entries.c
/// Has a type's metatable, at `metatable`, ask the host for every key. May raise.
void luar_add_entries(lua_State *L, int metatable);
/// Whether the table at `index` is a stand-in that luar_lock made. Raises only where the stack cannot grow.
int luar_is_locked(lua_State *L, int index);
/// Pushes the name of a type's LUAR_DATA field, or nil. May raise.
void luar_push_data_name(lua_State *L, int type);

// constants.c
/// Makes the constants. May raise.
void luar_open_constants(lua_State *L);
/// Pushes a constant. Never raises; needs one free slot.
void luar_push_constant(lua_State *L, int constant);
/// Which constant the value at `index` is, or -1. Never raises.
int luar_constant_at(lua_State *L, int index);

// json_decode.c, json_encode.c: functions for scripts; upvalue 1 is the name that error texts call them by. May raise.
int luar_json_decode(lua_State *L);
int luar_json_encode(lua_State *L);

// paths.c: none of these raises or owns memory.
/// How many bytes the UTF-8 character at `at` has, which has `left` bytes to be in; 0 for what is none.
size_t luar_character(const unsigned char *at, size_t left);
/// A table's key, as error texts show it. Borrows the string's bytes.
typedef struct {
    /// LUA_TSTRING, LUA_TNUMBER, or LUA_TNIL for what only `text` describes.
    int type;
    int is_integer;
    lua_Integer integer;
    lua_Number number;
    const char *text;
    size_t count;
} luar_key;
/// Reads the key at `index`, which stays unchanged.
luar_key luar_key_at(lua_State *L, int index);
/// Writes a key behind `used` bytes of `target` as Lua would: `.name`, `[3]`, `["a b"]`. What does not fit in `size`
/// bytes is cut, with dots at the end. Returns the bytes used now, the ending zero byte aside.
size_t luar_add_key(char *target, size_t size, size_t used, const luar_key *key);

// load.c
/// Lua's `require`. May raise.
int luar_lua_require(lua_State *L);

#endif
