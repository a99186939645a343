/* SPDX-License-Identifier: BSD-2-Clause */
/* step.h: steps of the recurrence, one tier (tier.h): what walk.h takes, with the gate blocks of each kind of step. */
#include "cell.h"
#include "walk.h"

#ifndef GRU_KERNELS_STEP_ON
#define GRU_KERNELS_STEP_ON

/* The kinds of gate block. */
enum cells_kind { CELLS_AFTER, CELLS_NONE, CELLS_HOLD, CELLS_RESET, CELLS_BEFORE, CELLS_LAST };

GRU_INLINE void step_on(struct gru_step *s, int last)
{
    gru_step_turn(s);
    if (!last)
        gru_step_move(s);
}

/* The new state to the caller's second place; it goes to the first straight from the gate blocks. */
GRU_INLINE void copy_state(float *to, const float *h, size_t units)
{
    for (size_t unit = 0; unit < units; unit += LANES)
        v_store_upto(to + unit, v_load(h + unit), units - unit);
}

#endif

/* Chosen by a constant: through a pointer to the function, clang 14 and 16 compile it in too late to unroll its
 * loops. */
GRU_INLINE void TIERED(cell)(const enum cells_kind kind, const size_t n, const struct gru_step *s,
                             const struct block *b)
{
    if (kind == CELLS_AFTER)
        TIERED(cell_after)(n, s, b);
    else if (kind == CELLS_NONE)
        TIERED(cell_none)(n, s, b);
    else if (kind == CELLS_HOLD)
        cell_hold(n, s, b);
    else if (kind == CELLS_RESET)
        TIERED(cell_reset)(n, s, b);
    else if (kind == CELLS_BEFORE)
        TIERED(cell_before)(n, s, b);
    else
        TIERED(cell_last)(n, s, b);
}

/* `kind` is a constant at each call, so that its gate block is compiled in. The block is made here and not by the
 * caller: a struct that has just been stored word by word is loaded again in larger pieces, which wait for the
 * words. */
GRU_INLINE void TIERED(cell_line)(const struct gru_step *s, int along_rows, size_t row, size_t unit, size_t count,
                                  const float *ah, size_t ah_step, const enum cells_kind kind)
{
    const size_t ax_gates = s->cell->ax_gates, ax_row = s->cell->ax_row;
    struct block b = {
        .row = row,
        .unit = unit,
        .row_step = along_rows ? 1 : 0,
        .unit_step = along_rows ? 0 : LANES,
        .ax = s->ax + row * ax_row + unit * ax_gates,
        .ah = ah,
        .ax_step = along_rows ? ax_row : LANES * ax_gates,
        .ah_step = ah_step,
    };
    for (size_t n; count; count -= n) {
        if (TIERED(abreast) > 1 && count >= ABREAST) {
            n = ABREAST;
            TIERED(cell)(kind, ABREAST, s, &b);
        } else if (TIERED(abreast) > 1 && count > 1) {
            n = 2;
            TIERED(cell)(kind, 2, s, &b);
        } else {
            n = 1;
            TIERED(cell)(kind, 1, s, &b);
        }
        b.row += n * b.row_step;
        b.unit += n * b.unit_step;
        b.ax += n * b.ax_step;
        b.ah += n * b.ah_step;
    }
}

/* One of these for each kind of gate block: their code is the bulk of a back end, and stands there once. (One function
 * that is told the kind takes 2 % more time in small layers, and compilers make four of it.) */
static GRU_NOINLINE void TIERED(cells_after)(const struct gru_step *s, int along_rows, size_t row, size_t unit,
                                             size_t count, const float *ah, size_t ah_step)
{
    TIERED(cell_line)(s, along_rows, row, unit, count, ah, ah_step, CELLS_AFTER);
}

static GRU_NOINLINE void TIERED(cells_none)(const struct gru_step *s, int along_rows, size_t row, size_t unit,
                                            size_t count, const float *ah, size_t ah_step)
{
    TIERED(cell_line)(s, along_rows, row, unit, count, ah, ah_step, CELLS_NONE);
}

static GRU_NOINLINE void TIERED(cells_hold)(const struct gru_step *s, int along_rows, size_t row, size_t unit,
                                            size_t count, const float *ah, size_t ah_step)
{
    TIERED(cell_line)(s, along_rows, row, unit, count, ah, ah_step, CELLS_HOLD);
}

static GRU_NOINLINE void TIERED(cells_reset)(const struct gru_step *s, int along_rows, size_t row, size_t unit,
                                             size_t count, const float *ah, size_t ah_step)
{
    TIERED(cell_line)(s, along_rows, row, unit, count, ah, ah_step, CELLS_RESET);
}

static GRU_NOINLINE void TIERED(cells_before)(const struct gru_step *s, int along_rows, size_t row, size_t unit,
                                              size_t count, const float *ah, size_t ah_step)
{
    TIERED(cell_line)(s, along_rows, row, unit, count, ah, ah_step, CELLS_BEFORE);
}

static GRU_NOINLINE void TIERED(cells_last)(const struct gru_step *s, int along_rows, size_t row, size_t unit,
                                            size_t count, const float *ah, size_t ah_step)
{
    TIERED(cell_line)(s, along_rows, row, unit, count, ah, ah_step, CELLS_LAST);
}

/* Those of the chains over h. Where the reset comes before, cells_before follows, of those over s. */
static inline cells_kernel *TIERED(first_cells)(const struct gru_cell *cell)
{
    return cell->reset == GRU_RESET_AFTER  ? TIERED(cells_after)
           : cell->reset == GRU_RESET_NONE ? TIERED(cells_none)
                                           : TIERED(cells_reset);
}

#include "piece.h"

/* z's sums, where its matrix stands apart and comes first. */
static void TIERED(step_apart)(const struct gru_step *s, size_t first, size_t end)
{
    const struct cells cells = {.of_sums = TIERED(cells_hold)};
    if (z_stands_apart(s) && !z_comes_last(s))
        step_cells(s, &s->cell->apart, s->h, &cells, first, end);
}

/* All of a step, or its first half where the reset comes before. */
static void TIERED(step_first)(const struct gru_step *s, size_t first, size_t end)
{
    const struct cells cells = {
        .of_sums = TIERED(first_cells)(s->cell),
        .piece = TIERED(piece_of)(s),
    };
    TIERED(step_apart)(s, first, end);
    step_cells(s, &s->cell->recurrent, s->h, &cells, first, end);
}

/* The second half. */
static void TIERED(step_candidate)(const struct gru_step *s, size_t first, size_t end)
{
    const struct cells cells = {
        .of_sums = z_comes_last(s)     ? TIERED(cells_hold)
                   : z_stands_apart(s) ? TIERED(cells_last)
                                       : TIERED(cells_before),
    };
    step_cells(s, &s->cell->candidate, s->s, &cells, first, end);
    if (z_comes_last(s))
        step_cells(s, &s->cell->apart, s->h, &(struct cells){.of_sums = TIERED(cells_last)}, first, end);
}

static void TIERED(step)(const struct gru_step *s, size_t first, size_t end)
{
    TIERED(step_first)(s, first, end);
    v_end();
}

static void TIERED(candidate)(const struct gru_step *s, size_t first, size_t end)
{
    TIERED(step_candidate)(s, first, end);
    v_end();
}

#include "small_steps.h"

static void TIERED(steps)(struct gru_step *s, size_t count)
{
    const size_t groups = s->cell->groups;
    if (TIERED(steps_were_small)(s, count))
        count = 0;
    for (; count; count--) {
        TIERED(step_first)(s, 0, groups);
        if (s->cell->reset == GRU_RESET_BEFORE)
            TIERED(step_candidate)(s, 0, groups);
        step_on(s, count == 1);
    }
    v_end();
}
