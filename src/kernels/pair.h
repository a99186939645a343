/* SPDX-License-Identifier: BSD-2-Clause */
/* pair.h: the input's and the recurrent chains of one row side by side, for a step alone.
 *
 *                     W (r z n)      U (r z n)
 *        x[k], h[k]  acc acc acc    acc acc acc     <- per group of units; as many groups as registers hold
 *
 * The chains of one group are too few to hide the latency of an FMA (3 of 8 to 10), and a small layer has no more groups: one
 * after the other, its two products take twice as long as both at once. Per k and group 6 FMAs read 6 weights.
 */
#ifndef GRU_KERNELS_PAIR_H
#define GRU_KERNELS_PAIR_H

#include "product.h"

#ifndef TILE_PLAIN

/* One of the two: its weights from the first group on, its row, and the bias that its chains start from. */
struct half {
    const float *weights, *bias, *x;
    size_t group_stride, length;
};

static inline struct half half_of(const struct gru_product *m, size_t first, const float *x)
{
    return (struct half){
        .weights = m->weights + first * m->length * m->gates * LANES,
        .bias = m->bias + first * m->gates * LANES,
        .x = x,
        .group_stride = m->length * m->gates * LANES,
        .length = m->length,
    };
}

GRU_INLINE void half_start(const int G, const int V, const struct half *m, const float **w, vec *acc)
{
    GRU_UNROLL
    for (int v = 0; v < V; v++)
        w[v] = m->weights + (size_t)v * m->group_stride;
    GRU_UNROLL
    for (int c = 0; c < V * G; c++)
        acc[c] = v_load(m->bias + c * LANES);
}

/* TILE_STEP of k, or one. */
GRU_INLINE void half_steps(const int G, const int V, size_t width, const float *x, const float **w, vec *acc)
{
    inputs in = v_inputs(x);
    GRU_UNROLL
    for (int i = 0; i < TILE_STEP; i++)
        tile_multiply(G, V, 1, width, w, &in, i, acc);
    GRU_UNROLL
    for (int v = 0; v < V; v++)
        w[v] += (size_t)(TILE_STEP * G) * width;
}

GRU_INLINE void half_step(const int G, const int V, size_t width, const float *x, const float **w, vec *acc)
{
    inputs in = v_inputs_one(x);
    tile_multiply(G, V, 1, width, w, &in, 0, acc);
    GRU_UNROLL
    for (int v = 0; v < V; v++)
        w[v] += (size_t)G * width;
}

/* What is left of one half from `k` on, and its sums. */
GRU_INLINE void half_end(const int G, const int V, size_t width, const struct half *m, size_t k, const float **w,
                         vec *acc, float *out)
{
    for (; k + TILE_STEP <= m->length; k += TILE_STEP)
        half_steps(G, V, width, m->x + k, w, acc);
    for (; k < m->length; k++)
        half_step(G, V, width, m->x + k, w, acc);
    GRU_UNROLL
    for (int c = 0; c < V * G; c++)
        v_store(out + c * LANES, acc[c]);
}

GRU_INLINE void pair_body(const int GA, const int GB, const int V, size_t width, const struct half *a,
                          const struct half *b, float *out_a, float *out_b)
{
    vec acc_a[TILE_ACCUMULATORS], acc_b[TILE_ACCUMULATORS];
    const float *wa[4], *wb[4];
    half_start(GA, V, a, wa, acc_a);
    half_start(GB, V, b, wb, acc_b);
    const size_t both = a->length < b->length ? a->length : b->length;
    size_t k = 0;
    for (; k + TILE_STEP <= both; k += TILE_STEP) {
        half_steps(GA, V, width, a->x + k, wa, acc_a);
        half_steps(GB, V, width, b->x + k, wb, acc_b);
    }
    half_end(GA, V, width, a, k, wa, acc_a, out_a);
    half_end(GB, V, width, b, k, wb, acc_b, out_b);
}

/* As many groups from `first` on as fit, at most `whole`; a narrow one alone. Returns how many. */
GRU_INLINE size_t pair_groups(const int GA, const int GB, const struct gru_product *ma, const struct gru_product *mb,
                              size_t first, const float *xa, const float *xb, float *out_a, float *out_b)
{
    const int most = TILE_ACCUMULATORS / (GA + GB) < 4 ? TILE_ACCUMULATORS / (GA + GB) : 4;
    const struct half a = half_of(ma, first, xa), b = half_of(mb, first, xb);
    const size_t whole = ma->units / LANES - first;
    if (whole >= 4 && most >= 4)
        return pair_body(GA, GB, 4, LANES, &a, &b, out_a, out_b), 4;
    if (whole >= 3 && most >= 3)
        return pair_body(GA, GB, 3, LANES, &a, &b, out_a, out_b), 3;
    if (whole >= 2 && most >= 2)
        return pair_body(GA, GB, 2, LANES, &a, &b, out_a, out_b), 2;
    if (whole >= 1)
        return pair_body(GA, GB, 1, LANES, &a, &b, out_a, out_b), 1;
    return pair_body(GA, GB, 1, ma->units % LANES, &a, &b, out_a, out_b), 1;
}

#endif

/* The chains of both matrices over a row each, of some groups from `first` on; returns how many. */
static size_t pair(const struct gru_product *a, const struct gru_product *b, size_t first, const float *xa,
                   const float *xb, float *out_a, float *out_b)
{
#ifdef TILE_PLAIN
    panel(a, first, 1, 1, xa, 0, out_a, 0);
    panel(b, first, 1, 1, xb, 0, out_b, 0);
    return 1;
#else
    if (a->gates == 2)
        return pair_groups(2, 2, a, b, first, xa, xb, out_a, out_b);
    if (b->gates == 2)
        return pair_groups(3, 2, a, b, first, xa, xb, out_a, out_b);
    return pair_groups(3, 3, a, b, first, xa, xb, out_a, out_b);
#endif
}

#endif
