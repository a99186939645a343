/* SPDX-License-Identifier: BSD-2-Clause */
/* tile.h: the chains acc = fma(w[k], x[k], acc), k in order, of as many rows and units as registers hold.
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
#ifndef GRU_KERNELS_TILE_H
#define GRU_KERNELS_TILE_H

#include "words.h"

/* The operands of a tile, or of some that differ in their rows alone; strides in floats. */
struct tile {
    size_t tiles;         /* how many, each below the other */
    const float *weights; /* of its first group */
    size_t group_stride;  /* from a group to the next */
    size_t width;         /* of a weight vector in memory: LANES, or less in a last group */
    size_t length;        /* how many k */
    const float *start;   /* what the chains start from: the bias of all rows, or sums of earlier k */
    size_t start_row;
    const float *x;
    size_t x_row;
    float *out;
    size_t out_row;
    const float *fetch; /* weights that a fetching tile fetches for later */
    size_t fetch_step;  /* so many per TILE_STEP, whole lines */
};

/* The most rows of a tile of so many gates: the number that leaves no register idle with whole groups, and is at most
 * TILE_ROWS. For 24 accumulators that is 8 x 1 x 3, 6 x 2 x 2 or 8 x 3 x 1 (rows, groups, gates). */
GRU_INLINE size_t tile_fit_rows(const size_t gates)
{
    size_t rows = TILE_ROWS;
    while (TILE_ACCUMULATORS / gates % rows)
        rows--;
    return rows;
}

#ifndef TILE_PLAIN

/* One k of a tile: inputs or weights, whichever are fewer, are held in registers, and the others stream by. `x` has a
 * row's inputs in each element, of which input `i` is used; `w` is the k's weights of each group. */
GRU_INLINE void tile_multiply(const int G, const int V, const int R, size_t width, const float *const *w,
                              const inputs *x, const int i, vec *acc)
{
    const int columns = V * G;
    if (R < columns) {
        vec xk[TILE_ROWS];
        GRU_UNROLL
        for (int r = 0; r < R; r++)
            xk[r] = v_input(x[r], i);
        GRU_UNROLL
        for (int c = 0; c < columns; c++) {
            vec wk = v_load(w[c / G] + (size_t)(i * G + c % G) * width);
            GRU_UNROLL
            for (int r = 0; r < R; r++)
                acc[r * columns + c] = v_fma(wk, xk[r], acc[r * columns + c]);
        }
    } else {
        vec wk[TILE_ROWS];
        GRU_UNROLL
        for (int c = 0; c < columns; c++)
            wk[c] = v_load(w[c / G] + (size_t)(i * G + c % G) * width);
        GRU_UNROLL
        for (int r = 0; r < R; r++) {
            vec xk = v_input(x[r], i);
            GRU_UNROLL
            for (int c = 0; c < columns; c++)
                acc[r * columns + c] = v_fma_in_place(wk[c], xk, acc[r * columns + c]);
        }
    }
}

/* The inputs from k on of row r. Few rows have pointers of their own, and k as their index. Of many, three share a
 * pointer that moves with k, since an address can add a register or twice a register to another: those of eight rows
 * didn't fit in the registers and were loaded from the stack for each k (2 to 3 % of the time where a product fetches,
 * 1 to 2 elsewhere, and more beside a busy hardware thread). */
GRU_INLINE const float *tile_inputs(const float *x, size_t x_row, const int R, const float *const *threes, int r,
                                    size_t k)
{
    return R <= 4 ? x + (size_t)r * x_row + k : threes[r / 3] + (size_t)(r % 3) * x_row;
}

GRU_INLINE void tile_start(const int columns, const int R, const float *start, size_t start_row, vec *acc)
{
    GRU_UNROLL
    for (int r = 0; r < R; r++) {
        GRU_UNROLL
        for (int c = 0; c < columns; c++)
            acc[r * columns + c] = v_load(start + (size_t)r * start_row + c * LANES);
    }
}

GRU_INLINE void tile_store(const int columns, const int R, float *out, size_t out_row, const vec *acc)
{
    GRU_UNROLL
    for (int r = 0; r < R; r++) {
        GRU_UNROLL
        for (int c = 0; c < columns; c++)
            v_store(out + (size_t)r * out_row + c * LANES, acc[r * columns + c]);
    }
}

/* All k of one tile, of the rows at `rows`, start and out. Each group has a pointer of its own: with an index register
 * in its address an FMA that reads memory takes twice the room in the front end. */
GRU_INLINE void tile_body(const int G, const int V, const int R, size_t width, const int fetches, const struct tile *t,
                          const float *rows, const float *start, float *out)
{
    const int columns = V * G;
    const size_t length = t->length, step = (size_t)G * width, x_row = t->x_row;
    const float *ahead = t->fetch;
    const size_t ahead_step = t->fetch_step;
    vec acc[TILE_ACCUMULATORS];
    const float *w[8], *threes[TILE_ROWS / 3 + 1];
    inputs x[TILE_ROWS];

    GRU_UNROLL
    for (int v = 0; v < V; v++)
        w[v] = t->weights + (size_t)v * t->group_stride;
    GRU_UNROLL
    for (int r = 0; r < R; r += 3)
        threes[r / 3] = rows + (size_t)r * x_row;
    tile_start(columns, R, start, t->start_row, acc);

    size_t k = 0;
    for (; k + TILE_STEP <= length; k += TILE_STEP) {
        GRU_UNROLL
        for (int r = 0; r < R; r++)
            x[r] = v_inputs(tile_inputs(rows, x_row, R, threes, r, k));
        GRU_UNROLL
        for (int i = 0; i < TILE_STEP; i++)
            tile_multiply(G, V, R, width, w, x, i, acc);
        if (fetches) {
            const float *const end = ahead + ahead_step;
            do {
                fetch_later(ahead);
                ahead += GRU_LINE;
            } while (ahead != end);
        }
        GRU_UNROLL
        for (int v = 0; v < V; v++)
            w[v] += TILE_STEP * step;
        GRU_UNROLL
        for (int r = 0; r < R; r += 3)
            threes[r / 3] += TILE_STEP;
    }
    for (; k < length; k++) {
        GRU_UNROLL
        for (int r = 0; r < R; r++)
            x[r] = v_inputs_one(tile_inputs(rows, x_row, R, threes, r, k));
        tile_multiply(G, V, R, width, w, x, 0, acc);
        GRU_UNROLL
        for (int v = 0; v < V; v++)
            w[v] += step;
        GRU_UNROLL
        for (int r = 0; r < R; r += 3)
            threes[r / 3]++;
    }

    /* Read ahead of the stores, which may change *t as far as the compiler knows: it would read it again for each. */
    const size_t out_row = t->out_row;
    tile_store(columns, R, out, out_row, acc);
}

/* All tiles: a call for each of them takes 60 instructions more. */
GRU_INLINE void tile_bodies(const int G, const int V, const int R, size_t width, const int fetches,
                            const struct tile *t)
{
    const float *x = t->x, *start = t->start;
    float *out = t->out;
    for (size_t left = t->tiles; left; left--) {
        tile_body(G, V, R, width, fetches, t, x, start, out);
        x += (size_t)R * t->x_row;
        start += (size_t)R * t->start_row;
        out += (size_t)R * t->out_row;
    }
}

/* A shape that doesn't fit in the registers is never asked for; the comparison of constants keeps its code out. The
 * compiler knows the width of a whole group; a narrow one has groups = 0 in its key, and the width that the tile
 * says. */
#define SHAPE(G, V, R, KEY, WIDTH)                                                                          \
    case (G) << 8 | (KEY) << 4 | (R):                                                                       \
        if ((G) * (V) * (R) <= TILE_ACCUMULATORS &&                                                         \
            (fetches ? (R) == tile_fit_rows(G) || (R) == TILE_ROWS : (R) <= TILE_ROWS))                     \
            tile_bodies(G, V, R, WIDTH, fetches, t);                                                        \
        break;
#define SHAPES_ROWS(G, V, KEY, WIDTH)                                                                           \
    SHAPE(G, V, 1, KEY, WIDTH)                                                                                  \
    SHAPE(G, V, 2, KEY, WIDTH) SHAPE(G, V, 3, KEY, WIDTH) SHAPE(G, V, 4, KEY, WIDTH) SHAPE(G, V, 5, KEY, WIDTH) \
        SHAPE(G, V, 6, KEY, WIDTH) SHAPE(G, V, 7, KEY, WIDTH) SHAPE(G, V, 8, KEY, WIDTH)
#define SHAPES(G)                  \
    SHAPES_ROWS(G, 1, 0, t->width) \
    SHAPES_ROWS(G, 1, 1, LANES) SHAPES_ROWS(G, 2, 2, LANES) SHAPES_ROWS(G, 3, 3, LANES) SHAPES_ROWS(G, 4, 4, LANES)

GRU_INLINE void tile_shape(size_t gates, size_t groups, size_t rows, const int fetches, const struct tile *t)
{
    size_t key = t->width == LANES ? groups : 0;
    /* not covered: some shapes are never asked for, as said above */
    switch (gates << 8 | key << 4 | rows) {
        SHAPES(1)
        SHAPES(2)
        SHAPES(3)
    }
}

/* Two functions, and not one with a branch in its loops or around them: that took 2 to 4 % more time where nothing is
 * fetched. Only the tiles of most rows fetch, so that there are few shapes of them. */
static GRU_NOINLINE void tile_run_fetching(size_t gates, size_t groups, size_t rows, const struct tile *t)
{
    tile_shape(gates, groups, rows, 1, t);
}

static GRU_NOINLINE void tile_run_only(size_t gates, size_t groups, size_t rows, const struct tile *t)
{
    tile_shape(gates, groups, rows, 0, t);
}

GRU_INLINE void tile_run(size_t gates, size_t groups, size_t rows, const int fetches, const struct tile *t)
{
    if (fetches)
        tile_run_fetching(gates, groups, rows, t);
    else
        tile_run_only(gates, groups, rows, t);
}

#undef SHAPES
#undef SHAPES_ROWS
#undef SHAPE

#else

/* The chain as the design states it, with one lane: no tiling that could go wrong. A function of its own, which has
 * registers to keep its few variables in over the call of fmaf: compiled into the loops around it, it moved 14 of
 * theirs for each k. */
static GRU_NOINLINE float chain(float start, const float *weights, size_t stride, const float *x, size_t length)
{
    float a = start;
    for (size_t k = 0; k < length; k++)
        a = v_fma(weights[k * stride], x[k], a);
    return a;
}

static void tile_run(size_t gates, size_t groups, size_t rows, const int fetches, const struct tile *t)
{
    (void)fetches;
    for (size_t row = 0; row < rows * t->tiles; row++)
        for (size_t unit = 0; unit < groups; unit++)
            for (size_t g = 0; g < gates; g++)
                t->out[row * t->out_row + unit * gates + g] =
                    chain(t->start[row * t->start_row + unit * gates + g], t->weights + unit * t->group_stride + g,
                          gates, t->x + row * t->x_row, t->length);
}

#endif

/* The most rows of a tile of so many groups, where so many rows share weights that are `far`. Sixteen rows of two gates
 * go in two tiles then, although these leave registers idle: in three, of 6, 5 and 5 rows, of which the first alone
 * fetches, products of H = 1,024 took 1.14 times as long, H = 512 1.04. (Near weights: 0.99 to 1.00. One tile of eight
 * instead of two of four: 0.97 to 0.98.) But the last sixteen of more rows go with the groups that fit with the rows
 * before them. Each call of tile_fit_rows has a constant in it, and costs nothing; a division would be felt. */
static inline size_t tile_most_rows(size_t gates, size_t groups, size_t rows, int far)
{
    if (far && groups == 1 && TILE_ACCUMULATORS >= GRU_MAX_GATES * TILE_ROWS && rows == 2 * TILE_ROWS)
        return TILE_ROWS;
    return gates == 1 ? tile_fit_rows(1) : gates == 2 ? tile_fit_rows(2) : tile_fit_rows(3);
}

/* How many rows the next tile has: as many as fit, but the last two tiles share evenly, since a tile of one row after
 * one of eight would read all the weights again for little. */
static inline size_t tile_next_rows(size_t most, size_t rows)
{
    if (rows <= most)
        return rows;
    return rows < 2 * most ? (rows + 1) / 2 : most;
}

/* How many rows the first tile has, which has the most, and by which tile_groups says how many groups go together. */
static inline size_t tile_rows(size_t gates, size_t rows, int far)
{
    return tile_next_rows(tile_most_rows(gates, 1, rows, far), rows);
}

/* How many tiles of as many rows follow each other, `n` of them in the next one. */
static inline size_t tiles_alike(size_t most, size_t rows, size_t n)
{
    size_t tiles = 1;
    for (rows -= n; rows && tile_next_rows(most, rows) == n; rows -= n)
        tiles++;
    return tiles;
}

/* How many groups go with that many rows: at most four, whole ones only. */
static inline size_t tile_groups(size_t gates, size_t rows, size_t whole)
{
    size_t groups = 4;
    while (groups > 1 && (groups > whole || groups * gates * rows > TILE_ACCUMULATORS))
        groups--;
    return groups;
}

#endif
