/* SPDX-License-Identifier: BSD-2-Clause */
/* step.h: a step of the recurrence: the recurrent chains of a tile, and at once its gate blocks, one tier (tier.h).
 *
 * The tile's sums pass from the product to the gate block through a few cache lines on the stack that never leave L1:
 * with their R x V blocks unrolled in registers each tile shape would need a copy of every activation.
 */
#include "cell.h"
#include "product.h"

typedef void TIERED(cell)(const struct gru_step *s, size_t row, size_t unit, const float *ax, const float *ah);

/* `cell` is a constant at each call, so that it is compiled in. */
GRU_INLINE void TIERED(step_groups)(const struct gru_step *s, const struct gru_product *m, const float *in,
                                    size_t ax_gates, TIERED(cell) *cell, size_t first, size_t end)
{
    float sums[TILE_ACCUMULATORS * LANES];
    const size_t gates = m->gates;
    size_t most = tile_rows(gates, s->rows);
    while (first < end) {
        size_t groups = tile_groups(gates, most, whole_groups(m, first, end));
        struct tile t = tile_at(m, first);
        t.x_row = s->cell->h_row;
        t.out = sums;
        t.out_row = groups * gates * LANES;
        for (size_t row = 0, n; row < s->rows; row += n) {
            n = tile_rows(gates, s->rows - row);
            t.x = in + row * s->cell->h_row;
            tile_run(gates, groups, n, &t);
            for (size_t r = 0; r < n; r++)
                for (size_t g = 0; g < groups; g++)
                    cell(s, row + r, (first + g) * LANES, s->ax + (row + r) * s->cell->ax_row + (first + g) * ax_gates * LANES,
                         sums + (r * groups + g) * gates * LANES);
        }
        first += groups;
    }
}

static void TIERED(step)(const struct gru_step *s, size_t first, size_t end)
{
    if (s->cell->reset == GRU_RESET_AFTER)
        TIERED(step_groups)(s, &s->cell->recurrent, s->h, 3, TIERED(cell_after), first, end);
    else
        TIERED(step_groups)(s, &s->cell->recurrent, s->h, 2, TIERED(cell_none), first, end);
}

static void TIERED(reset)(const struct gru_step *s, size_t first, size_t end)
{
    TIERED(step_groups)(s, &s->cell->recurrent, s->h, 3, TIERED(cell_reset), first, end);
}

static void TIERED(candidate)(const struct gru_step *s, size_t first, size_t end)
{
    TIERED(step_groups)(s, &s->cell->candidate, s->s, 3, TIERED(cell_before), first, end);
}
