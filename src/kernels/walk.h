/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * walk.h: how a step goes through the groups of units: some groups' recurrent chains, and at once their gate blocks.
 *
 * The sums pass from the product to the gate blocks through some cache lines on the stack that never leave the
 * first-level cache: to keep them in registers, each shape of tile would need a copy of every activation. (Where that
 * pays, piece.h is that copy.)
 */
#ifndef GRU_KERNELS_WALK_H
#define GRU_KERNELS_WALK_H

#include "ahead.h"

/* Rows that go through a panel together: more of them would not share its weights any better. */
enum { STEP_ROWS = 8 * TILE_ROWS };

/* `count` gate blocks along the rows or along the groups, from a row and a unit on, with sums ah_step floats apart. */
typedef void cells_kernel(const struct gru_step *s, int along_rows, size_t row, size_t unit, size_t count,
                          const float *ah, size_t ah_step);

/* Three or four groups' recurrent chains and gate blocks at once (piece.h). */
typedef void piece_kernel(const struct gru_step *s, size_t first, size_t groups);

/* How the gate blocks of a matrix are made, and in steps of one row some groups' chains and gate blocks at once; NULL:
 * never. */
struct cells {
    cells_kernel *of_sums;
    piece_kernel *piece;
};

/* The gate blocks of a panel, whose `sums` are [row][group][gate][lane]. They go along the rows, unless those are
 * few. */
static void cells_of_panel(const struct gru_step *s, cells_kernel *cells, size_t gates, size_t row, size_t rows,
                           size_t first, size_t groups, const float *sums)
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
static inline void fetch_ax(const struct gru_step *s, size_t row, size_t rows, size_t first, size_t groups)
{
    const size_t gates = s->cell->ax_gates;
    for (size_t r = row; r < row + rows; r++) {
        const float *ax = s->ax + r * s->cell->ax_row + first * LANES * gates;
        for (size_t i = 0; i < groups * LANES * gates; i += GRU_LINE)
            fetch_soon(ax + i);
    }
}

/* A panel of all rows; where there are weights at `next`, they are fetched meanwhile. */
static void step_panel(const struct gru_step *s, const struct gru_product *m, const float *in, cells_kernel *cells,
                       size_t first, size_t groups, int fetches, const float *next)
{
    /* No tile has more than TILE_ACCUMULATORS vectors, and none but a chunk's last two has less than half its rows. */
    _Alignas(GRU_ALIGNMENT) float sums[2 * STEP_ROWS / TILE_ROWS * TILE_ACCUMULATORS * LANES];
    const size_t gates = m->gates, h_row = s->cell->h_row;
    for (size_t row = 0, n; row < s->rows; row += n) {
        n = s->rows - row < STEP_ROWS ? s->rows - row : STEP_ROWS;
        const float *x = in + row * h_row;
        if (fetches)
            fetch_ax(s, row, n, first, groups);
        if (next && row == 0)
            panel_fetching(m, first, groups, n, x, h_row, sums, groups * gates * LANES, next);
        else
            panel(m, first, groups, n, x, h_row, sums, groups * gates * LANES);
        cells_of_panel(s, cells, gates, row, n, first, groups, sums);
    }
}

/* Groups first .. end - 1 of all rows. */
static void step_groups(const struct gru_step *s, const struct gru_product *m, const float *in, cells_kernel *cells,
                        size_t first, size_t end)
{
    const size_t tile = tile_rows(m->gates, s->rows, m->far);
    const int fetches = product_fetches(m, s->rows);
    for (size_t groups; first < end; first += groups) {
        groups = tile_groups(m->gates, tile, whole_groups(m, first, end));
        const float *const next = fetches ? weights_at(m, first + groups, end) : NULL;
        step_panel(s, m, in, cells, first, groups, fetches, next);
    }
}

/* The same from the last group to the first. */
static void step_groups_backward(const struct gru_step *s, const struct gru_product *m, const float *in,
                                 cells_kernel *cells, size_t first, size_t end)
{
    const size_t tile = tile_rows(m->gates, s->rows, m->far), whole = m->units / LANES;
    const int fetches = product_fetches(m, s->rows);
    size_t groups = end > whole ? 1 : tile_groups(m->gates, tile, end - first);
    for (size_t next; first < end; groups = next) {
        end -= groups;
        next = tile_groups(m->gates, tile, end - first);
        step_panel(s, m, in, cells, end, groups, fetches,
                   fetches && first < end ? weights_at(m, end - next, end) : NULL);
    }
}

/* How many groups of `left` go together as pieces: four, and six as two threes, whose chains wait less for their FMAs
 * than two groups' would. */
static inline size_t piece_groups(size_t left)
{
    return left > 6 ? 4 : left == 6 ? 3 : left;
}

/* Whether so many groups are a piece. */
static inline int is_piece(const struct cells *cells, size_t groups)
{
    return cells->piece && (groups == 3 || groups == 4);
}

/* The same of one row: the sums of at least ABREAST groups, as far as there are that many, then their gate blocks. */
static void step_row(const struct gru_step *s, const struct gru_product *m, const float *in, const struct cells *cells,
                     size_t first, size_t end)
{
    _Alignas(GRU_ALIGNMENT) float sums[ROW_SUMS * LANES];
    const size_t sums_step = m->gates * LANES;
    for (size_t groups; first < end; first += groups) {
        groups = piece_groups(end - first);
        if (is_piece(cells, groups)) {
            cells->piece(s, first, groups);
            continue;
        }
        groups = 0;
        do
            groups += row_some(m, first + groups, end, in, sums + groups * sums_step);
        while (groups < ABREAST && first + groups < end);
        cells->of_sums(s, 0, 0, first * LANES, groups, sums, sums_step);
    }
}

/* How many of `left` groups go together with a tile of chains over x to come; 0: none. Where a walk turns, the pieces
 * at both ends go without, if the first-level cache keeps them (sequences of H = 96 take 0.96 of the time, H = 112 and
 * 128 0.98; but without reset, where larger layers' are kept, H = 136 and 144 1.05, 192 1.08). A narrow group, the
 * first one of a walk backward or the last of another, goes with others, without. */
static inline size_t piece_ahead(const struct gru_step *s, const struct gru_product *m, size_t left, int narrow,
                                 int backward, int begins)
{
    const int stays = m->turns && m->gates == 3 && row_end_stays(m);
    const size_t last = stays ? row_end(m, 4) : narrow && !backward ? 2 : 0;
    if (!ahead_goes_on(s->ahead) || left <= last || (begins && (stays || (narrow && backward))))
        return 0;
    return ahead_groups(m->gates, left - last, last);
}

/* The same where every other step goes backward, with smaller pieces at both ends, which the next step finds in the
 * caches; or where steps make chains over x to come. Sums that wait for their gate blocks lie from the array's start
 * on, or, backward, before its end. */
static void step_row_turning(const struct gru_step *s, const struct gru_product *m, const float *in,
                             const struct cells *cells, size_t first, size_t end)
{
    _Alignas(GRU_ALIGNMENT) float sums[ROW_SUMS * LANES];
    const size_t sums_step = m->gates * LANES;
    const int backward = m->turns && s->backward;
    size_t held = 0;
    for (size_t left = end - first, n; left; left -= n) {
        const int begins = left == end - first;
        const size_t ahead = piece_ahead(s, m, left, end > m->units / LANES, backward, begins);
        n = ahead ? ahead : row_piece(m, left, begins);
        const size_t at = backward ? first + left - n : end - left;
        if (!ahead && !held && is_piece(cells, n)) {
            cells->piece(s, at, n);
            continue;
        }
        float *const to = backward ? sums + ROW_SUMS * LANES - (held + n) * sums_step : sums + held * sums_step;
        if (ahead)
            row_ahead(m, at, n, in, to, s->ahead);
        else
            row_groups_of(m, at, at + n, in, to);
        held += n;
        if (held >= ABREAST || n == left) {
            cells->of_sums(s, 0, 0, (backward ? at : at + n - held) * LANES, held, backward ? to : sums, sums_step);
            held = 0;
        }
    }
}

static void step_cells(const struct gru_step *s, const struct gru_product *m, const float *in,
                       const struct cells *cells, size_t first, size_t end)
{
    if (s->rows == 1 && !m->turns && !ahead_goes_on(s->ahead))
        step_row(s, m, in, cells, first, end);
    else if (s->rows == 1)
        step_row_turning(s, m, in, cells, first, end);
    else if (m->turns && s->backward)
        step_groups_backward(s, m, in, cells->of_sums, first, end);
    else
        step_groups(s, m, in, cells->of_sums, first, end);
}

#endif
