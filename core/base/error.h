/* SPDX-License-Identifier: MIT */
/* Errors as the core sees them: the SDK's, and what stoa_refuse() noted. */
#pragma once

#include <stoa/error.h>

/** A short name of a code for logs and the reference: "invalid", "not_found". */
const char *stoa_error_code_name(int code);
