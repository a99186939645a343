/* SPDX-License-Identifier: BSD-2-Clause */
/* activations_tier.h: libgru's gate block of the tier TIER, over arrays and as a chain; once for each in
 * activations_block.h. */
#include "../src/kernels/cell.h"

#include <string.h>

/* As many groups side by side as in a step. What kind of layer it is only the back end's caller knows, as there. */
static void TIERED(own_block)(size_t count, const float *x, float *y)
{
    const size_t units = count / BLOCK_VALUES, side_by_side = TIERED(abreast);
    const struct gru_step step = {.cell = activations_cell, .rows = 1, .h = (float *)x + 6 * units, .h_next = y};
    for (size_t unit = 0; unit < units; unit += side_by_side * LANES) {
        const struct block block = {
            .unit = unit,
            .unit_step = LANES,
            .ax = x + 3 * unit,
            .ah = x + 3 * (units + unit),
            .ax_step = 3 * LANES,
            .ah_step = 3 * LANES,
        };
        TIERED(cell_after)(side_by_side, &step, &block);
    }
}

/* As many as units in own_block, of one vector each, of which each waits for the one before: r's sum has the state in it,
 * stored and loaded again, as a step's product has. */
static void TIERED(own_chain)(size_t count, const float *x, float *y)
{
    const struct gru_step step = {.cell = activations_cell, .rows = 1, .h = y, .h_next = y};
    const struct block block = {.ax = x, .ah = y};
    memset(y, 0, 3 * LANES * sizeof *y);
    for (size_t left = count / BLOCK_VALUES; left; left--)
        TIERED(cell_after)(1, &step, &block);
}

#undef TIER
