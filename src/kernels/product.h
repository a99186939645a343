/* SPDX-License-Identifier: BSD-2-Clause */
/* product.h: a packed matrix times rows, out of tiles: GEMV for one row, GEMM for several.
 *
 * A panel is the one to four groups of a tile, for all rows. Its weights are used by one tile of rows after the other,
 * and come from the second-level cache but for the first time. A panel of very many k is cut into blocks of k that fit
 * there beside the rows; between blocks the chains wait in `out`, to the bit as they were.
 *
 * Tried without gain: blocks for the first-level cache (what they save in loads they lose between tiles, a tenth at
 * 128 k), and fetching the next panel ahead, all at once or spread over the tiles.
 */
#ifndef GRU_KERNELS_PRODUCT_H
#define GRU_KERNELS_PRODUCT_H

#include "tile.h"

/* Floats of weights in a block: 192 KiB. */
enum { PANEL_BLOCK = 49152 };

/* How many groups from `first` on are whole and before `end`; a narrow last group goes alone. */
static inline size_t whole_groups(const struct gru_product *m, size_t first, size_t end)
{
    size_t whole = m->units / LANES;
    return whole < end ? (whole > first ? whole - first : 0) : end - first;
}

/* Rows in tiles, for one block of k. */
static inline void panel_rows(const struct gru_product *m, size_t groups, size_t rows, struct tile *t, int first_block)
{
    const float *bias = t->start;
    for (size_t n; rows; rows -= n) {
        n = tile_rows(m->gates, rows);
        t->start = first_block ? bias : t->out;
        tile_run(m->gates, groups, n, t);
        t->x += n * t->x_row;
        t->out += n * t->out_row;
    }
}

/* All chains of a panel: `groups` groups from `first` on, of all rows. */
static void panel(const struct gru_product *m, size_t first, size_t groups, size_t rows, const float *x, size_t x_row,
                  float *out, size_t out_row)
{
    const size_t group_stride = m->length * m->gates * LANES;
    struct tile t = {
        .weights = m->weights + first * group_stride,
        .group_stride = group_stride,
        .width = (first + 1) * LANES <= m->units ? LANES : m->units % LANES,
        .length = m->length,
        .start = m->bias + first * m->gates * LANES,
        .x = x,
        .x_row = x_row,
        .out = out,
        .out_row = out_row,
    };
    if (rows <= tile_most_rows(m->gates) || groups * group_stride <= PANEL_BLOCK) {
        panel_rows(m, groups, rows, &t, 1);
        return;
    }
    const size_t block = PANEL_BLOCK / (groups * m->gates * LANES * TILE_STEP) * TILE_STEP;
    for (size_t k = 0; k < m->length; k += block) {
        t.length = m->length - k < block ? m->length - k : block;
        t.x = x + k;
        t.out = out;
        panel_rows(m, groups, rows, &t, k == 0);
        t.weights += block * m->gates * t.width;
        t.start_row = out_row;
    }
}

static void product(const struct gru_product *m, size_t rows, const float *x, size_t x_row, size_t first, size_t end,
                    float *out, size_t out_row)
{
    size_t tile = tile_rows(m->gates, rows);
    for (size_t groups; rows && first < end; first += groups) {
        groups = tile_groups(m->gates, tile, whole_groups(m, first, end));
        panel(m, first, groups, rows, x, x_row, out + first * m->gates * LANES, out_row);
    }
    v_end();
}

#endif
