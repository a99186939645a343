/* SPDX-License-Identifier: BSD-2-Clause */
/* row.h: the chains of one row: of one matrix, or of the input's and the recurrent one side by side.
 *
 *                   W (r z n)      U (r z n)
 *     x[k], h[k]   acc acc acc    acc acc acc     <- per group of units; as many groups as registers hold, at most four
 *
 * Per k and group each matrix takes 3 FMAs and 3 loads. The chains of one group are too few to hide the latency of an
 * FMA (3 of 8 to 10), and a small layer has no more groups: one after the other, its two products take twice as long as
 * both at once. For the same reason a narrow last group goes with those before it: sequences of H = 40 take 0.95 of the
 * time, with the reset before 0.87. Of a matrix with fewer gates, eight groups go together where that makes no more
 * than ROW_CHAINS chains. For many rows tile.h is better; for one, this is the same arithmetic with fewer branches
 * around it.
 *
 * Tried without gain: prefetching 512 to 2,048 bytes ahead (1 % at most where memory binds, 24 % lost where L2 does; on
 * an EPYC 1 to 30 % lost in lone steps of H = 256 to 700), and eight groups of three gates with AVX-512 (8 % lost at H
 * = 256).
 */
#ifndef GRU_KERNELS_ROW_H
#define GRU_KERNELS_ROW_H

#include "product.h"

/* Vectors of sums that wait for their gate blocks at most, of one row and matrix: fewer than ABREAST groups, and a
 * piece of nine. */
enum { ROW_SUMS = (ABREAST + 8) * GRU_MAX_GATES };

#ifndef TILE_PLAIN

/* One matrix from some group on, and its row. */
struct chains {
    const float *weights, *bias, *x;
    size_t group_stride, length;
    float *out;
};

static inline struct chains chains_of(const struct gru_product *m, size_t first, const float *x, float *out)
{
    return (struct chains){
        .weights = m->weights + first * m->group_stride,
        .bias = m->bias + first * m->gates * LANES,
        .x = x,
        .group_stride = m->group_stride,
        .length = m->length,
        .out = out,
    };
}

GRU_INLINE void chains_start(const int G, const int V, const struct chains *m, const float **w, vec *acc)
{
    GRU_UNROLL
    for (int v = 0; v < V; v++)
        w[v] = m->weights + (size_t)v * m->group_stride;
    GRU_UNROLL
    for (int c = 0; c < V * G; c++)
        acc[c] = v_load(m->bias + c * LANES);
}

/* So many k: ROW_STEP, or 1. */
GRU_INLINE void chains_step(const int G, const int V, const int steps, size_t width, const float *x, const float **w,
                            vec *acc)
{
    inputs in = steps == 1 ? v_inputs_one(x) : v_inputs(x);
    GRU_UNROLL
    for (int i = 0; i < steps; i++)
        tile_multiply(G, V, 1, width, w, &in, i, acc);
    GRU_UNROLL
    for (int v = 0; v < V; v++)
        w[v] += (size_t)(steps * G) * width;
}

/* Four k, whose inputs come by one load: 12 multiply-adds read 12 vectors of weights, and with an input 13. With AVX2
 * lone steps take 0.94 to 0.98 of the time, the reset before 0.96 to 0.99, and sequences 0.97 to 1.00; with AVX-512
 * sequences of H = 64 0.985. (With AVX-512 and nine chains, which loads don't bind, 1.02, with six up to 1.03.) */
GRU_INLINE void chains_four(const int G, const int V, size_t width, const float *x, const float **w, vec *acc)
{
    const vec four = v_four(x);
    GRU_UNROLL
    for (int i = 0; i < 4; i++) {
        const vec xk = v_of_four(four, i);
        GRU_UNROLL
        for (int c = 0; c < V * G; c++)
            acc[c] = v_fma(v_load(w[c / G] + (size_t)(i * G + c % G) * width), xk, acc[c]);
    }
    GRU_UNROLL
    for (int v = 0; v < V; v++)
        w[v] += (size_t)(4 * G) * width;
}

/* What is left from `k` on. */
GRU_INLINE void chains_rest(const int G, const int V, size_t width, const struct chains *m, size_t k, const float **w,
                            vec *acc)
{
    for (; k + ROW_STEP <= m->length; k += ROW_STEP)
        chains_step(G, V, ROW_STEP, width, m->x + k, w, acc);
    for (; k < m->length; k++)
        chains_step(G, V, 1, width, m->x + k, w, acc);
}

GRU_INLINE void chains_sum(const int G, const int V, size_t width, const struct chains *m, vec *acc)
{
    const float *w[8];
    size_t k = 0;
    chains_start(G, V, m, w, acc);
    if (V * G >= FOUR_CHAINS)
        for (; k + 4 <= m->length; k += 4)
            chains_four(G, V, width, m->x + k, w, acc);
    chains_rest(G, V, width, m, k, w, acc);
}

GRU_INLINE void chains_store(const int columns, const struct chains *m, const vec *acc)
{
    GRU_UNROLL
    for (int c = 0; c < columns; c++)
        v_store(m->out + c * LANES, acc[c]);
}

GRU_INLINE void chains_one(const int G, const int V, size_t width, const struct chains *m)
{
    vec acc[TILE_ACCUMULATORS];
    chains_sum(G, V, width, m, acc);
    chains_store(V * G, m, acc);
}

/* The chains of both side by side, as long as both have inputs, then the rest of each. */
GRU_INLINE void chains_sum_both(const int GA, const int GB, const int VA, const int VB, size_t width_a, size_t width_b,
                                const struct chains *a, const struct chains *b, vec *acc_a, vec *acc_b)
{
    const float *wa[4], *wb[4];
    chains_start(GA, VA, a, wa, acc_a);
    chains_start(GB, VB, b, wb, acc_b);
    const size_t both = a->length < b->length ? a->length : b->length;
    size_t k = 0;
    for (; k + ROW_STEP <= both; k += ROW_STEP) {
        chains_step(GA, VA, ROW_STEP, width_a, a->x + k, wa, acc_a);
        chains_step(GB, VB, ROW_STEP, width_b, b->x + k, wb, acc_b);
    }
    chains_rest(GA, VA, width_a, a, k, wa, acc_a);
    chains_rest(GB, VB, width_b, b, k, wb, acc_b);
}

GRU_INLINE void chains_both(const int GA, const int GB, const int V, size_t width, const struct chains *a,
                            const struct chains *b)
{
    vec acc_a[TILE_ACCUMULATORS], acc_b[TILE_ACCUMULATORS];
    chains_sum_both(GA, GB, V, V, width, width, a, b, acc_a, acc_b);
    chains_store(V * GA, a, acc_a);
    chains_store(V * GB, b, acc_b);
}

/* One group of both. Where one has more inputs its few chains wait for their FMAs, so it takes a k at a time, which is
 * less code. */
GRU_INLINE void chains_sum_group(const int GA, const int GB, size_t width_a, size_t width_b, const struct chains *a,
                                 const struct chains *b, vec *acc_a, vec *acc_b)
{
    const float *wa, *wb;
    chains_start(GA, 1, a, &wa, acc_a);
    chains_start(GB, 1, b, &wb, acc_b);
    const size_t both = a->length < b->length ? a->length : b->length;
    size_t k = 0;
    for (; k + ROW_STEP <= both; k += ROW_STEP) {
        chains_step(GA, 1, ROW_STEP, width_a, a->x + k, &wa, acc_a);
        chains_step(GB, 1, ROW_STEP, width_b, b->x + k, &wb, acc_b);
    }
    for (size_t rest = k; rest < a->length; rest++)
        chains_step(GA, 1, 1, width_a, a->x + rest, &wa, acc_a);
    for (size_t rest = k; rest < b->length; rest++)
        chains_step(GB, 1, 1, width_b, b->x + rest, &wb, acc_b);
}

/* So many groups and the narrow one after them: alone, its few chains would wait for their FMAs. */
GRU_INLINE void chains_sum_joined(const int G, const int V, size_t narrow, const struct chains *m, vec *acc)
{
    struct chains last = *m;
    last.weights += (size_t)V * m->group_stride;
    last.bias += V * G * LANES;
    chains_sum_both(G, G, V, 1, LANES, narrow, m, &last, acc, acc + V * G);
}

GRU_INLINE void chains_joined(const int G, const int V, size_t narrow, const struct chains *m)
{
    vec acc[TILE_ACCUMULATORS];
    chains_sum_joined(G, V, narrow, m, acc);
    chains_store((V + 1) * G, m, acc);
}

/* The last whole groups, at least one and at most three, with a narrow one. */
GRU_INLINE size_t row_last_groups(const int G, size_t whole, size_t narrow, const struct chains *m)
{
    if (whole == 3)
        return chains_joined(G, 3, narrow, m), 4;
    if (whole == 2)
        return chains_joined(G, 2, narrow, m), 3;
    return chains_joined(G, 1, narrow, m), 2;
}

/* The last five groups, of which four would leave one alone. */
GRU_INLINE size_t row_five_groups(const int G, size_t narrow, const int joins, const struct chains *m)
{
    if (5 * G > TILE_ACCUMULATORS)
        return chains_one(G, 3, LANES, m), 3;
    if (joins)
        return chains_joined(G, 4, narrow, m), 5;
    return chains_one(G, 5, LANES, m), 5;
}

/* As many groups as fit, at most `whole`, or with the narrow one that follows them. Each returns how many. */
GRU_INLINE size_t row_groups(const int G, size_t whole, size_t narrow, const int joins, const struct chains *m)
{
    const size_t left = whole + (size_t)joins;
    if (8 * G <= ROW_CHAINS && whole >= 8 && left != 9)
        return chains_one(G, 8, LANES, m), 8;
    if (left == 5)
        return row_five_groups(G, narrow, joins, m);
    if (joins && whole && whole < 4)
        return row_last_groups(G, whole, narrow, m);
    if (whole >= 4)
        return chains_one(G, 4, LANES, m), 4;
    if (whole == 3)
        return chains_one(G, 3, LANES, m), 3;
    if (whole == 2)
        return chains_one(G, 2, LANES, m), 2;
    return chains_one(G, 1, whole ? LANES : narrow, m), 1;
}

GRU_INLINE size_t row_pair_groups(const int GA, const int GB, size_t whole, size_t narrow, const struct chains *a,
                                  const struct chains *b)
{
    const int most = TILE_ACCUMULATORS / (GA + GB);
    if (whole >= 4 && most >= 4)
        return chains_both(GA, GB, 4, LANES, a, b), 4;
    if (whole >= 3 && most >= 3)
        return chains_both(GA, GB, 3, LANES, a, b), 3;
    if (whole >= 2 && most >= 2)
        return chains_both(GA, GB, 2, LANES, a, b), 2;
    if (whole)
        return chains_both(GA, GB, 1, LANES, a, b), 1;
    return chains_both(GA, GB, 1, narrow, a, b), 1;
}

#endif

/* The chains of one row, of some groups from `first` on and before `end`; returns how many. */
static size_t row_some(const struct gru_product *m, size_t first, size_t end, const float *x, float *out)
{
#ifdef TILE_PLAIN
    (void)end;
    panel(m, first, 1, 1, x, 0, out, 0);
    return 1;
#else
    const size_t whole = whole_groups(m, first, end), narrow = m->units % LANES;
    const struct chains chains = chains_of(m, first, x, out);
    const int joins = end * LANES > m->units; /* the last one is narrow */
    if (m->gates == 3)
        return row_groups(3, whole, narrow, joins, &chains);
    return m->gates == 2 ? row_groups(2, whole, narrow, joins, &chains) : row_groups(1, whole, narrow, joins, &chains);
#endif
}

/* All groups first .. end - 1. */
static void row_groups_of(const struct gru_product *m, size_t first, size_t end, const float *x, float *out)
{
    for (size_t at = first; at < end;)
        at += row_some(m, at, end, x, out + (at - first) * m->gates * LANES);
}

/* The groups at either end where steps turn: as many as the next step finds in the first-level cache, but enough chains
 * to read faster from there than the second-level cache gives. With AVX2 three, but in smaller layers, which wait for
 * their FMAs, four. */
static inline size_t row_end(const struct gru_product *m, size_t most)
{
    if ((size_t)LANES >= GRU_LINE && m->gates > 1)
        return 3 * m->gates * m->length * LANES <= GRU_LARGE_CACHE ? 3 : 2;
    return LANES == 8 && m->turns == GRU_TURNS_FAR ? 3 : most;
}

/* Whether that cache holds two groups. */
static inline int row_end_stays(const struct gru_product *m)
{
    return 2 * m->gates * m->length * LANES <= GRU_LARGE_CACHE;
}

/* How many groups go together where steps turn, of `left` that are left: fewer at both ends, and none alone. Beside
 * pieces of four all the way, sequences take 0.92 of the time at H = 128, and with AVX2 0.96. */
static inline size_t row_piece(const struct gru_product *m, size_t left, int begins)
{
    const size_t most = 8 * m->gates <= ROW_CHAINS ? 8 : 4, last = row_end(m, most);
    if (left <= last + 1)
        return left;
    if (begins)
        return last;
    return left - last <= most + 1 ? left - last : most;
}

/* As row_some, for two matrices side by side, over a row each. */
static size_t row_pair(const struct gru_product *a, const struct gru_product *b, size_t first, size_t end,
                       const float *xa, const float *xb, float *out_a, float *out_b)
{
#ifdef TILE_PLAIN
    panel(a, first, 1, 1, xa, 0, out_a, 0);
    return row_some(b, first, end, xb, out_b);
#else
    const size_t whole = whole_groups(a, first, end), narrow = a->units % LANES;
    const struct chains of_a = chains_of(a, first, xa, out_a), of_b = chains_of(b, first, xb, out_b);
    if ((size_t)LANES >= GRU_LINE && b->gates == 1) /* where z's matrix stands apart */
        return row_pair_groups(3, 1, whole, narrow, &of_a, &of_b);
    if (a->gates == 2)
        return row_pair_groups(2, 2, whole, narrow, &of_a, &of_b);
    return b->gates == 2 ? row_pair_groups(3, 2, whole, narrow, &of_a, &of_b)
                         : row_pair_groups(3, 3, whole, narrow, &of_a, &of_b);
#endif
}

#endif
