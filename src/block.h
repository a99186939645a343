/* SPDX-License-Identifier: BSD-2-Clause */
/* block.h: what is done with a run's rows: their first states, and blocks of steps, whole or cut. */
#ifndef GRU_BLOCK_H
#define GRU_BLOCK_H

#include "sequence.h"

/* Slice `slice` of 0 .. count - 1. */
void gru_block_slice(const struct gru_sequence *q, size_t count, size_t slice, size_t *first, size_t *end);

/* How many rows there are in all of these steps. */
size_t gru_block_rows(const struct gru_sequence *q, size_t start, size_t end);

/* Gives the rows their arrays, and each its first state; a row without steps is done with it. */
void gru_block_begin(struct gru_sequence *q, const struct gru_places *at);

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

/* The same, but its rows come after so many others in the run's x and ax. */
static inline struct gru_block gru_block_behind(const struct gru_sequence *q, struct gru_block block, size_t rows)
{
    block.x += rows * q->layer->x_row;
    block.ax += rows * q->layer->ax_row;
    return block;
}

/* Chunk `c` of those of so many steps whose inputs go ahead of them: two, which take turns, have room in a block's x
 * and ax. */
static inline struct gru_block gru_block_chunk(const struct gru_sequence *q, size_t c, size_t steps)
{
    return gru_block_behind(q, gru_block_at(q, c * steps, steps), c % 2 * steps * q->rows);
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
void gru_block_all(const struct gru_sequence *q);

#endif
