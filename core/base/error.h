/* SPDX-License-Identifier: MIT */
/* Errors as the core sees them: the SDK's, and what stoa_refuse() noted. */
#pragma once

#include <stoa/error.h>

/** The reason that was given to stoa_refuse(), or NULL. Borrowed: lives as long as the error. */
const char *stoa_error_reason(const GError *error);

/** A short name of a code for logs and the reference: "invalid", "not_found". */
const char *stoa_error_code_name(int code);
