// SPDX-License-Identifier: Apache-2.0
// Copyright 2026 the Luar authors

#define _GNU_SOURCE
#include "cterminal.h"
#include <locale.h>
#include <wchar.h>

int cterminal_width(uint32_t character) {
    // Made once and kept: it is the process's own idea of a character.
    static _Thread_local locale_t utf8;
    if (utf8 == (locale_t)0) utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    // Without that locale ASCII is still right, and everything else is taken to be narrow.
    if (utf8 == (locale_t)0) return character >= 0x20 ? 1 : -1;
    locale_t before = uselocale(utf8);
    int width = wcwidth((wchar_t)character);
    uselocale(before);
    return width;
}
