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

/* The first aligned byte of the caller's memory. Workspaces are a line longer than they need to be for this. */
static inline char *gru_align(void *memory)
{
    return (char *)gru_round_up((uintptr_t)memory, GRU_ALIGNMENT);
}

#endif
