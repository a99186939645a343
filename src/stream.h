/* SPDX-License-Identifier: BSD-2-Clause */
/* stream.h: one step of a batch of rows with none of the extras. */
#ifndef GRU_STREAM_H
#define GRU_STREAM_H

#include "run.h"

/* Whether a run is one step with none of the extras, and such a run. */
int gru_is_stream(const struct gru_layer *layer, const gru_io *io);
void gru_run_stream(const struct gru_layer *layer, const gru_io *io, const gru_state *state,
                    const struct gru_plan *plan, char *workspace);

#endif
