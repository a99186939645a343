/* SPDX-License-Identifier: BSD-2-Clause */
/* says.h: checks the whole text of an error, since a name or a number of something else leads a reader astray. */
#ifndef GRU_SAYS_H
#define GRU_SAYS_H

#include "check.h"

/* Where the call under test writes its error; each check clears it. */
extern gru_error said;

/* Checks that a call refused with a status, and that `said` has it, with exactly the text of a format and values. */
#define SAYS(call, want, ...) says((call), (want), __FILE__, __LINE__, __VA_ARGS__)

void says(enum gru_status got, enum gru_status want, const char *file, int line, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

#endif
