// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#ifndef CTERMINAL_H
#define CTERMINAL_H

#include <stdint.h>

/// How many columns a terminal gives a Unicode character: 0, 1 or 2; -1 for one that cannot be shown.
///
/// What wcwidth(3) says in a UTF-8 locale, whatever locale the process has. Swift does not see wcwidth, because its
/// headers hide it behind feature macros.
int cterminal_width(uint32_t character);

#endif
