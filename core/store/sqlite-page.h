/* SPDX-License-Identifier: MIT */
/* What a page of the database holds that no row owns: copies that moved rows left behind. Pure. (SQLite file format, 1.6) */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In a database of at most so many pages the first byte of an overflow or freelist page is 0 or 1, which no b-tree page begins with. */
enum { STOA_SQLITE_MOST_PAGES = 0x01ffffff };

/**
 * Zero the gap between the cell pointers and the cells of a b-tree page. Other pages, and what is no sound page, stay as they are.
 *
 * @page   `len` bytes
 * @first  it is page 1, with the head of the file in it
 *
 * Thread: any; allocates nothing.
 */
void stoa_sqlite_page_wipe(uint8_t *page, size_t len, bool first);
