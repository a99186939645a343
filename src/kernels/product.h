/* SPDX-License-Identifier: BSD-2-Clause */
/* product.h: the chains acc = fma(w[k], x[k], acc), k in order, of a packed matrix: GEMV for one row, GEMM for several.
 *
 * A tile is R rows by V groups of units by G gates, all of whose chains are kept in registers while k runs:
 *
 *                     group 0        group 1
 *                   r   z   n      r   z   n        <- V * G weight vectors, loaded once per k
 *        x[0][k]   acc acc acc    acc acc acc
 *        x[1][k]   acc acc acc    acc acc acc       <- R * V * G accumulators, at most TILE_ACCUMULATORS
 *           ...                                        R broadcasts per k
 *
 * R V G multiply-adds cost V G + R loads. A tile of many rows is bound by the FMA units, since the loads are fewer: 24
 * FMAs to 11 loads for 8 x 1 x 3. A tile of one row is bound by loads: 12 FMAs to 13 for 1 x 4 x 3; its four groups
 * are there to have 12 independent chains, where FMA latency times ports asks for 8 to 10.
 */
#ifndef GRU_KERNELS_PRODUCT_H
#define GRU_KERNELS_PRODUCT_H

#include "words.h"

/* No tile has more rows: beyond that broadcasts cost more than weight loads save. */
enum { TILE_MAX_ROWS = 8 };

/* One tile's operands; strides in floats. */
struct tile {
    const float *weights; /* of its first group */
    size_t group_stride;  /* from a group to the next */
    size_t width;         /* of a weight vector in memory: LANES, or less in a last group */
    const float *bias;
    size_t length;
    const float *x;
    size_t x_row;
    float *out;
    size_t out_row;
};

#ifndef TILE_PLAIN

/* Inputs or weights, whichever are fewer, are held in registers; the others are loaded as they are used. */
GRU_INLINE void tile_body(const int G, const int V, const int R, const struct tile *t)
{
    const int columns = V * G;
    vec acc[TILE_ACCUMULATORS];

    GRU_UNROLL
    for (int r = 0; r < R; r++) {
        GRU_UNROLL
        for (int c = 0; c < columns; c++)
            acc[r * columns + c] = v_load(t->bias + c * LANES);
    }

    const float *w = t->weights;
    const float *x = t->x;
    const size_t width = t->width;
    for (size_t k = 0; k < t->length; k++, x++, w += (size_t)G * width) {
        if (R < columns) {
            vec xk[TILE_MAX_ROWS];
            GRU_UNROLL
            for (int r = 0; r < R; r++)
                xk[r] = v_set1(x[(size_t)r * t->x_row]);
            GRU_UNROLL
            for (int c = 0; c < columns; c++) {
                vec wk = v_load(w + (size_t)(c / G) * t->group_stride + (size_t)(c % G) * width);
                GRU_UNROLL
                for (int r = 0; r < R; r++)
                    acc[r * columns + c] = v_fma(wk, xk[r], acc[r * columns + c]);
            }
        } else {
            vec wk[TILE_MAX_ROWS];
            GRU_UNROLL
            for (int c = 0; c < columns; c++)
                wk[c] = v_load(w + (size_t)(c / G) * t->group_stride + (size_t)(c % G) * width);
            GRU_UNROLL
            for (int r = 0; r < R; r++) {
                vec xk = v_set1(x[(size_t)r * t->x_row]);
                GRU_UNROLL
                for (int c = 0; c < columns; c++)
                    acc[r * columns + c] = v_fma(wk[c], xk, acc[r * columns + c]);
            }
        }
    }

    GRU_UNROLL
    for (int r = 0; r < R; r++) {
        GRU_UNROLL
        for (int c = 0; c < columns; c++)
            v_store(t->out + (size_t)r * t->out_row + c * LANES, acc[r * columns + c]);
    }
}

/* A shape that doesn't fit in the registers is never asked for; the comparison of constants keeps its code out. */
#define SHAPE(G, V, R)                                                                                                 \
    case (G) << 8 | (V) << 4 | (R):                                                                                    \
        if ((G) * (V) * (R) <= TILE_ACCUMULATORS)                                                                      \
            tile_body(G, V, R, t);                                                                                     \
        break;
#define SHAPES_V(G, V)                                                                                                 \
    SHAPE(G, V, 1) SHAPE(G, V, 2) SHAPE(G, V, 3) SHAPE(G, V, 4)                                                        \
    SHAPE(G, V, 5) SHAPE(G, V, 6) SHAPE(G, V, 7) SHAPE(G, V, 8)
#define SHAPES(G) SHAPES_V(G, 1) SHAPES_V(G, 2) SHAPES_V(G, 4) SHAPES_V(G, 8)

static void tile_run(size_t gates, size_t groups, size_t rows, const struct tile *t)
{
    switch (gates << 8 | groups << 4 | rows) {
        SHAPES(1)
        SHAPES(2)
        SHAPES(3)
    }
}

#undef SHAPES
#undef SHAPES_V
#undef SHAPE

#else

/* The chain as the design states it, with one lane: no tiling that could go wrong. */
static float chain(float start, const float *weights, size_t stride, const float *x, size_t length)
{
    float a = start;
    for (size_t k = 0; k < length; k++)
        a = v_fma(weights[k * stride], x[k], a);
    return a;
}

static void tile_run(size_t gates, size_t groups, size_t rows, const struct tile *t)
{
    for (size_t row = 0; row < rows; row++)
        for (size_t unit = 0; unit < groups; unit++)
            for (size_t g = 0; g < gates; g++)
                t->out[row * t->out_row + unit * gates + g] =
                    chain(t->bias[unit * gates + g], t->weights + unit * t->group_stride + g, gates,
                          t->x + row * t->x_row, t->length);
}

#endif

/* How many rows the next tile has: as many as registers allow, but evenly, since a tile of one row after one of
 * eight would read all the weights again for little. */
static inline size_t tile_rows(size_t gates, size_t rows)
{
    size_t most = TILE_ACCUMULATORS / gates;
    if (most > TILE_MAX_ROWS)
        most = TILE_MAX_ROWS;
    size_t tiles = (rows + most - 1) / most;
    return (rows + tiles - 1) / tiles;
}

/* How many groups go with that many rows: a power of two up to 8, whole groups only. */
static inline size_t tile_groups(size_t gates, size_t rows, size_t whole)
{
    size_t groups = 8;
    while (groups > 1 && (groups > whole || groups * gates * rows > TILE_ACCUMULATORS))
        groups /= 2;
    return groups;
}

/* How many groups from `first` on are whole and before `end`; a narrow last group goes alone. */
static inline size_t whole_groups(const struct gru_product *m, size_t first, size_t end)
{
    size_t whole = m->units / LANES;
    return whole < end ? (whole > first ? whole - first : 0) : end - first;
}

/* The tile of `groups` groups from `first` on; its rows are the caller's to fill in. */
static inline struct tile tile_at(const struct gru_product *m, size_t first)
{
    size_t group_stride = m->length * m->gates * LANES;
    return (struct tile){
        .weights = m->weights + first * group_stride,
        .group_stride = group_stride,
        .width = (first + 1) * LANES <= m->units ? LANES : m->units % LANES,
        .bias = m->bias + first * m->gates * LANES,
        .length = m->length,
    };
}

static void product(const struct gru_product *m, size_t rows, const float *x, size_t x_row, size_t first, size_t end,
                    float *out, size_t out_row)
{
    size_t most = tile_rows(m->gates, rows ? rows : 1);
    while (first < end) {
        size_t groups = tile_groups(m->gates, most, whole_groups(m, first, end));
        struct tile t = tile_at(m, first);
        t.x_row = x_row;
        t.out_row = out_row;
        for (size_t row = 0, n; row < rows; row += n) {
            n = tile_rows(m->gates, rows - row);
            t.x = x + row * x_row;
            t.out = out + row * out_row + first * m->gates * LANES;
            tile_run(m->gates, groups, n, &t);
        }
        first += groups;
    }
}

#endif
