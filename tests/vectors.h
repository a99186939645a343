/* SPDX-License-Identifier: BSD-2-Clause */
/* vectors.h: the conformance cases of tests/vectors as ready-made calls of the public API. */
#ifndef GRU_VECTORS_H
#define GRU_VECTORS_H

#include "check.h"

/* What vectors/README.md calls a result: an array and where its axes stand in it. */
typedef struct vectors_result {
    float *want; /* NULL: the case hasn't got this result */
    size_t count;
    ptrdiff_t step, row, direction;
} vectors_result;

/* One case. io and weights point into memory that lasts until the test run ends. */
typedef struct vectors_case {
    char name[96];
    gru_desc desc;
    gru_weights weights[2];
    gru_io io; /* without outputs */
    vectors_result y, h;
    double tolerance;
} vectors_case;

/*
 * Calls `use` for each case of tests/vectors/FILE.json. Whatever a file says that isn't understood is a failed check.
 * False if this build can't read JSON.
 */
bool vectors_each(const char *file, void (*use)(const vectors_case *));

/* Runs a case on a back end and gives the largest distance from what is wanted; infinity if it fails or gives NaN. */
double vectors_distance(const vectors_case *c, const gru_backend *backend);

#endif
