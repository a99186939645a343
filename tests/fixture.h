/* SPDX-License-Identifier: BSD-2-Clause */
/* fixture.h: a run of a plain layer in which everything is wanted, of which a test changes one thing. */
#ifndef GRU_FIXTURE_H
#define GRU_FIXTURE_H

#include "drive.h"
#include "tally.h"

enum { T = 4, B = 3, I = 2, H = 5 };

typedef struct fixture {
    problem p;
    gru_layer *layer;
    gru_io io;
    tally all;
    gru_pool pool;
    size_t lengths[B], index[B];
    float *outputs; /* y, h and the gates in one array, so that one look sees whatever was written */
    size_t output_count;
    unsigned char *workspace;
    size_t bytes;
} fixture;

/* False, after a report, if there is no layer. guarded_free_all frees the arrays. */
bool set_up(fixture *f, enum problem_reset reset, enum problem_way direction);

#endif
