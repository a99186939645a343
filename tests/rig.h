/* SPDX-License-Identifier: BSD-2-Clause */
/* rig.h: one run of one layer, each argument an array of its own in memory that the test chooses, for attacks on it. */
#ifndef GRU_RIG_H
#define GRU_RIG_H

#include "check.h"

/*
 * Where drive.h takes a problem through the library in many ways and reads the answer back, a rig leaves the call
 * itself to the test: it may change any argument, or run under a system-call filter, a rounding mode or a poisoned array.
 * All arrays are dense; x, y and gates are [T][B] or [B][T], states [D][B][H].
 */

/* What is to be run; the zero value is a run with x, y, h0 and h alone. */
typedef struct rig_shape {
    gru_desc desc; /* with its sizes and back end */
    size_t steps, rows;
    bool ragged, indexed, masked, reset_state, gates, in_place, batch_major, computed_order;
    bool no_h0, no_last, no_y;
    uint64_t seed;       /* of all numbers: the same seed and shape give the same arrays whatever the back end */
    const gru_pool *pool;
} rig_shape;

/* Gives `bytes` aligned to `alignment` as the library is to see them; *written is where the test writes the
 * same bytes. */
typedef struct rig_memory {
    void *(*place)(void *context, size_t bytes, size_t alignment, bool output, void **written);
    void *context;
} rig_memory;

/* An array as the test writes it and as the library sees it. `data` of what isn't there is NULL. */
typedef struct rig_floats {
    float *data;
    const float *seen;
    size_t count;
} rig_floats;

typedef struct rig {
    rig_shape shape;
    size_t directions, width;
    rig_floats w[2][3], u[2][3], bx[2][3], bh[2][3];
    rig_floats x, y, h0, h, reset, gates[3];
    size_t *lengths, *index;
    uint8_t *mask;
    gru_weights views[2];
    gru_layer *layer;
    gru_io io;
    void *workspace;
    size_t workspace_bytes;
} rig;

/* Makes everything up to the call. Without `memory` arrays are guarded (check.h) and the layer comes from the C library;
 * with it the layer is placed. A failure is reported, and `layer` is NULL. */
rig rig_make(const rig_shape *shape, const rig_memory *memory);

/* The call, once more if wanted: outputs are filled with NaN first, and so is the workspace. */
enum gru_status rig_run(rig *r, gru_error *error);

/* The call alone, for tests that watch it. */
enum gru_status rig_call(const rig *r);

void rig_free(rig *r);

/* Checks that all outputs have the same bits; false after a report. */
bool rig_same(const rig *got, const rig *want, const char *what);

/* A random variant with sizes from 1 to those given (steps and rows from 0). Tiers that the CPU lacks don't come up. */
rig_shape rig_random(const gru_backend *backend, size_t input, size_t hidden, size_t steps, size_t rows);

/* How long row b is. */
size_t rig_length(const rig *r, size_t b);

/* Where step t of row b of x, y or a gate begins. */
size_t rig_at(const rig *r, size_t t, size_t b, size_t width);

/* A shape in one line, for messages; valid until the next call. */
const char *rig_text(const rig_shape *shape);

#endif
