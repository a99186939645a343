/* SPDX-License-Identifier: BSD-2-Clause */
/* step.h: a step of the recurrence: the recurrent chains of a panel, and at once its gate blocks, one tier (tier.h).
 *
 * The sums pass from the product to the gate block through some cache lines on the stack that never leave the first-level
 * cache: to keep them in registers, each shape of tile would need a copy of every activation.
 */
#include "cell.h"
#include "product.h"

typedef void TIERED(cell)(const struct gru_step *s, size_t row, size_t unit, const float *ax, const float *ah);

/* Rows that go through a panel together: more of them would not share its weights any better. */
#ifndef STEP_ROWS
#define STEP_ROWS (8 * TILE_ROWS)
#endif

/* `cell` is a constant at each call, so that it is compiled in. */
GRU_INLINE void TIERED(step_groups)(const struct gru_step *s, const struct gru_product *m, const float *in,
                                    size_t ax_gates, TIERED(cell) * cell, size_t first, size_t end)
{
    /* No tile has more than TILE_ACCUMULATORS vectors, and none but a chunk's last two has less than half its rows. */
    _Alignas(GRU_ALIGNMENT) float sums[2 * STEP_ROWS / TILE_ROWS * TILE_ACCUMULATORS * LANES];
    const size_t gates = m->gates, h_row = s->cell->h_row, ax_row = s->cell->ax_row;
    const size_t tile = tile_rows(gates, s->rows);
    for (size_t groups; first < end; first += groups) {
        groups = tile_groups(gates, tile, whole_groups(m, first, end));
        for (size_t row = 0, n; row < s->rows; row += n) {
            n = s->rows - row < STEP_ROWS ? s->rows - row : STEP_ROWS;
            panel(m, first, groups, n, in + row * h_row, h_row, sums, groups * gates * LANES);
            for (size_t r = 0; r < n; r++)
                for (size_t g = 0; g < groups; g++)
                    cell(s, row + r, (first + g) * LANES, s->ax + (row + r) * ax_row + (first + g) * ax_gates * LANES,
                         sums + (r * groups + g) * gates * LANES);
        }
    }
}

static void TIERED(step)(const struct gru_step *s, size_t first, size_t end)
{
    if (s->cell->reset == GRU_RESET_AFTER)
        TIERED(step_groups)(s, &s->cell->recurrent, s->h, 3, TIERED(cell_after), first, end);
    else
        TIERED(step_groups)(s, &s->cell->recurrent, s->h, 2, TIERED(cell_none), first, end);
    v_end();
}

static void TIERED(reset)(const struct gru_step *s, size_t first, size_t end)
{
    TIERED(step_groups)(s, &s->cell->recurrent, s->h, 3, TIERED(cell_reset), first, end);
    v_end();
}

static void TIERED(candidate)(const struct gru_step *s, size_t first, size_t end)
{
    TIERED(step_groups)(s, &s->cell->candidate, s->s, 3, TIERED(cell_before), first, end);
    v_end();
}
