/* SPDX-License-Identifier: BSD-2-Clause */
/* step.h: steps of the recurrence: the recurrent chains of a panel, and at once its gate blocks, one tier (tier.h).
 *
 * The sums pass from the product to the gate block through some cache lines on the stack that never leave the first-level
 * cache: to keep them in registers, each shape of tile would need a copy of every activation.
 */
#include "cell.h"
#include "pair.h"

/* Rows that go through a panel together: more of them would not share its weights any better. */
#ifndef STEP_ROWS
#define STEP_ROWS (8 * TILE_ROWS)
#endif

#ifndef GRU_KERNELS_SUMS
#define GRU_KERNELS_SUMS

/* The sums of a panel, [row][group][gate][lane], and whose they are. */
struct sums {
    const float *at;
    size_t row, rows;
    size_t first, groups;
    size_t gates;
};

#endif

typedef void TIERED(cell)(const size_t n, const struct gru_step *s, const struct block *b);
typedef void TIERED(cells)(const struct gru_step *s, const struct sums *sums);

/* `count` gate blocks in a line. */
GRU_INLINE void TIERED(cell_line)(const struct gru_step *s, struct block b, size_t count, TIERED(cell) * cell)
{
    for (size_t n; count; count -= n) {
        if (count >= ABREAST) {
            n = ABREAST;
            cell(ABREAST, s, &b);
        } else {
            n = 1;
            cell(1, s, &b);
        }
        b.row += n * b.row_step;
        b.unit += n * b.unit_step;
        b.ax += n * b.ax_step;
        b.ah += n * b.ah_step;
    }
}

/* The gate blocks of a panel: along the rows or along the groups, of whichever there are more. `cell` is a constant at each
 * call, so that it is compiled in. */
GRU_INLINE void TIERED(cell_all)(const struct gru_step *s, const struct sums *sums, size_t ax_gates,
                                 TIERED(cell) * cell)
{
    const size_t ax_row = s->cell->ax_row, ax_group = ax_gates * LANES, ah_group = sums->gates * LANES;
    const int along_rows = sums->rows >= sums->groups;
    struct block b = {
        .row_step = along_rows ? 1 : 0,
        .unit_step = along_rows ? 0 : LANES,
        .ax_step = along_rows ? ax_row : ax_group,
        .ah_step = along_rows ? sums->groups * ah_group : ah_group,
    };
    const size_t lines = along_rows ? sums->groups : sums->rows;
    for (size_t line = 0; line < lines; line++) {
        size_t r = along_rows ? 0 : line, g = along_rows ? line : 0;
        b.row = sums->row + r;
        b.unit = (sums->first + g) * LANES;
        b.ax = s->ax + b.row * ax_row + (sums->first + g) * ax_group;
        b.ah = sums->at + (r * sums->groups + g) * ah_group;
        TIERED(cell_line)(s, b, along_rows ? sums->rows : sums->groups, cell);
    }
}

/* One of these for each kind of gate block: their code is the bulk of a back end, and stands there once. */
static GRU_NOINLINE void TIERED(cells_after)(const struct gru_step *s, const struct sums *sums)
{
    TIERED(cell_all)(s, sums, 3, TIERED(cell_after));
}

static GRU_NOINLINE void TIERED(cells_none)(const struct gru_step *s, const struct sums *sums)
{
    TIERED(cell_all)(s, sums, 2, TIERED(cell_none));
}

static GRU_NOINLINE void TIERED(cells_reset)(const struct gru_step *s, const struct sums *sums)
{
    TIERED(cell_all)(s, sums, 3, TIERED(cell_reset));
}

static GRU_NOINLINE void TIERED(cells_before)(const struct gru_step *s, const struct sums *sums)
{
    TIERED(cell_all)(s, sums, 3, TIERED(cell_before));
}

static GRU_NOINLINE void TIERED(step_groups)(const struct gru_step *s, const struct gru_product *m, const float *in,
                                             TIERED(cells) * cells, size_t first, size_t end)
{
    /* No tile has more than TILE_ACCUMULATORS vectors, and none but a chunk's last two has less than half its rows. */
    _Alignas(GRU_ALIGNMENT) float sums[2 * STEP_ROWS / TILE_ROWS * TILE_ACCUMULATORS * LANES];
    const size_t gates = m->gates, h_row = s->cell->h_row;
    const size_t tile = tile_rows(gates, s->rows);
    for (size_t groups; first < end; first += groups) {
        groups = tile_groups(gates, tile, whole_groups(m, first, end));
        for (size_t row = 0, n; row < s->rows; row += n) {
            n = s->rows - row < STEP_ROWS ? s->rows - row : STEP_ROWS;
            panel(m, first, groups, n, in + row * h_row, h_row, sums, groups * gates * LANES);
            cells(s, &(struct sums){sums, row, n, first, groups, gates});
        }
    }
}

static void TIERED(step_after)(const struct gru_step *s, size_t first, size_t end)
{
    TIERED(step_groups)(s, &s->cell->recurrent, s->h, TIERED(cells_after), first, end);
}

static void TIERED(step_none)(const struct gru_step *s, size_t first, size_t end)
{
    TIERED(step_groups)(s, &s->cell->recurrent, s->h, TIERED(cells_none), first, end);
}

static void TIERED(step_reset)(const struct gru_step *s, size_t first, size_t end)
{
    TIERED(step_groups)(s, &s->cell->recurrent, s->h, TIERED(cells_reset), first, end);
}

static void TIERED(step_candidate)(const struct gru_step *s, size_t first, size_t end)
{
    TIERED(step_groups)(s, &s->cell->candidate, s->s, TIERED(cells_before), first, end);
}

static void TIERED(step)(const struct gru_step *s, size_t first, size_t end)
{
    if (s->cell->reset == GRU_RESET_AFTER)
        TIERED(step_after)(s, first, end);
    else
        TIERED(step_none)(s, first, end);
    v_end();
}

static void TIERED(reset)(const struct gru_step *s, size_t first, size_t end)
{
    TIERED(step_reset)(s, first, end);
    v_end();
}

static void TIERED(candidate)(const struct gru_step *s, size_t first, size_t end)
{
    TIERED(step_candidate)(s, first, end);
    v_end();
}

static void TIERED(steps)(struct gru_step *s, size_t count)
{
    const size_t groups = s->cell->groups;
    for (; count; count--) {
        if (s->cell->reset == GRU_RESET_AFTER) {
            TIERED(step_after)(s, 0, groups);
        } else if (s->cell->reset == GRU_RESET_NONE) {
            TIERED(step_none)(s, 0, groups);
        } else {
            TIERED(step_reset)(s, 0, groups);
            TIERED(step_candidate)(s, 0, groups);
        }
        float *h = s->h;
        s->h = s->h_next;
        s->h_next = h;
        if (count == 1)
            break; /* a stride that leads nowhere may be of any size */
        s->ax += s->rows * s->cell->ax_row;
        s->y_shift += s->y_step;
        s->gate_shift += s->gate_step;
    }
    v_end();
}

/* All groups of a step alone: both products of a few groups, then their gate blocks. */
static void TIERED(stream_groups)(const struct gru_stream *stream, size_t ax_gates, TIERED(cells) * cells)
{
    _Alignas(GRU_ALIGNMENT) float sums[TILE_ACCUMULATORS * LANES];
    const struct gru_step *s = &stream->step;
    const struct gru_product *m = &s->cell->recurrent;
    for (size_t first = 0, n; first < s->cell->groups; first += n) {
        n = pair(stream->input, m, first, stream->x_room, s->h, s->ax + first * ax_gates * LANES, sums);
        cells(s, &(struct sums){sums, 0, 1, first, n, m->gates});
    }
}

static void TIERED(stream)(const struct gru_stream *stream)
{
    const struct gru_step *s = &stream->step;
    const size_t hidden = s->cell->units;
    clean_rows(stream->x_room, stream->x, stream->input->length, 1);
    if (stream->h0)
        clean_rows(s->h, stream->h0, hidden, 1);
    else
        for (size_t unit = 0; unit < hidden; unit += LANES)
            v_store(s->h + unit, v_set1(0.0f));
    if (s->cell->reset == GRU_RESET_AFTER) {
        TIERED(stream_groups)(stream, 3, TIERED(cells_after));
    } else if (s->cell->reset == GRU_RESET_NONE) {
        TIERED(stream_groups)(stream, 2, TIERED(cells_none));
    } else {
        TIERED(stream_groups)(stream, 3, TIERED(cells_reset));
        TIERED(step_candidate)(s, 0, s->cell->groups);
    }
    if (stream->h_out)
        for (size_t unit = 0; unit < hidden; unit += LANES)
            v_store_upto(stream->h_out + unit, v_load(s->h_next + unit), hidden - unit);
    v_end();
}
