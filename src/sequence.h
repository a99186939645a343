/* SPDX-License-Identifier: BSD-2-Clause */
/* sequence.h: a run of one layer, and how far it is. */
#ifndef GRU_SEQUENCE_H
#define GRU_SEQUENCE_H

#include "run.h"

struct gru_sequence {
    const struct gru_layer *layer;
    const struct gru_half *half;
    const gru_io *io;
    const gru_state *state;
    const struct gru_plan *plan;
    char *workspace;
    size_t *order;
    size_t *lengths;
    ptrdiff_t *x_offset, *y_offset, *gate_offset;
    float *x, *ax, *h[2];
    size_t direction;
    int reverse;
    ptrdiff_t x_step, y_step, gate_step; /* from a row's step to its next one */
    size_t rows;
    size_t steps;  /* of the longest row */
    size_t passes; /* phases of a step */
    struct gru_cut cut;
    struct gru_step base; /* what is the same in all steps of this direction */
};

/* Runs a layer. Everything has been checked; `workspace` is aligned and has the bytes of `plan`, which is that of the
 * io's steps and rows. io->state isn't looked at: `state` is the layer's. */
void gru_sequence_run(const struct gru_layer *layer, const gru_io *io, const gru_state *state,
                      const struct gru_plan *plan, char *workspace);

#endif
