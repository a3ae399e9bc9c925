// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#ifndef LUAR_CARRY_H
#define LUAR_CARRY_H

#include "state.h"

// The bytes in snapshot: what both ends agree on. They are read by the program that wrote them, in the same run: numbers
// are as the machine has them, and nothing is checked again.
//
// What can be met twice has a number: a table, a longer string, an object that its state has forgotten. First comes
// the number of clients as int32, and the identity of each; their data tables are numbers 1, 2 and so on. Then comes
// table after table: LUAR_ITEM_TABLE, its keys and values, LUAR_ITEM_END. A table may be mentioned before it comes; a
// string and an object come where they are first met.

enum {
    LUAR_ITEM_END,
    LUAR_ITEM_FALSE,
    LUAR_ITEM_TRUE,
    /// With lua_Integer.
    LUAR_ITEM_INTEGER,
    /// With lua_Number.
    LUAR_ITEM_NUMBER,
    /// With size_t and as many bytes.
    LUAR_ITEM_STRING,
    /// With int32, its number from now on; then like a string.
    LUAR_ITEM_NUMBERED_STRING,
    /// With int32: a constant.
    LUAR_ITEM_CONSTANT,
    /// With int64: an object by its identity.
    LUAR_ITEM_OBJECT,
    /// With int32, its number from now on, and int64: an object that is no longer kept under its identity.
    LUAR_ITEM_FORGOTTEN,
    /// With int32: what has this number; a table of which nothing came yet if nothing has.
    LUAR_ITEM_NODE,
    /// With int32: the beginning of the table with this number.
    LUAR_ITEM_TABLE
};

/// Entries of all tables together, and how many tables may lie within each other, the data table included.
enum { LUAR_MOST_CARRIED = 100000, LUAR_DEEPEST_CARRIED = 16 };

struct luar_snapshot {
    /// Memory of malloc.
    unsigned char *bytes;
    size_t count, capacity;
    int32_t nodes;
    int refusals;
    char refusal[LUAR_MOST_REFUSALS][512];
};

#endif
