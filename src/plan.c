/* SPDX-License-Identifier: BSD-2-Clause */
/* plan.c: how a run cuts its steps into blocks, and where each of its arrays lies in the workspace. */
#include "plan.h"

#include "phases.h"
#include "size.h"

/* Floats of a cache line, and of the distance between rows beyond their own width: with rows a power of two apart, a
 * column of eight of them would fall into one set of the first-level cache. */
enum { LINE = GRU_ALIGNMENT / sizeof(float) };

static size_t row_floats(size_t width)
{
    return (width + LINE - 1) / LINE * LINE + LINE;
}

/* The next array of the workspace: its offset, and the total moved behind it. */
static size_t take(struct gru_plan *plan, size_t count, size_t element)
{
    size_t at = plan->bytes;
    plan->bytes += (count * element + GRU_ALIGNMENT - 1) / GRU_ALIGNMENT * GRU_ALIGNMENT;
    return at;
}

static void set_strides(struct gru_plan *plan, const struct gru_layer *layer)
{
    size_t padded = layer->groups * layer->backend->lanes;
    plan->x_row = row_floats(layer->desc.input);
    plan->ax_row = padded * layer->half[0].input.gates;
    plan->h_row = row_floats(padded);
}

size_t gru_plan_max_rows(const struct gru_layer *layer)
{
    /* Each row of the batch has at most one row of each array, and five indices; a block has at most GRU_BLOCK_ROWS rows
     * more than the batch. A quarter of the address range leaves room for rounding and for the phases' state. */
    struct gru_plan plan;
    set_strides(&plan, layer);
    size_t row_bytes = (plan.x_row + plan.ax_row + 4 * plan.h_row) * sizeof(float) + 5 * sizeof(size_t);
    return (size_t)PTRDIFF_MAX / 2 / row_bytes - GRU_BLOCK_ROWS;
}

void gru_plan_make(struct gru_plan *plan, const struct gru_layer *layer, size_t steps, size_t rows)
{
    size_t block = rows && rows < GRU_BLOCK_ROWS ? GRU_BLOCK_ROWS / rows : 1;
    plan->block_steps = steps < block ? steps : block;
    plan->slices = layer->groups < GRU_MAX_SLICES ? layer->groups : GRU_MAX_SLICES;
    plan->bytes = 0;
    set_strides(plan, layer);
    plan->order = take(plan, rows, sizeof(size_t));
    plan->lengths = take(plan, rows, sizeof(size_t));
    plan->x_offset = take(plan, rows, sizeof(ptrdiff_t));
    plan->y_offset = take(plan, rows, sizeof(ptrdiff_t));
    plan->gate_offset = take(plan, rows, sizeof(ptrdiff_t));
    plan->x = take(plan, plan->block_steps * rows * plan->x_row, sizeof(float));
    plan->ax = take(plan, plan->block_steps * rows * plan->ax_row, sizeof(float));
    size_t states = rows * plan->h_row;
    plan->h[0] = take(plan, states, sizeof(float));
    plan->h[1] = take(plan, states, sizeof(float));
    if (layer->desc.reset == GRU_RESET_BEFORE) {
        plan->s = take(plan, states, sizeof(float));
        plan->z = take(plan, states, sizeof(float));
    }
    plan->phases = take(plan, gru_phases_bytes(plan->slices), 1);
}
