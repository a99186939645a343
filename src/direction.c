/* SPDX-License-Identifier: BSD-2-Clause */
/* direction.c: one direction of a run: where its rows and steps stand in the caller's arrays. */
#include "direction.h"

#include <string.h>

#include "order.h"

/* How far a row's step is from the first one of all, and a stride the other way. A stride that no element is reached by
 * may be anything, so that these may wrap round; where the value is used it is the right one. */
static ptrdiff_t offset(size_t row, ptrdiff_t row_stride, size_t step, ptrdiff_t step_stride)
{
    return (ptrdiff_t)(row * (size_t)row_stride + step * (size_t)step_stride);
}

static ptrdiff_t turned(ptrdiff_t stride)
{
    return (ptrdiff_t)(0 - (size_t)stride);
}

/* Where each row's step 0 stands, and how far apart steps are. Steps are added up over the whole run, so that the
 * strides of an array that isn't wanted count as zero. */
static void set_offsets(struct gru_sequence *q)
{
    const gru_io *io = q->io;
    const gru_state *state = q->state;
    int y_reverse = q->reverse && !io->reversed_output;
    ptrdiff_t y_step = io->y ? io->y_step : 0;
    q->x_offset = (ptrdiff_t *)(q->workspace + q->plan->x_offset);
    q->y_offset = (ptrdiff_t *)(q->workspace + q->plan->y_offset);
    q->gate_offset = (ptrdiff_t *)(q->workspace + q->plan->gate_offset);
    ptrdiff_t gate_step = state->gates[GRU_R] || state->gates[GRU_Z] || state->gates[GRU_N] ? state->gates_step : 0;
    q->x_step = q->reverse ? turned(io->x_step) : io->x_step;
    q->y_step = y_reverse ? turned(y_step) : y_step;
    q->gate_step = y_reverse ? turned(gate_step) : gate_step;
    for (size_t row = 0; row < io->rows; row++) {
        size_t b = q->order[row], last = q->lengths[row] - 1;
        q->x_offset[row] = offset(b, io->x_row, q->reverse ? last : 0, io->x_step);
        q->y_offset[row] = offset(b, io->y_row, y_reverse ? last : 0, y_step);
        q->gate_offset[row] = offset(b, state->gates_row, y_reverse ? last : 0, gate_step);
    }
}

static void set_base(struct gru_sequence *q)
{
    const gru_desc *desc = &q->layer->desc;
    ptrdiff_t d = (ptrdiff_t)q->direction;
    ptrdiff_t y_direction = q->io->y_direction ? q->io->y_direction : (ptrdiff_t)desc->hidden;
    int summed = desc->merge == GRU_MERGE_SUM;
    struct gru_step *base = &q->base;
    base->cell = &q->half->cell;
    base->x = NULL;
    base->ahead = NULL;
    base->y = q->io->y ? q->io->y + (summed ? 0 : d * y_direction) : NULL;
    base->y_offset = q->y_offset;
    base->y_step = q->y_step;
    base->gate_step = q->gate_step;
    base->y_add = summed && d == 1;
    base->gate_offset = q->gate_offset;
    for (int g = 0; g < 3; g++)
        base->gate_out[g] = q->state->gates[g] ? q->state->gates[g] + d * q->state->gates_direction : NULL;
}

void gru_direction_set(struct gru_sequence *q, size_t direction)
{
    q->half = &q->layer->half[direction];
    q->direction = direction;
    q->reverse = direction == 1 || q->layer->desc.direction == GRU_REVERSE;
    set_offsets(q);
    set_base(q);
}

/* Step by step, or row by row where that is how they lie in memory. */
static void clear_rest(const struct gru_sequence *q, float *to, ptrdiff_t step_stride, ptrdiff_t row_stride)
{
    const size_t bytes = q->layer->desc.hidden * sizeof(float), rows = q->io->rows, steps = q->io->steps;
    if (gru_magnitude(step_stride) < gru_magnitude(row_stride)) {
        for (size_t row = 0; row < rows; row++)
            for (size_t t = q->lengths[row]; t < steps; t++)
                memset(to + (ptrdiff_t)t * step_stride + (ptrdiff_t)q->order[row] * row_stride, 0, bytes);
        return;
    }
    for (size_t t = q->lengths[rows - 1]; t < steps; t++)
        for (size_t row = gru_order_alive(q->lengths, rows, t); row < rows; row++)
            memset(to + (ptrdiff_t)t * step_stride + (ptrdiff_t)q->order[row] * row_stride, 0, bytes);
}

void gru_direction_clear(const struct gru_sequence *q)
{
    if (!q->io->lengths)
        return;
    if (q->base.y && !q->base.y_add)
        clear_rest(q, q->base.y, q->io->y_step, q->io->y_row);
    for (int g = 0; g < 3; g++)
        if (q->base.gate_out[g])
            clear_rest(q, q->base.gate_out[g], q->state->gates_step, q->state->gates_row);
}
