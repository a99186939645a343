/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * piece.h: three or four groups of a larger layer's step of one row, with their sums in registers on the way from the
 * chains over h to the gate blocks, one tier; after small.h (tier.h).
 *
 * What small_steps.h does for layers of so many groups, for a part of a layer with the reset after, with the tile
 * of small.h: 6.1 cycles a k by loads where the first-level cache has the weights, else their bytes. Sequences with
 * AVX2 take 0.95 of the time at H = 48 and 56, 0.97 at H = 64 and 0.98 to 0.99 beyond, with AVX-512 0.98 at H = 72 and
 * 0.96 at H = 80; lone steps 0.97 to 0.99 with AVX2, 0.94 to 0.97 from H = 72 to 96 with AVX-512.
 *
 * Tried without gain: the gate blocks alone without what most layers have no need of, their sums in memory (1.00 to
 * 1.02).
 */
#include "small.h"
#include "tiered.h"

#ifndef TILE_PLAIN

/* The gate blocks of `n` groups; without ax_sums their sums over x lie in memory. */
GRU_INLINE void TIERED(piece_cells)(const size_t n, const struct gru_step *s, size_t first, const vec *ax_sums,
                                    const vec *ah_sums)
{
    const struct gru_cell cell = {
        .gates = s->cell->gates,
        .update = s->cell->update,
        .hard_alpha = s->cell->hard_alpha,
        .hard_beta = s->cell->hard_beta,
        .units = s->cell->units,
    };
    const struct gru_step now = small_step(s, &cell);
    struct block b = small_block(&now, ax_sums, ah_sums, 3, 3);
    b.unit = first * LANES;
    b.ax += b.unit * 3;
    TIERED(cell_after)(n, &now, &b);
}

GRU_INLINE void TIERED(piece_of_shape)(const struct gru_step *s, size_t first, const enum small_shape shape)
{
    vec ah[TILE_ACCUMULATORS];
    small_sums(3, shape, &s->cell->recurrent, first, s->h, ah);
    TIERED(piece_cells)((size_t)small_groups(shape), s, first, NULL, ah);
}

static GRU_NOINLINE void TIERED(piece)(const struct gru_step *s, size_t first, size_t groups)
{
    if (groups == 3)
        TIERED(piece_of_shape)(s, first, SMALL_THREE);
    else
        TIERED(piece_of_shape)(s, first, SMALL_FOUR);
}

#endif

/* What makes a step's pieces; NULL: nothing does. */
static inline piece_kernel *TIERED(piece_of)(const struct gru_step *s)
{
#ifndef TILE_PLAIN
    if (TIERED(abreast) > 1 && !s->cell->clips && s->cell->reset == GRU_RESET_AFTER && gru_step_is_bare(s))
        return TIERED(piece);
#endif
    (void)s;
    return NULL;
}
