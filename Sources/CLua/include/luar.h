// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

// The protected face of Lua 5.4 for Swift.
//
// Every function below catches Lua's errors inside: none of them jumps over its caller. Every callback of `luar_host`
// is called from inside a protected call and must return: it reports an error by its return code, and C raises it
// after the callback's frame is gone. A state belongs to one thread at a time.

#ifndef LUAR_H
#define LUAR_H

#include <stddef.h>
#include <stdint.h>

typedef struct luar_state luar_state;

/// What kind of value a `luar_value` holds.
enum {
    LUAR_NIL,
    LUAR_BOOLEAN,
    LUAR_INTEGER,
    LUAR_NUMBER,
    LUAR_STRING,
    LUAR_OBJECT,
    LUAR_FUNCTION,
    LUAR_TABLE,
    /// From the host only: a table of objects of one type, from `ids`.
    LUAR_OBJECTS,
    /// From the host only: the argument whose index (from 0) `integer` holds, unchanged.
    LUAR_ARGUMENT,
    /// A coroutine, or anything else that no host function takes.
    LUAR_OTHER
};

/// One value on its way between Lua and the host. Memory it points to is borrowed: from Lua until the callback
/// returns; from the host until C has copied it, which is before anything else runs.
typedef struct luar_value {
    int type;
    /// An object's type, as `luar_define_type` numbered it. Of an answer, LUAR_LEVELED or LUAR_LISTED.
    int object_type;
    /// An integer, a boolean, an object's identity or a function's reference.
    int64_t integer;
    double number;
    /// A string's bytes, or an object's payload. Of a table from the host: its name, which makes it read-only and has the
    /// host explain names that it does not have; ends with a zero byte.
    const char *bytes;
    size_t count;
    /// A table's entries as `count` pairs: key, value, key, value; of a LUAR_LISTED one, `count` values.
    const struct luar_value *entries;
    const int64_t *ids;
} luar_value;

/// Marks of answers: a string with a level; a table whose entries are values without keys.
enum { LUAR_LEVELED = 1, LUAR_LISTED };

/// A hook: a function that a script registered, as `luar_call` calls it. The host owns it and keeps it where it is.
typedef struct {
    /// The function's reference.
    int32_t function;
    /// The script file that it belongs to, by number from 0; -1 for none, which has no share of a reserve.
    int32_t file;
    /// Whether it may have a sixteenth more memory than the limit, and is called also where that is nearly reached.
    int has_spare_memory;
    /// Whether the host decides before each call: see LUAR_HELD.
    int is_held;
    /// Calls so far, those that failed included.
    int64_t calls;
} luar_hook;

/// What hooks may answer beside nil.
typedef struct {
    /// Accepted answers: bits `1 << LUAR_…`. `false` is accepted when `accepts_false` is nonzero.
    int accepts, accepts_false;
    /// Whether a second answer after `false`, a string, is its reason: then it is `bytes` and `count` of the boolean.
    int takes_reason;
    /// Whether a second answer after a string, an integer from 0 to this, goes with it: then it is the string's `integer`,
    /// and the string LUAR_LEVELED. 0 for no.
    int highest_level;
    /// With LUAR_TABLE: whether a record is accepted, whose fields the host judges, and not a list of strings.
    int accepts_record;
    /// With LUAR_OBJECT: the one type accepted.
    int object_type;
    /// The longest string accepted, or list of strings in all, in bytes.
    size_t longest;
    /// What the event is called and may answer, for error texts.
    const char *event;
    const char *expected;
} luar_schema;

/// Hooks that are called in order, and how far that has come. The host owns it; no pointer in it is kept.
typedef struct {
    luar_hook *const *hooks;
    int count;
    /// The hook that is called next. It is counted up before each call, so that a failure has no hook called twice.
    int next;
    /// What the hooks may answer; NULL: their answers are ignored.
    const luar_schema *schema;
    /// What each is called with: memory it points to must not change until `luar_call` has returned.
    luar_value arguments[2];
    int argument_count;
    /// With LUAR_ANSWERED, what the hook answered: borrowed until the next `luar_call` or `luar_end_run`.
    luar_value answer;
} luar_calls;

/// How far `luar_call` came.
enum {
    /// All hooks were called, or as many as were to be, and none has answered.
    LUAR_CALLED,
    /// The hook before `next` has answered something else than nil.
    LUAR_ANSWERED,
    /// The hook `next` is held, and was not called.
    LUAR_HELD,
    /// The hook before `next` has failed: `luar_last_failure` says how.
    LUAR_FAILED
};

/// What the hooks of one run may use: a pool for all, and a share of the reserve for each script file among them. A
/// hook uses its file's share first, so that no file's slowness fails another's.
typedef struct {
    /// CPU nanoseconds of this thread and Lua instructions: the pool, and each file's share.
    int64_t cpu, instructions, reserve_cpu, reserve_instructions;
} luar_budget;

/// A Lua source file as the host hands it out.
typedef struct {
    /// What makes the file itself: loaded once under this key.
    const char *key;
    size_t key_count;
    /// Its name in error texts, beginning with '@'.
    const char *chunk;
    const char *text;
    size_t count;
} luar_source;

/// What stands in the place of a field's number.
enum {
    /// The type has no field of the name `key`: the callback fails, and explains that.
    LUAR_UNKNOWN = -1,
    /// The entry of a LUAR_KEYED object whose key is `key`; nil where there is none.
    LUAR_ENTRY = -2,
    /// How many entries it has, an integer.
    LUAR_COUNT = -3,
    /// All of them, as `count` pairs in `entries`, in the order in which a script sees them.
    LUAR_LISTING = -4,
    /// What LUAR_LISTING will cost, an integer: one for as much work as a Lua instruction's.
    LUAR_LISTING_COST = -5
};

/// What the host answers. All callbacks return 0 for success; any other code means that `result` holds an error text,
/// which C raises in the calling script with file and line.
typedef struct {
    void *context;
    /// Reads a field, or does one of the things below, where `key` says of what.
    int (*get)(void *context, const luar_value *object, int field, const luar_value *key, luar_value *result);
    /// Assigns a field that can be read, or refuses to; `result` takes an error text. With LUAR_ENTRY, `key` is the entry's;
    /// nil removes it.
    int (*set)(void *context, const luar_value *object, int field, const luar_value *key, const luar_value *value,
               luar_value *result);
    /// Calls host function `function`.
    int (*call)(void *context, int function, const luar_value *arguments, int count, luar_value *result);
    /// Judges a record, or a string that may have a level, that a hook answered. Returns 0 to accept it; else `result` holds
    /// what is wrong with it.
    int (*judge)(void *context, const luar_value *answer, luar_value *result);
    /// Finds the source that `require(name)` means.
    int (*find)(void *context, const luar_value *name, luar_source *source, luar_value *result);
} luar_host;

/// Why a protected call failed.
enum { LUAR_OK, LUAR_ERROR, LUAR_TIMEOUT, LUAR_MEMORY };

/// A failure, in the state's own memory until the next protected call. Texts are cut where they do not fit.
typedef struct {
    int kind;
    int line;
    char script[128];
    char message[1024];
    char traceback[4096];
    /// CPU time that the failed hook or script used, in nanoseconds, as far as it was measured.
    int64_t used;
} luar_failure;

/// Lua's version, as in "5.4.4". Cannot raise; the text is constant.
const char *luar_lua_version(void);
/// Makes a state with the sandboxed libraries, or returns NULL when `memory_limit` bytes do not hold them.
luar_state *luar_open(luar_host host, size_t memory_limit);
void luar_close(luar_state *state);

/// The failure that the last protected call met.
const luar_failure *luar_last_failure(const luar_state *state);
/// The CPU time of this thread so far, in nanoseconds.
int64_t luar_cpu_now(void);
/// Bytes that the state holds now.
size_t luar_memory(const luar_state *state);

/// How a type treats its objects.
enum {
    /// One identity is always the same Lua value, until `luar_forget`.
    LUAR_SAME_VALUE = 1,
    /// Keys are the scripts' own, of any kind, and the host is asked for each; such a type has no fields.
    LUAR_KEYED = 2,
};
/// How a field behaves.
enum { LUAR_READ, LUAR_READ_WRITE, LUAR_METHOD, LUAR_DATA };
/// Added to a field's access, where `slot` is 1 to LUAR_MOST_KEPT: its value is kept with the object after the first
/// read, until `luar_invalidate`. For types of LUAR_SAME_VALUE.
#define LUAR_KEPT(slot) ((slot) << 8)
#define LUAR_MOST_KEPT 3

/// Added to the access of a method: what it takes, as of a host function.
#define LUAR_TAKING(flags) ((flags) << 8)

/// Defines an object type; returns its number, or -1 when memory is short.
int luar_define_type(luar_state *state, const char *name, int flags);
/// Defines a field: `id` goes to `get` and `set`; for a method to `call`. LUAR_DATA is a table of the scripts' own.
/// Returns a LUAR_ code.
int luar_define_field(luar_state *state, int type, const char *name, int access, int id);
/// What a host function takes, beside values: a function, the first one given, which arrives as a reference that the host
/// owns if it reports success; tables within tables.
enum { LUAR_KEEPS_FUNCTIONS = 1, LUAR_TAKES_TREES = 2 };
/// Defines a global function or, with a dotted path, one inside a read-only table. `flags` are those above.
int luar_define_function(luar_state *state, const char *path, int id, int flags);
/// Defines a constant by the same paths.
int luar_define_constant(luar_state *state, const char *path, const luar_value *value);
/// What C brings beside Lua's own library: functions that work on Lua values without the host, and their constants.
enum { LUAR_JSON_DECODE, LUAR_JSON_ENCODE, LUAR_JSON_NULL, LUAR_JSON_EMPTY_ARRAY };
/// Defines one of these by the same paths; the path is also what error texts call it by.
int luar_define_library(luar_state *state, const char *path, int member);
/// Makes the defined tables read-only; `unknown` is the host function that explains a missing name: it gets the
/// table's path and the name. Call once, before the first script.
int luar_seal(luar_state *state, int unknown);

/// Opens the budget for what follows: CPU nanoseconds of this thread and Lua instructions, both shared by all
/// protected calls until another is opened.
void luar_begin(luar_state *state, int64_t cpu_nanoseconds, int64_t instructions);
/// Opens the budget for a run: all that is called until the next one.
void luar_begin_run(luar_state *state, const luar_budget *budget);
/// Releases the last answer. Never raises.
void luar_end_run(luar_state *state);

/// Collects all garbage, on no script's budget.
void luar_collect(luar_state *state);

/// Loads and runs the script with this name, by way of `find`. Returns a LUAR_ code.
int luar_require(luar_state *state, const char *name, size_t count);

/// Calls hooks in order, all in one protected call, until one answers something else than nil, fails or is held.
///
/// Called again with the same `calls` it goes on with the next one. At most `most` hooks are called. With `takes_held`
/// nonzero the first one is called although it is held. Not to be called from within a callback. Never raises.
int luar_call(luar_state *state, luar_calls *calls, int most, int takes_held);

/// The hook that called the host function now running; meaningless outside one.
const luar_hook *luar_running_hook(luar_state *state);

/// Where the script stands that called the host function now running: 0 when unknown.
int luar_caller_line(luar_state *state);
const char *luar_caller_script(luar_state *state);

/// Drops the field values kept with an object: the host changed what they say. Never raises and allocates nothing.
void luar_invalidate(luar_state *state, int type, int64_t id);

/// Lets go of a function that the host kept: its reference means nothing any more. Never raises; returns a LUAR_ code, and
/// where memory is short the function merely stays.
int luar_release(luar_state *state, int32_t function);

/// The data tables of one state's objects on their way to another: plain bytes, which belong to no state.
typedef struct luar_snapshot luar_snapshot;
/// Refusals that are told; packing ends with the last.
#define LUAR_MOST_REFUSALS 10
/// Copies the LUAR_DATA tables of all objects of a LUAR_SAME_VALUE type, and changes nothing in the state. Never raises;
/// returns a LUAR_ code. With LUAR_OK the caller owns `*snapshot` and discards it; else it is NULL.
int luar_pack(luar_state *state, int type, luar_snapshot **snapshot);
/// How many values could not be packed; with more than 0 there is nothing to unpack. Never raises.
int luar_refusals(const luar_snapshot *snapshot);
/// The text of one of them, from 0. Never raises; the snapshot owns the text.
const char *luar_refusal(const luar_snapshot *snapshot, int index);
/// Makes the packed tables in a state, for the objects of `type` with the same identities. A data table that is there
/// already stays the same table and gets the packed entries. Never raises; returns a LUAR_ code; after a failure
/// the state has some of the tables.
int luar_unpack(luar_state *state, int type, const luar_snapshot *snapshot);
/// Frees snapshot; NULL is none. Never raises.
void luar_discard(luar_snapshot *snapshot);

/// A script as the compiler leaves it, in the form of `lua_dump`.
typedef struct {
    unsigned char *bytes;
    size_t count;
} luar_code;
/// Compiles a script without running anything. Never raises. The caller discards the code; it has no bytes where the script
/// does not compile or memory is short.
luar_code luar_compile(const char *text, size_t count);
/// Frees code. Never raises.
void luar_discard_code(luar_code code);
/// Tells every name that scripts find in a sealed state: globals, and dotted paths into the tables among them. `add` is
/// called from inside a protected call and must not raise; the path is borrowed. Never raises; returns a LUAR_ code.
int luar_names(luar_state *state, void (*add)(void *context, const char *path), void *context);

/// Drops the value kept for an object of a LUAR_SAME_VALUE type.
int luar_forget(luar_state *state, int type, int64_t id);

#endif
