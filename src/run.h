/* SPDX-License-Identifier: BSD-2-Clause */
/* run.h: a checked run of one layer, for gru_run and for stacks. */
#ifndef GRU_RUN_H
#define GRU_RUN_H

#include "layer.h"
#include "plan.h"
#include "size.h"

/* Runs a layer. Everything has been checked; `workspace` is aligned and has the bytes of `plan`, which is that of the
 * io's steps and rows. io->state isn't looked at: `state` is the layer's. */
void gru_run_checked(const struct gru_layer *layer, const gru_io *io, const gru_state *state,
                     const struct gru_plan *plan, char *workspace);

/* Whether a run is one step with none of the extras, and such a run. */
int gru_is_stream(const struct gru_layer *layer, const gru_io *io);
void gru_run_stream(const struct gru_layer *layer, const gru_io *io, const gru_state *state,
                    const struct gru_plan *plan, char *workspace);

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
