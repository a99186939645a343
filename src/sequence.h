/* SPDX-License-Identifier: BSD-2-Clause */
/* sequence.h: a run of one layer under way: where a direction's rows and steps stand, and what is done with them. */
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

/* Turns to a direction: its weights, where its rows stand in x, y and the gates, and what all its steps have in
 * common. */
void gru_direction_set(struct gru_sequence *q, size_t direction);

/* Zeros where its y and gates stand past a row's length. */
void gru_direction_clear(const struct gru_sequence *q);

/* Slice `slice` of 0 .. count - 1. */
void gru_sequence_slice(const struct gru_sequence *q, size_t count, size_t slice, size_t *first, size_t *end);

/* How many rows there are in all of these steps. */
size_t gru_sequence_rows(const struct gru_sequence *q, size_t start, size_t end);

/* Gives the rows their arrays, and each its first state; a row without steps is done with it. */
void gru_sequence_begin(struct gru_sequence *q, const struct gru_places *at);

/* Some steps of all rows. */
struct gru_block {
    size_t start, end;
    float *x, *ax; /* of these steps' rows */
};

/* Those from `start` on, so many at most, at the beginning of the run's x and ax. */
static inline struct gru_block gru_block_at(const struct gru_sequence *q, size_t start, size_t steps)
{
    return (struct gru_block){start, start + gru_least(steps, q->steps - start), q->x, q->ax};
}

/* Part `slice` of a block's rows of x: of its steps where they have one row each, else of each step's rows. */
void gru_block_gather(const struct gru_sequence *q, const struct gru_block *block, size_t slice);

/* The chains over x of some groups. */
void gru_block_product(const struct gru_sequence *q, const struct gru_block *block, size_t first, size_t end);

/* A pass of step `s` over some groups. */
void gru_block_step(const struct gru_sequence *q, const struct gru_block *block, size_t s, size_t pass, size_t first,
                    size_t end);

/* A whole block in one thread: x and the chains over it, unless the steps make these beside theirs; and the steps. */
void gru_block_inputs(const struct gru_sequence *q, const struct gru_block *block, int beside);
void gru_block_steps(const struct gru_sequence *q, const struct gru_block *block, int beside);

/* All steps, block after block, in one thread: no counting of phases, which takes divisions that small layers would
 * feel, and as many steps as go together in one call. */
void gru_sequence_alone(const struct gru_sequence *q);

#endif
