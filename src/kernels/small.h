/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * small.h: the sums of one row over a matrix or two, of at most four groups of units, all in registers; after cell.h.
 *
 *     one group:        W (r z n)      U (r z n)
 *         x[k], h[k]   acc acc acc    acc acc acc     <- per k 6 FMAs, 6 loads, 2 broadcasts; of two groups twice that
 *
 *     four groups:      U (r z n)      U (r z n)      U (r z n)      U (r z n)
 *               h[k]   acc acc acc    acc acc acc    acc acc acc    acc acc acc     <- per k 12 FMAs, 12 1/4 loads
 *
 * An FMA takes 4 cycles, and a k waits for the one before: 6 FMAs need 3 cycles of two units and 8 loads 4 cycles, so
 * one group is bound by latency and two by loads, 7 cycles a k. Of U alone, three groups take 5 cycles a k (AVX2
 * 4.6) and four 6.1, by loads.
 */
#ifndef GRU_KERNELS_SMALL
#define GRU_KERNELS_SMALL

#include "clean.h"
#include "row.h"

/* One to four groups of units; padded: the last one has fewer units than lanes. A constant at each call says which code
 * is compiled in. Of three and four groups it knows any number of units, which costs them little. */
enum small_shape { SMALL_ONE, SMALL_ONE_PADDED, SMALL_TWO, SMALL_TWO_PADDED, SMALL_THREE, SMALL_FOUR };

GRU_INLINE enum small_shape small_shape_of(size_t units)
{
    return units == LANES       ? SMALL_ONE
           : units < LANES      ? SMALL_ONE_PADDED
           : units == 2 * LANES ? SMALL_TWO
           : units < 2 * LANES  ? SMALL_TWO_PADDED
           : units <= 3 * LANES ? SMALL_THREE
                                : SMALL_FOUR;
}

/* How many groups. */
GRU_INLINE int small_groups(const enum small_shape shape)
{
    return shape < SMALL_TWO ? 1 : shape < SMALL_THREE ? 2 : shape == SMALL_THREE ? 3 : 4;
}

/* Whether the units fill whole vectors. */
GRU_INLINE int small_is_whole(const enum small_shape shape, const struct gru_cell *cell)
{
    return shape < SMALL_THREE ? shape == SMALL_ONE || shape == SMALL_TWO : cell->units % LANES == 0;
}

/* Where to read a row: where the caller has it, if that is as clean, or in a clean copy, which is made then. A state's
 * numbers have just come from the step before, and a way through a copy would be 15 cycles longer; so would one through
 * a conditional move, which the empty asm keeps the compiler from making of the branch. Nor may a copy be made for
 * nothing: where it lies a multiple of 4 KiB from weights, a CPU takes these for it at first, and steps of H = 16 took
 * 1.15 times as long in one of four placements. */
GRU_INLINE const float *small_row(float *copy, const float *from, size_t count)
{
    for (size_t i = 0; i < count; i += LANES) {
        const vec a = v_load_upto(from + i, count - i);
        if (!v_same(v_clean(a), a)) {
            clean_row(copy, from, count, 1);
            __asm__("" : "+r"(copy));
            return copy;
        }
    }
    return from;
}

/* The same of a state, or zeros. Of a state that fills no whole vectors there is a copy that does, for the gate
 * blocks. */
GRU_INLINE const float *small_state(float *copy, const float *h0, size_t units, const int whole)
{
    if (h0 && whole)
        return small_row(copy, h0, units);
    clean_state(copy, h0, units);
    for (size_t unit = 0; unit < units; unit += LANES)
        if (!h0 || !v_same(v_load(copy + unit), v_load_upto(h0 + unit, units - unit))) {
            __asm__("" : "+r"(copy));
            return copy;
        }
    return h0;
}

#ifndef TILE_PLAIN

/* What these steps use of a cell and of a step. As local structs with constants in them they vanish, and with them all
 * that the gate blocks could do besides: clips, outputs of gates, sums of directions. The compiler knows the units of
 * one or two whole groups. */
GRU_INLINE struct gru_cell small_cell(const struct gru_cell *cell, const enum small_shape shape)
{
    return (struct gru_cell){
        .gates = cell->gates,
        .update = cell->update,
        .hard_alpha = cell->hard_alpha,
        .hard_beta = cell->hard_beta,
        .units = shape == SMALL_ONE   ? LANES
                 : shape == SMALL_TWO ? 2 * LANES
                                      : cell->units,
        .recurrent = cell->recurrent,
        .candidate = cell->candidate,
    };
}

GRU_INLINE struct gru_step small_step(const struct gru_step *s, const struct gru_cell *cell)
{
    return (struct gru_step){
        .cell = cell,
        .rows = 1,
        .h = s->h,
        .h_next = s->h_next,
        .s = s->s,
        .z = s->z,
        .ax = s->ax,
        .y = s->y,
        .y_offset = s->y_offset,
        .y_shift = s->y_shift,
        .y_step = s->y_step,
    };
}

/* How many gates W has, and U, whose candidate has a matrix of its own where the reset comes before. */
GRU_INLINE int small_input_gates(const enum gru_reset reset)
{
    return reset == GRU_RESET_NONE ? 2 : 3;
}

GRU_INLINE int small_gates(const enum gru_reset reset)
{
    return reset == GRU_RESET_AFTER ? 3 : 2;
}

GRU_INLINE struct block small_block(const struct gru_step *s, const vec *ax_sums, const vec *ah_sums, int ax_gates,
                                    int ah_gates)
{
    return (struct block){
        .unit_step = LANES,
        .ax = s->ax,
        .ax_step = (size_t)ax_gates * LANES,
        .ax_sums = ax_sums,
        .ah_sums = ah_sums,
        .ax_gates = (size_t)ax_gates,
        .ah_gates = (size_t)ah_gates,
    };
}

/* The sums of a matrix, of so many groups from the first on. */
GRU_INLINE void small_sums(const int G, const enum small_shape shape, const struct gru_product *m, size_t first,
                           const float *x, vec *acc)
{
    const int V = small_groups(shape);
    const struct chains chains = chains_of(m, first, x, NULL);
    if (shape >= SMALL_THREE && (first + (size_t)V) * LANES > m->units)
        chains_sum_joined(G, V - 1, m->units % LANES, &chains, acc);
    else
        chains_sum(G, V, LANES, &chains, acc);
}

/* The same of x and of h, side by side. */
GRU_INLINE void small_sums_both(const int GX, const int G, const enum small_shape shape,
                                const struct gru_product *input, const float *x, const struct gru_product *recurrent,
                                const float *h, size_t first, vec *ax, vec *ah)
{
    const int V = small_groups(shape);
    const struct chains of_x = chains_of(input, first, x, NULL), of_h = chains_of(recurrent, first, h, NULL);
    chains_sum_both(GX, G, V, V, LANES, LANES, &of_x, &of_h, ax, ah);
}

/* One k of gates first .. end - 1 of W, whose sums stand where they do among all three. */
GRU_INLINE void small_part_step(const int first, const int end, const int V, const float *const *w, size_t k, vec xk,
                                vec *acc)
{
    GRU_UNROLL
    for (int c = 0; c < V * 3; c++)
        if (c % 3 >= first && c % 3 < end)
            acc[c] = v_fma(v_load(w[c / 3] + (k * 3 + (size_t)(c % 3)) * LANES), xk, acc[c]);
}

/* The sums of these gates, and beside them those of h, whose matrix has as many inputs or more. */
GRU_INLINE void small_sums_part(const int first, const int end, const int G, const enum small_shape shape,
                                const struct gru_product *input, const float *x, const struct gru_product *recurrent,
                                const float *h, vec *ax, vec *ah)
{
    const int V = small_groups(shape);
    const struct chains of_h = chains_of(recurrent, 0, h, NULL);
    const float *w[4], *u[4];
    size_t k = 0;
    GRU_UNROLL
    for (int v = 0; v < V; v++)
        w[v] = input->weights + (size_t)v * input->group_stride;
    GRU_UNROLL
    for (int c = 0; c < V * 3; c++)
        if (c % 3 >= first && c % 3 < end)
            ax[c] = v_load(input->bias + c * LANES);
    chains_start(G, V, &of_h, u, ah);
    for (; k + ROW_STEP <= input->length; k += ROW_STEP) {
        const inputs in = v_inputs(x + k);
        GRU_UNROLL
        for (int i = 0; i < ROW_STEP; i++)
            small_part_step(first, end, V, w, k + (size_t)i, v_input(in, i), ax);
        chains_step(G, V, ROW_STEP, LANES, of_h.x + k, u, ah);
    }
    for (size_t rest = k; rest < input->length; rest++)
        small_part_step(first, end, V, w, rest, v_input(v_inputs_one(x + rest), 0), ax);
    chains_rest(G, V, LANES, &of_h, k, u, ah);
}

/* How many lanes of a group stand in memory. */
GRU_INLINE size_t small_width(const struct gru_product *m, size_t group)
{
    return (group + 1) * LANES <= m->units ? (size_t)LANES : m->units % LANES;
}

/* The same one group after the other, from the last to the first if that is what the caches hold. */
GRU_INLINE void small_sums_alone(const int GX, const int G, const enum small_shape shape,
                                 const struct gru_product *input, const float *x, const struct gru_product *recurrent,
                                 const float *h, size_t first, const int backward, vec *ax, vec *ah)
{
    const int V = small_groups(shape);
    GRU_UNROLL
    for (int i = 0; i < V; i++) {
        const int v = backward ? V - 1 - i : i, last = v == V - 1;
        const size_t group = first + (size_t)v;
        const struct chains of_x = chains_of(input, group, x, NULL), of_h = chains_of(recurrent, group, h, NULL);
        chains_sum_group(GX, G, last ? small_width(input, group) : LANES, last ? small_width(recurrent, group) : LANES,
                         &of_x, &of_h, ax + v * GX, ah + v * G);
    }
}

/* The same where registers don't hold both, or W is so large that it isn't padded: its sums go by way of the workspace,
 * and come first unless the caches hold U's end. */
GRU_INLINE void small_sums_apart(const int GX, const int G, const enum small_shape shape,
                                 const struct gru_product *input, const float *x, const struct gru_product *recurrent,
                                 const float *h, size_t first, const int backward, float *sums, vec *ax, vec *ah)
{
    const int V = small_groups(shape);
    if (!backward)
        row_groups_of(input, first, first + (size_t)V, x, sums);
    small_sums(G, shape, recurrent, first, h, ah);
    if (backward)
        row_groups_of(input, first, first + (size_t)V, x, sums);
    GRU_UNROLL
    for (int c = 0; c < V * GX; c++)
        ax[c] = v_load(sums + c * LANES);
}

#endif

#endif
