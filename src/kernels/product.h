/* SPDX-License-Identifier: BSD-2-Clause */
/* product.h: a packed matrix times rows, out of tiles: GEMV for one row, GEMM for several.
 *
 * A panel is the one to four groups of a tile, for all rows. Its weights are used by one tile of rows after the other,
 * and come from the second-level cache but for the first time. A panel of very many k is cut into blocks of k that fit
 * there beside the rows; between blocks the chains wait in `out`, to the bit as they were.
 *
 * Of a layer that is too large for that cache, the tiles of a block fetch the next one while they multiply, each a
 * part of its lines: at H = 1,024 a product of 64 rows goes from 67 to 87 % of the FMA peak, one of 16 rows from 41 to
 * 65; at H = 256, where the cache would hold either half of a layer alone, both take 2 to 6 % less time. All of it has
 * to be spread over as many tiles as there are. Lines that are fetched in a hurry keep the loads in between waiting
 * (two tiles of eight: 72 %), and where the weights are near anyway it only costs (3 to 9 %).
 *
 * Tried without gain: blocks for the first-level cache (what they save in loads they lose between tiles, a tenth at
 * 128 k).
 */
#ifndef GRU_KERNELS_PRODUCT_H
#define GRU_KERNELS_PRODUCT_H

#include "tile.h"

/* Floats of weights in a block: 96 KiB. */
enum { PANEL_BLOCK = 24576 };

/* How many groups from `first` on are whole and before `end`; a narrow last group goes alone in a panel. */
static inline size_t whole_groups(const struct gru_product *m, size_t first, size_t end)
{
    size_t whole = m->units / LANES;
    return whole < end ? (whole > first ? whole - first : 0) : end - first;
}

/* Whether a product fetches weights ahead, which the tiles of most rows do: fewer rows have no time for it. */
static inline int product_fetches(const struct gru_product *m, size_t rows)
{
    return rows >= TILE_ROWS && m->far;
}

/* The weights of group `at`; NULL if that is where the groups end. */
static inline const float *weights_at(const struct gru_product *m, size_t at, size_t end)
{
    return at < end ? m->weights + at * m->group_stride : NULL;
}

/* Which weights of the block at `next` tile number `tile` fetches, of `tiles`: a part of a group's. What it would fetch
 * beyond the group's end is lost or early. Returns whether anything is left for it. */
static inline int share_fetching(struct tile *t, size_t gates, size_t groups, const float *next, size_t tile,
                                 size_t tiles)
{
    const size_t step = gates * LANES * TILE_STEP, block = t->length / TILE_STEP * step;
    const size_t all = groups * step / GRU_LINE, share = (all + tiles - 1) / tiles * GRU_LINE;
    const size_t at = tile * (share * (t->length / TILE_STEP));
    if (at >= groups * block)
        return 0;
    t->fetch = next + at / block * t->group_stride + at % block;
    t->fetch_step = share;
    return 1;
}

/* Rows in tiles, for one block of k; where there is a block at `next`, they fetch that meanwhile. */
GRU_INLINE void panel_rows(const struct gru_product *m, size_t groups, size_t rows, struct tile *t, int first_block,
                           const int fetches, const float *next)
{
    const float *bias = t->start;
    const size_t most = tile_most_rows(m->gates, groups, rows, m->far);
    const size_t whole = fetches ? rows / most - (rows % most != 0) : 0; /* tiles of most rows, which come first */
    for (size_t n, tile = 0; rows; rows -= n, tile++) {
        n = tile_next_rows(most, rows);
        t->start = first_block ? bias : t->out;
        const int shares = fetches && tile < whole && share_fetching(t, m->gates, groups, next, tile, whole);
        t->tiles = shares ? 1 : tiles_alike(most, rows, n);
        tile_run(m->gates, groups, n, shares, t);
        n *= t->tiles;
        t->x += n * t->x_row;
        t->out += n * t->out_row;
    }
}

/* All chains of a panel: `groups` groups from `first` on, of all rows. */
GRU_INLINE void panel_blocks(const struct gru_product *m, size_t first, size_t groups, size_t rows, const float *x,
                             size_t x_row, float *out, size_t out_row, const int fetches, const float *next)
{
    struct tile t = {
        .weights = m->weights + first * m->group_stride,
        .group_stride = m->group_stride,
        .width = (first + 1) * LANES <= m->units ? LANES : m->units % LANES,
        .length = m->length,
        .start = m->bias + first * m->gates * LANES,
        .x = x,
        .x_row = x_row,
        .out = out,
        .out_row = out_row,
    };
    if (rows <= tile_most_rows(m->gates, groups, rows, m->far) || groups * m->group_stride <= PANEL_BLOCK) {
        panel_rows(m, groups, rows, &t, 1, fetches, next);
        return;
    }
    const size_t block = PANEL_BLOCK / (groups * m->gates * LANES * TILE_STEP) * TILE_STEP;
    for (size_t k = 0; k < m->length; k += block) {
        const float *next_block = t.weights + block * m->gates * t.width;
        const int last = m->length - k <= block;
        t.length = last ? m->length - k : block;
        t.x = x + k;
        t.out = out;
        panel_rows(m, groups, rows, &t, k == 0, fetches, last ? next : next_block);
        t.weights = next_block;
        t.start_row = out_row;
    }
}

/* Without fetching, and with: a panel of a small layer would feel the difference, which is some 30 instructions. */
static GRU_NOINLINE void panel(const struct gru_product *m, size_t first, size_t groups, size_t rows, const float *x,
                               size_t x_row, float *out, size_t out_row)
{
    panel_blocks(m, first, groups, rows, x, x_row, out, out_row, 0, NULL);
}

static GRU_NOINLINE void panel_fetching(const struct gru_product *m, size_t first, size_t groups, size_t rows,
                                        const float *x, size_t x_row, float *out, size_t out_row, const float *next)
{
    panel_blocks(m, first, groups, rows, x, x_row, out, out_row, 1, next);
}

static void product(const struct gru_product *m, size_t rows, const float *x, size_t x_row, size_t first, size_t end,
                    float *out, size_t out_row)
{
    const size_t tile = tile_rows(m->gates, rows, m->far);
    const int fetches = product_fetches(m, rows);
    for (size_t groups; rows && first < end; first += groups) {
        groups = tile_groups(m->gates, tile, whole_groups(m, first, end));
        const float *const next = fetches ? weights_at(m, first + groups, end) : NULL;
        float *to = out + first * m->gates * LANES;
        if (next)
            panel_fetching(m, first, groups, rows, x, x_row, to, out_row, next);
        else
            panel(m, first, groups, rows, x, x_row, to, out_row);
    }
    v_end();
}

#endif
