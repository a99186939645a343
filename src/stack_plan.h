/* SPDX-License-Identifier: BSD-2-Clause */
/* stack_plan.h: how a run of a stack cuts its steps into chunks, and where each of its arrays lies in the workspace. */
#ifndef GRU_STACK_PLAN_H
#define GRU_STACK_PLAN_H

#include <stddef.h>

#include "gru.h"

/* Arrays of one size: where the first begins in the workspace, and how far the next one is. */
struct gru_arrays {
    size_t at, stride;
};

/* Layers that go side by side have each its own of what otherwise all use in turn. Offsets are in bytes from the
 * workspace's first aligned byte, where the state of gru_wave_run stands. */
struct gru_stack_plan {
    int wave;                  /* whether layers go side by side */
    size_t chunk;              /* steps */
    struct gru_arrays between; /* outputs of a chunk for the layer above: two that take turns */
    struct gru_arrays states;  /* of all layers: [layer][direction][row][hidden] */
    struct gru_arrays lengths; /* size_t [rows]: what is left of each row in a chunk */
    struct gru_arrays inner;   /* the workspace of a layer's run */
    size_t bytes;
};

/* Floats of a layer's states. */
size_t gru_stack_state_floats(const gru_layer *layer, size_t rows);

/* The plan for so many steps and rows with that pool (NULL: none). Its bytes are enough for any other, and for fewer
 * steps or rows; 0 if they fit in no memory. */
int gru_stack_plan_make(struct gru_stack_plan *plan, const gru_layer *const *layers, size_t count, const gru_pool *pool,
                        size_t steps, size_t rows);

#endif
