/* SPDX-License-Identifier: MIT */
/* The tables, as numbered migrations. A migration that has landed is never changed: add the next one. */
#pragma once

/** The statements of each migration, in order, from an empty database; ends with NULL. Number n takes the schema to version n + 1. */
const char *const *stoa_schema_migrations(void);
/** The version that this program needs: the number of migrations. */
int stoa_schema_version(void);
