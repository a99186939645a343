/* SPDX-License-Identifier: BSD-2-Clause */
/* runner.h: what main.c and check.c share; no test needs it. */
#ifndef GRU_RUNNER_H
#define GRU_RUNNER_H

#include "check.h"

typedef struct runner_settings {
    uint64_t seed;
    const char *backend; /* NULL: all */
    const char *data;    /* NULL: the build's folder */
    bool full;
    bool quick;
    bool update_golden;
    bool no_guards; /* the pages round guarded memory may be read */
} runner_settings;

extern runner_settings runner_options;

typedef struct runner_result {
    size_t checks;
    size_t failures;
    bool skipped;
    char reason[200];
} runner_result;

/* One run of a test lies between these two; the result is valid until the next runner_begin. */
void runner_begin(const char *name, const gru_backend *backend);
const runner_result *runner_end(void);

/* Says of an address that trapped which guarded buffer it is beside. */
void guarded_describe(const void *address, char *text, size_t size);

#endif
