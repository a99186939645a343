/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ahead.h: chains over x of steps to come, beside those over h of a step of one row.
 *
 *                       U (r z n), three groups                  W (r z n), one group
 *          h[k]   acc acc acc  acc acc acc  acc acc acc
 *                                                        x[0][j]     acc acc acc
 *                                                          ...           ...
 *                                                        x[5][j]     acc acc acc
 *
 * Where U comes from the second-level cache, its chains leave the FMA units idle for half of the time or more. W's
 * chains of the next chunk of steps need no state, and go through them meanwhile, one tile after the other: two k of U
 * go with one j of W, so that a step of as many inputs as units makes W's chains for one step, or a few more.
 *
 * Per 8 k and 4 j that is 72 FMAs of each, 72 cycles of two units, and 110 loads, 74 of them of U, 55 cycles. But a
 * line that comes into the first-level cache keeps loads out of it for most of a cycle (a model that fits: 0.8), so
 * that 84 lines and 110 loads take some 120 cycles, in place of the 135 of both by themselves.
 *
 * Without reset it is two gates, eight rows of x, and four groups of U: 64 FMAs of each.
 */
#ifndef GRU_KERNELS_AHEAD_H
#define GRU_KERNELS_AHEAD_H

#include "row.h"

/* Rows of a tile, where W has three gates, and two. */
enum { AHEAD_THREE = AHEAD_SUMS / 3, AHEAD_TWO = AHEAD_SUMS / 2 < TILE_ROWS ? AHEAD_SUMS / 2 : TILE_ROWS };

/* Whether there is a tile that a step may make. */
static inline int ahead_goes_on(const struct gru_ahead *a)
{
    return AHEAD_SUMS > 0 && a && a->group < a->input->units / LANES && a->row + a->tile <= a->rows;
}

/* How many groups of so many gates go together, of `left`, with a tile beside them, if `last` more come after those; 0:
 * none. Of one gate no group is left alone, which would wait for each of its FMAs (H = 96 and 144 take 0.96 of the
 * time). Before two that follow, four of five: gate blocks go by fours. */
static inline size_t ahead_groups(size_t gates, size_t left, size_t last)
{
    if (gates == 3)
        return left == 2 || left == 4 ? 2 : left >= 3 ? 3 : 0;
    if (gates == 2)
        return left >= 4 && left != 5 ? 4 : left >= 3 ? 3 : 0;
    if (left == 5 && last)
        return 4;
    return left >= 12 ? 8 : left > 8 ? left - 4 : left >= 4 ? left : 0;
}

#ifndef TILE_PLAIN

/* What is left of the tile at which the chains are. */
static inline struct tile ahead_tile(const struct gru_ahead *a)
{
    const struct gru_product *const w = a->input;
    const size_t gates = w->gates, column = a->group * gates * LANES;
    float *const out = a->ax + a->row * a->ax_row + column;
    return (struct tile){
        .tiles = 1,
        .weights = w->weights + a->group * w->group_stride + a->k * gates * LANES,
        .width = LANES,
        .length = w->length - a->k,
        .start = a->k ? out : w->bias + column,
        .start_row = a->k ? a->ax_row : 0,
        .x = a->x + a->row * a->x_row + a->k,
        .x_row = a->x_row,
        .out = out,
        .out_row = a->ax_row,
    };
}

/* The rest of a tile by itself, and on to the next one. */
static GRU_NOINLINE void ahead_finish(struct gru_ahead *a)
{
    if (a->k < a->input->length) {
        const struct tile t = ahead_tile(a);
        tile_run(a->input->gates, 1, a->tile, 0, &t);
    }
    a->k = 0;
    a->row += a->tile;
    if (a->row + a->tile > a->rows) {
        a->row = 0;
        a->group++;
    }
}

/* So many inputs further, of all R rows of a tile. */
GRU_INLINE void ahead_step(const int GX, const int R, const float *const *w, const struct tile *t, const float **threes,
                           vec *acc)
{
    inputs x[TILE_ROWS];
    GRU_UNROLL
    for (int r = 0; r < R; r++)
        x[r] = v_inputs(threes[r / 3] + (size_t)(r % 3) * t->x_row);
    GRU_UNROLL
    for (int i = 0; i < TILE_STEP; i++)
        tile_multiply(GX, 1, R, LANES, w, x, i, acc);
}

/* V groups of U, of G gates, and beside them a tile of W, of GX. */
GRU_INLINE void chains_ahead(const int GX, const int G, const int V, const struct chains *m, struct gru_ahead *a)
{
    const int R = GX == 3 ? AHEAD_THREE : AHEAD_TWO;
    const struct tile t = ahead_tile(a);
    vec acc[TILE_ACCUMULATORS], ahead[TILE_ACCUMULATORS];
    const float *u[8], *w = t.weights, *threes[] = {t.x, t.x + 3 * t.x_row, t.x + 6 * t.x_row};
    size_t k = 0, j = 0;
    chains_start(G, V, m, u, acc);
    tile_start(GX, R, t.start, t.start_row, ahead);
    for (; k + 4 * TILE_STEP <= m->length && j + 2 * TILE_STEP <= t.length; j += 2 * TILE_STEP) {
        GRU_UNROLL
        for (int i = 0; i < 2; i++) {
            chains_four(G, V, LANES, m->x + k, u, acc);
            ahead_step(GX, R, &w, &t, threes, ahead);
            k += 4;
            w += TILE_STEP * GX * LANES;
            GRU_UNROLL
            for (int r = 0; r < 3; r++)
                threes[r] += TILE_STEP;
        }
    }
    tile_store(GX, R, t.out, t.out_row, ahead);
    a->k += j;
    for (; k + 4 <= m->length; k += 4)
        chains_four(G, V, LANES, m->x + k, u, acc);
    chains_rest(G, V, LANES, m, k, u, acc);
    chains_store(V * G, m, acc);
    /* For a few inputs that are left, as of any layer whose I = H isn't a multiple of eight, a call would be wasted. */
    if (a->input->length - a->k < 4 * TILE_STEP)
        ahead_finish(a);
}

#endif

/* `groups` groups from `first` on, which are whole, as ahead_groups says. */
static GRU_NOINLINE void row_ahead(const struct gru_product *m, size_t first, size_t groups, const float *h, float *out,
                                   struct gru_ahead *a)
{
#ifdef TILE_PLAIN
    (void)m, (void)first, (void)groups, (void)h, (void)out, (void)a;
#else
    const struct chains chains = chains_of(m, first, h, out);
    if (a->input->gates == 2 && groups == 4)
        chains_ahead(2, 2, 4, &chains, a);
    else if (a->input->gates == 2)
        chains_ahead(2, 2, 3, &chains, a);
    else if (m->gates == 3 && groups == 3)
        chains_ahead(3, 3, 3, &chains, a);
    else if (m->gates == 3)
        chains_ahead(3, 3, 2, &chains, a);
    else if (m->gates == 2 && groups == 4)
        chains_ahead(3, 2, 4, &chains, a);
    else if (m->gates == 2)
        chains_ahead(3, 2, 3, &chains, a);
    else if (groups == 8)
        chains_ahead(3, 1, 8, &chains, a);
    else if (groups == 7)
        chains_ahead(3, 1, 7, &chains, a);
    else if (groups == 6)
        chains_ahead(3, 1, 6, &chains, a);
    else if (groups == 5)
        chains_ahead(3, 1, 5, &chains, a);
    else if (groups == 4)
        chains_ahead(3, 1, 4, &chains, a);
    else
        chains_ahead(3, 1, 3, &chains, a);
#endif
}

#endif
