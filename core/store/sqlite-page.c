/* SPDX-License-Identifier: MIT */
/* SQLite zeroes rows that are deleted (secure_delete), but when it shares rows out anew between pages, those that go leave their
 * bytes in the gap. Overflow pages are filled up with zeros, and what is freed is zeroed. */
#include "config.h"

#include "store/sqlite-page.h"

#include <string.h>

enum {
    FILE_HEAD = 100,
    INTERIOR_INDEX = 2,
    INTERIOR_TABLE = 5,
    LEAF_INDEX = 10,
    LEAF_TABLE = 13,
    LEAF_HEAD = 8,
    INTERIOR_HEAD = 12,
};

static size_t read_16(const uint8_t *at)
{
    return (size_t)at[0] << 8 | at[1];
}

/* 0: it is no b-tree page. */
static size_t head_len(uint8_t type)
{
    switch (type) {
    case INTERIOR_INDEX:
    case INTERIOR_TABLE: return INTERIOR_HEAD;
    case LEAF_INDEX:
    case LEAF_TABLE: return LEAF_HEAD;
    default: return 0;
    }
}

void stoa_sqlite_page_wipe(uint8_t *page, size_t len, bool first)
{
    size_t head = first ? FILE_HEAD : 0;

    if (len < FILE_HEAD + INTERIOR_HEAD || head_len(page[head]) == 0)
        return;
    size_t gap = head + head_len(page[head]) + 2 * read_16(page + head + 3);
    size_t cells = read_16(page + head + 5);
    if (cells == 0) /* of a page of 65,536 bytes */
        cells = 65536;
    if (gap > cells || cells > len)
        return;
    memset(page + gap, 0, cells - gap);
}
