/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * small_steps.h: steps of one row of at most four groups of units, with all sums in registers, one tier (tier.h).
 *
 * At sixteen units the chains of a step take 64 cycles and a gate block about 140, one after the other; the general
 * way from the one to the other, with its calls, its loops and its sums in memory, would take half as long again
 * (measured: steps of a sequence in 0.87 of the time at H = 16, 0.78 at H = 32, 0.91 at H = 64).
 *
 * In a sequence one group's chains over x go beside those over h and take no time of their own. Of two groups, U's
 * chains alone would take 4 cycles a k, and W's 3 as one product for many steps; but W's don't wait for the state, and
 * run while the gate blocks do (goes_beside in ways.c). Of three groups with the reset before, the candidate's three
 * chains take 4 cycles a k that have room for 5 FMAs more: W's of steps to come (ahead.h).
 */
#include "small.h"
#include "tiered.h"

#ifndef TILE_PLAIN

/* Whether a layer's steps are those here, unless more is wanted of them than new states, and whether a step is one of
 * them. Clips would cost other layers' steps up to 1.05 of the time with AVX2, which has few registers; a choice of
 * hard gates 0.98 to 1.02. */
static inline int TIERED(is_small_cell)(const struct gru_cell *cell)
{
    return TIERED(abreast) > 1 && !cell->clips && cell->groups <= 4 &&
           (cell->groups > 2 || cell->recurrent.units % LANES == 0);
}

static inline int TIERED(is_small)(const struct gru_step *s)
{
    return TIERED(is_small_cell)(s->cell) && s->rows == 1 && gru_step_is_bare(s);
}

/* The candidate's sums, three groups of them, and beside their chains those over x of steps to come. */
GRU_INLINE void TIERED(candidate_ahead)(const struct gru_step *s, vec *sums)
{
    _Alignas(GRU_ALIGNMENT) float row[3 * LANES];
    row_ahead(&s->cell->candidate, 0, 3, s->s, row, s->ahead);
    for (size_t i = 0; i < 3; i++)
        sums[i] = v_load(row + i * LANES);
}

/* From the sums on: the gate blocks, and where the reset comes before, the candidate's chains between them; beside
 * these its chains over x, if `late` is the matrix of those and not NULL. */
GRU_INLINE void TIERED(small_cells)(const struct gru_step *s, const enum gru_reset reset, const enum small_shape shape,
                                    vec *ax_sums, const vec *ah_sums, const struct gru_product *late, const float *x)
{
    const size_t n = (size_t)small_groups(shape);
    struct block b = small_block(s, ax_sums, ah_sums, small_input_gates(reset), small_gates(reset));
    if (reset == GRU_RESET_AFTER)
        TIERED(cell_after)(n, s, &b);
    else if (reset == GRU_RESET_NONE)
        TIERED(cell_none)(n, s, &b);
    else
        TIERED(cell_reset)(n, s, &b);
    if (reset != GRU_RESET_BEFORE)
        return;
    vec candidate[TILE_ACCUMULATORS];
    if (late)
        small_sums_part(2, 3, 1, shape, late, x, &s->cell->candidate, s->s, ax_sums, candidate);
    else if (shape == SMALL_THREE && ahead_goes_on(s->ahead))
        TIERED(candidate_ahead)(s, candidate);
    else
        small_sums(1, shape, &s->cell->candidate, 0, s->s, candidate);
    b = small_block(s, ax_sums, candidate, 3, 1);
    TIERED(cell_before)(n, s, &b);
}

GRU_INLINE void TIERED(small_steps)(struct gru_step *s, size_t count, const enum gru_reset reset, const int beside,
                                    const enum small_shape shape)
{
    struct gru_cell cell = small_cell(s->cell, shape);
    struct gru_step now = small_step(s, &cell);
    const struct gru_product *input = s->cell->beside;
    const float *x = s->x;
    cell.ax_row = s->cell->ax_row;
    now.ahead = s->ahead;
    const int GX = small_input_gates(reset), G = small_gates(reset);
    const size_t x_row = s->cell->x_row;
    for (; count; count--) {
        vec ax[TILE_ACCUMULATORS], ah[TILE_ACCUMULATORS];
        if (beside)
            small_sums_both(GX, G, shape, input, x, &cell.recurrent, now.h, 0, ax, ah);
        else
            small_sums(G, shape, &cell.recurrent, 0, now.h, ah);
        TIERED(small_cells)(&now, reset, shape, beside ? ax : NULL, ah, NULL, NULL);
        step_on(&now, count == 1);
        if (beside)
            x += x_row;
    }
    s->h = now.h;
    s->h_next = now.h_next;
}

/* Only one group or two have their chains over x beside those over h. */
GRU_INLINE void TIERED(steps_of_shape)(struct gru_step *s, size_t count, const enum small_shape shape)
{
    const int before = s->cell->reset == GRU_RESET_BEFORE, beside = shape < SMALL_THREE && s->x;
    if (beside && before)
        TIERED(small_steps)(s, count, GRU_RESET_BEFORE, 1, shape);
    else if (beside)
        TIERED(small_steps)(s, count, GRU_RESET_AFTER, 1, shape);
    else if (before)
        TIERED(small_steps)(s, count, GRU_RESET_BEFORE, 0, shape);
    else
        TIERED(small_steps)(s, count, GRU_RESET_AFTER, 0, shape);
}

GRU_INLINE void TIERED(steps_none)(struct gru_step *s, size_t count, const enum small_shape shape)
{
    if (shape < SMALL_THREE && s->x)
        TIERED(small_steps)(s, count, GRU_RESET_NONE, 1, shape);
    else
        TIERED(small_steps)(s, count, GRU_RESET_NONE, 0, shape);
}

/* A function for each shape, with a reset and without: in one for all of them gcc runs out of registers, and keeps
 * pointers in vectors. */
static GRU_NOINLINE void TIERED(steps_one)(struct gru_step *s, size_t count)
{
    TIERED(steps_of_shape)(s, count, SMALL_ONE);
}

static GRU_NOINLINE void TIERED(steps_one_padded)(struct gru_step *s, size_t count)
{
    TIERED(steps_of_shape)(s, count, SMALL_ONE_PADDED);
}

static GRU_NOINLINE void TIERED(steps_two)(struct gru_step *s, size_t count)
{
    TIERED(steps_of_shape)(s, count, SMALL_TWO);
}

static GRU_NOINLINE void TIERED(steps_two_padded)(struct gru_step *s, size_t count)
{
    TIERED(steps_of_shape)(s, count, SMALL_TWO_PADDED);
}

static GRU_NOINLINE void TIERED(steps_three)(struct gru_step *s, size_t count)
{
    TIERED(steps_of_shape)(s, count, SMALL_THREE);
}

static GRU_NOINLINE void TIERED(steps_four)(struct gru_step *s, size_t count)
{
    TIERED(steps_of_shape)(s, count, SMALL_FOUR);
}

static GRU_NOINLINE void TIERED(steps_none_one)(struct gru_step *s, size_t count)
{
    TIERED(steps_none)(s, count, SMALL_ONE);
}

static GRU_NOINLINE void TIERED(steps_none_one_padded)(struct gru_step *s, size_t count)
{
    TIERED(steps_none)(s, count, SMALL_ONE_PADDED);
}

static GRU_NOINLINE void TIERED(steps_none_two)(struct gru_step *s, size_t count)
{
    TIERED(steps_none)(s, count, SMALL_TWO);
}

static GRU_NOINLINE void TIERED(steps_none_two_padded)(struct gru_step *s, size_t count)
{
    TIERED(steps_none)(s, count, SMALL_TWO_PADDED);
}

static GRU_NOINLINE void TIERED(steps_none_three)(struct gru_step *s, size_t count)
{
    TIERED(steps_none)(s, count, SMALL_THREE);
}

static GRU_NOINLINE void TIERED(steps_none_four)(struct gru_step *s, size_t count)
{
    TIERED(steps_none)(s, count, SMALL_FOUR);
}

static void (*const TIERED(steps_by_shape)[])(struct gru_step *s, size_t count) = {
    [SMALL_ONE] = TIERED(steps_one),     [SMALL_ONE_PADDED] = TIERED(steps_one_padded),
    [SMALL_TWO] = TIERED(steps_two),     [SMALL_TWO_PADDED] = TIERED(steps_two_padded),
    [SMALL_THREE] = TIERED(steps_three), [SMALL_FOUR] = TIERED(steps_four),
};

static void (*const TIERED(steps_none_by_shape)[])(struct gru_step *s, size_t count) = {
    [SMALL_ONE] = TIERED(steps_none_one),     [SMALL_ONE_PADDED] = TIERED(steps_none_one_padded),
    [SMALL_TWO] = TIERED(steps_none_two),     [SMALL_TWO_PADDED] = TIERED(steps_none_two_padded),
    [SMALL_THREE] = TIERED(steps_none_three), [SMALL_FOUR] = TIERED(steps_none_four),
};

#endif

/* Does what is small enough, and says whether it was. */
GRU_INLINE int TIERED(steps_were_small)(struct gru_step *s, size_t count)
{
#ifndef TILE_PLAIN
    if (!TIERED(is_small)(s))
        return 0;
    if (s->cell->reset == GRU_RESET_NONE)
        TIERED(steps_none_by_shape)[small_shape_of(s->cell->units)](s, count);
    else
        TIERED(steps_by_shape)[small_shape_of(s->cell->units)](s, count);
    return 1;
#else
    return (void)s, (void)count, 0;
#endif
}
