/* SPDX-License-Identifier: BSD-2-Clause */
/* step.h: steps of the recurrence: the recurrent chains of a panel, and at once its gate blocks, one tier (tier.h).
 *
 * The sums pass from the product to the gate block through some cache lines on the stack that never leave the
 * first-level cache: to keep them in registers, each shape of tile would need a copy of every activation.
 */
#include "cell.h"
#include "row.h"

/* Rows that go through a panel together: more of them would not share its weights any better. */
#ifndef STEP_ROWS
#define STEP_ROWS (8 * TILE_ROWS)
#endif

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

/* The caller's state, cleaned, or zeros. */
GRU_INLINE void clean_state(float *h, const float *h0, size_t units)
{
    if (h0)
        clean_row(h, h0, units, 1);
    else
        for (size_t unit = 0; unit < units; unit += LANES)
            v_store(h + unit, v_set1(0.0f));
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
        TIERED(cell_hold)(n, s, b);
    else if (kind == CELLS_RESET)
        TIERED(cell_reset)(n, s, b);
    else if (kind == CELLS_BEFORE)
        TIERED(cell_before)(n, s, b);
    else
        TIERED(cell_last)(n, s, b);
}

/* `count` gate blocks along the rows or along the groups, from a row and a unit on, with sums ah_step floats apart. */
typedef void TIERED(cells)(const struct gru_step *s, int along_rows, size_t row, size_t unit, size_t count,
                           const float *ah, size_t ah_step);

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
static inline TIERED(cells) * TIERED(first_cells)(const struct gru_cell *cell)
{
    return cell->reset == GRU_RESET_AFTER  ? TIERED(cells_after)
           : cell->reset == GRU_RESET_NONE ? TIERED(cells_none)
                                           : TIERED(cells_reset);
}

/* The gate blocks of a panel, whose `sums` are [row][group][gate][lane]. They go along the rows, unless those are
 * few. */
static void TIERED(cells_of_panel)(const struct gru_step *s, TIERED(cells) * cells, size_t gates, size_t row,
                                   size_t rows, size_t first, size_t groups, const float *sums)
{
    const size_t group = gates * LANES;
    if (rows < ABREAST)
        for (size_t r = 0; r < rows; r++)
            cells(s, 0, row + r, first * LANES, groups, sums + r * groups * group, group);
    else
        for (size_t g = 0; g < groups; g++)
            cells(s, 1, row, (first + g) * LANES, rows, sums + g * group, groups * group);
}

/* The input's chains that the gate blocks of a panel will add: in large layers they have left the caches since they
 * were made, and lie too far apart for a CPU to see them coming. */
static inline void TIERED(fetch_ax)(const struct gru_step *s, size_t row, size_t rows, size_t first, size_t groups)
{
    const size_t gates = s->cell->ax_gates;
    for (size_t r = row; r < row + rows; r++) {
        const float *ax = s->ax + r * s->cell->ax_row + first * LANES * gates;
        for (size_t i = 0; i < groups * LANES * gates; i += GRU_LINE)
            fetch_soon(ax + i);
    }
}

/* A panel of all rows; where there are weights at `next`, they are fetched meanwhile. */
static void TIERED(step_panel)(const struct gru_step *s, const struct gru_product *m, const float *in,
                               TIERED(cells) * cells, size_t first, size_t groups, int fetches, const float *next)
{
    /* No tile has more than TILE_ACCUMULATORS vectors, and none but a chunk's last two has less than half its rows. */
    _Alignas(GRU_ALIGNMENT) float sums[2 * STEP_ROWS / TILE_ROWS * TILE_ACCUMULATORS * LANES];
    const size_t gates = m->gates, h_row = s->cell->h_row;
    for (size_t row = 0, n; row < s->rows; row += n) {
        n = s->rows - row < STEP_ROWS ? s->rows - row : STEP_ROWS;
        const float *x = in + row * h_row;
        if (fetches)
            TIERED(fetch_ax)(s, row, n, first, groups);
        if (next && row == 0)
            panel_fetching(m, first, groups, n, x, h_row, sums, groups * gates * LANES, next);
        else
            panel(m, first, groups, n, x, h_row, sums, groups * gates * LANES);
        TIERED(cells_of_panel)(s, cells, gates, row, n, first, groups, sums);
    }
}

/* Groups first .. end - 1 of all rows. */
static void TIERED(step_groups)(const struct gru_step *s, const struct gru_product *m, const float *in,
                                TIERED(cells) * cells, size_t first, size_t end)
{
    const size_t tile = tile_rows(m->gates, s->rows, m->far);
    const int fetches = product_fetches(m, s->rows);
    for (size_t groups; first < end; first += groups) {
        groups = tile_groups(m->gates, tile, whole_groups(m, first, end));
        const float *const next = fetches ? weights_at(m, first + groups, end) : NULL;
        TIERED(step_panel)(s, m, in, cells, first, groups, fetches, next);
    }
}

/* The same from the last group to the first. */
static void TIERED(step_groups_backward)(const struct gru_step *s, const struct gru_product *m, const float *in,
                                         TIERED(cells) * cells, size_t first, size_t end)
{
    const size_t tile = tile_rows(m->gates, s->rows, m->far), whole = m->units / LANES;
    const int fetches = product_fetches(m, s->rows);
    size_t groups = end > whole ? 1 : tile_groups(m->gates, tile, end - first);
    for (size_t next; first < end; groups = next) {
        end -= groups;
        next = tile_groups(m->gates, tile, end - first);
        TIERED(step_panel)(s, m, in, cells, end, groups, fetches,
                           fetches && first < end ? weights_at(m, end - next, end) : NULL);
    }
}

/* The same of one row: the sums of at least ABREAST groups, as far as there are that many, then their gate blocks. */
static void TIERED(step_row)(const struct gru_step *s, const struct gru_product *m, const float *in,
                             TIERED(cells) * cells, size_t first, size_t end)
{
    _Alignas(GRU_ALIGNMENT) float sums[ROW_SUMS * LANES];
    const size_t sums_step = m->gates * LANES;
    for (size_t groups; first < end; first += groups) {
        groups = 0;
        do
            groups += row(m, first + groups, end, in, sums + groups * sums_step);
        while (groups < ABREAST && first + groups < end);
        cells(s, 0, 0, first * LANES, groups, sums, sums_step);
    }
}

/* The same where every other step goes backward, with smaller pieces at both ends, which the next step finds in the
 * caches. Sums that wait for their gate blocks lie from the array's start on, or, backward, before its end. */
static void TIERED(step_row_turning)(const struct gru_step *s, const struct gru_product *m, const float *in,
                                     TIERED(cells) * cells, size_t first, size_t end)
{
    _Alignas(GRU_ALIGNMENT) float sums[ROW_SUMS * LANES];
    const size_t sums_step = m->gates * LANES;
    size_t held = 0;
    for (size_t left = end - first, n; left; left -= n) {
        n = row_piece(m, left, left == end - first);
        const size_t at = s->backward ? first + left - n : end - left;
        float *const to = s->backward ? sums + ROW_SUMS * LANES - (held + n) * sums_step : sums + held * sums_step;
        row_groups_of(m, at, at + n, in, to);
        held += n;
        if (held >= ABREAST || n == left) {
            cells(s, 0, 0, (s->backward ? at : at + n - held) * LANES, held, s->backward ? to : sums, sums_step);
            held = 0;
        }
    }
}

static void TIERED(step_cells)(const struct gru_step *s, const struct gru_product *m, const float *in,
                               TIERED(cells) * cells, size_t first, size_t end)
{
    if (s->rows == 1 && !m->turns)
        TIERED(step_row)(s, m, in, cells, first, end);
    else if (s->rows == 1)
        TIERED(step_row_turning)(s, m, in, cells, first, end);
    else if (m->turns && s->backward)
        TIERED(step_groups_backward)(s, m, in, cells, first, end);
    else
        TIERED(step_groups)(s, m, in, cells, first, end);
}

/* z's sums, where its matrix stands apart and comes first. */
static void TIERED(step_apart)(const struct gru_step *s, size_t first, size_t end)
{
    if (z_stands_apart(s) && !z_comes_last(s))
        TIERED(step_cells)(s, &s->cell->apart, s->h, TIERED(cells_hold), first, end);
}

/* All of a step, or its first half where the reset comes before. */
static void TIERED(step_first)(const struct gru_step *s, size_t first, size_t end)
{
    TIERED(step_apart)(s, first, end);
    TIERED(step_cells)(s, &s->cell->recurrent, s->h, TIERED(first_cells)(s->cell), first, end);
}

/* The second half. */
static void TIERED(step_candidate)(const struct gru_step *s, size_t first, size_t end)
{
    TIERED(cells) *const cells = z_comes_last(s)     ? TIERED(cells_hold)
                                 : z_stands_apart(s) ? TIERED(cells_last)
                                                     : TIERED(cells_before);
    TIERED(step_cells)(s, &s->cell->candidate, s->s, cells, first, end);
    if (z_comes_last(s))
        TIERED(step_cells)(s, &s->cell->apart, s->h, TIERED(cells_last), first, end);
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

#include "small.h"

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
