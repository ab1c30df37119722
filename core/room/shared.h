/* SPDX-License-Identifier: MIT */
/* A body that many hear. Its text is written once, however many they are. Control's. */
#pragma once

#include <glib.h>
#include <jansson.h>

typedef struct StoaShared StoaShared;

/** @body  taken; nobody changes it from here on. Free with stoa_shared_unref(). */
StoaShared *stoa_shared_new(json_t *body);
StoaShared *stoa_shared_ref(StoaShared *shared);
/** NULL is fine. */
void stoa_shared_unref(StoaShared *shared);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(StoaShared, stoa_shared_unref)

/** Borrowed; to be read only. */
json_t *stoa_shared_body(const StoaShared *shared);
/** It as compact JSON. Borrowed; `*len` bytes. */
const char *stoa_shared_text(StoaShared *shared, size_t *len);
