/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stream.c: one step of a batch of rows with none of the extras.
 *
 * The same kernels on the same numbers as in sequence.c, without what a sequence needs around them, since a stream asks
 * for one step over and over. (One row has a kernel of its own, which run.c calls.)
 */
#include "stream.h"

#include <string.h>

int gru_is_stream(const struct gru_layer *layer, const gru_io *io)
{
    if (io->steps != 1 || layer->directions != 1 || io->lengths || io->reset_mask || layer->faint)
        return 0;
    return !gru_is_cut(gru_plan_cut(layer, io->pool, 1, io->rows));
}

void gru_run_stream(const struct gru_layer *layer, const gru_io *io, const gru_state *state,
                    const struct gru_plan *plan, char *workspace)
{
    const gru_backend *backend = layer->backend;
    const struct gru_half *half = &layer->half[0];
    float *x = (float *)(workspace + plan->rows.x), *ax = (float *)(workspace + plan->rows.ax);
    float *h = (float *)(workspace + plan->rows.h[0]);
    ptrdiff_t *y_offset = (ptrdiff_t *)(workspace + plan->y_offset);
    ptrdiff_t *gate_offset = (ptrdiff_t *)(workspace + plan->gate_offset);
    size_t hidden = layer->desc.hidden, padded = layer->groups * backend->lanes;

    backend->clean(x, layer->x_row, io->x, io->x_row, io->rows, layer->desc.input);
    for (size_t row = 0; row < io->rows; row++) {
        float *to = h + row * layer->h_row;
        if (state->h0)
            backend->clean(to, 0, state->h0 + gru_state_number(io, row) * state->h0_row, 0, 1, hidden);
        else
            memset(to, 0, hidden * sizeof(float));
        for (size_t pad = hidden; pad < padded; pad++)
            to[pad] = 0.0f;
        /* As in direction.c these may wrap round, where the array isn't wanted. */
        y_offset[row] = (ptrdiff_t)(row * (size_t)io->y_row);
        gate_offset[row] = (ptrdiff_t)(row * (size_t)state->gates_row);
    }
    struct gru_step now = {
        .cell = &half->cell,
        .rows = io->rows,
        .h = h,
        .h_next = (float *)(workspace + plan->rows.h[1]),
        .s = (float *)(workspace + plan->rows.s),
        .z = (float *)(workspace + plan->rows.z),
        .ax = ax,
        .y = io->y,
        .y_offset = y_offset,
        .backward = (int)(io->steps_before % 2),
        .gate_out = {state->gates[0], state->gates[1], state->gates[2]},
        .gate_offset = gate_offset,
    };
    backend->product(&half->input, io->rows, x, layer->x_row, 0, layer->groups, ax, layer->ax_row);
    backend->steps[layer->desc.tier](&now, 1);
    for (size_t row = 0; state->h && row < io->rows; row++)
        memcpy(state->h + gru_state_number(io, row) * state->h_row, now.h + row * layer->h_row, hidden * sizeof(float));
}
