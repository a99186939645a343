/* SPDX-License-Identifier: BSD-2-Clause */
/* run.h: what all runs need of the caller's arrays. */
#ifndef GRU_RUN_H
#define GRU_RUN_H

#include "layer.h"
#include "plan.h"
#include "size.h"

/* Which of the caller's states is row `b`'s. */
static inline ptrdiff_t gru_state_number(const gru_io *io, size_t b)
{
    return (ptrdiff_t)(io->index ? io->index[b] : b);
}

/* How many steps all rows have together, and the longest one. */
static inline size_t gru_all_steps(const gru_io *io, size_t *longest)
{
    size_t all = 0;
    *longest = io->steps;
    if (!io->lengths)
        return io->steps * io->rows;
    *longest = 0;
    for (size_t b = 0; b < io->rows; b++) {
        all += io->lengths[b];
        *longest = gru_most(*longest, io->lengths[b]);
    }
    return all;
}

/* The first aligned byte of the caller's memory. Workspaces are a line longer than they need to be for this. */
static inline char *gru_align(void *memory)
{
    return (char *)gru_round_up((uintptr_t)memory, GRU_ALIGNMENT);
}

#endif
