/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * small.h: steps of one row of at most two groups of units, with all sums in registers, one tier (tier.h).
 *
 *                   W (r z n)      U (r z n)
 *     x[k], h[k]   acc acc acc    acc acc acc     <- per k 6 FMAs, 6 loads, 2 broadcasts; of two groups twice that
 *
 * An FMA takes 4 cycles, and a k waits for the one before: 6 FMAs need 3 cycles of two units and 8 loads 4 cycles, so
 * one group is bound by latency and two by loads, 7 cycles a k. So in a sequence one group's chains over x go beside
 * those over h and take no time of their own. Of two groups, U's chains alone would take 4 cycles a k, and W's 3 as one
 * product for many steps; but W's don't wait for the state, and run while the gate blocks do (goes_beside in layer.c).
 *
 * At sixteen units the chains of a step take 64 cycles and a gate block about 140, one after the other; the general
 * way from the one to the other, with its calls, its loops and its sums in memory, would take half as long again
 * (measured: steps of a sequence in 0.87 of the time at H = 16, 0.78 at H = 32).
 *
 * A lone step has no struct gru_step in memory, and its state goes from the gate block to the caller: a call at H = 16
 * takes 230 cycles instead of 275.
 */
#ifndef GRU_KERNELS_SMALL
#define GRU_KERNELS_SMALL

/* One group of units or two; padded: the last one has fewer units than lanes. A constant at each call says which code
 * is compiled in. */
enum small_shape { SMALL_ONE, SMALL_ONE_PADDED, SMALL_TWO, SMALL_TWO_PADDED };

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

/* What a plain step uses of a cell and of a step. As local structs with constants in them they vanish, and with them
 * all that the gate blocks could do besides: clips, hard sigmoids, outputs of gates, sums of directions. The compiler
 * knows the units where there are whole groups only. */
GRU_INLINE struct gru_cell small_cell(const struct gru_cell *cell, const enum small_shape shape)
{
    return (struct gru_cell){
        .gates = GRU_GATES_SIGMOID,
        .update = cell->update,
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

/* How many groups. */
GRU_INLINE int small_groups(const enum small_shape shape)
{
    return shape >= SMALL_TWO ? 2 : 1;
}

GRU_INLINE struct block small_block(const struct gru_step *s, const vec *ax_sums, const vec *ah_sums, int ah_gates)
{
    return (struct block){
        .unit_step = LANES,
        .ax = s->ax,
        .ax_step = 3 * LANES,
        .ax_sums = ax_sums,
        .ah_sums = ah_sums,
        .ax_gates = 3,
        .ah_gates = (size_t)ah_gates,
    };
}

/* The sums of a matrix. */
GRU_INLINE void small_sums(const int G, const enum small_shape shape, const struct gru_product *m, const float *x,
                           vec *acc)
{
    const struct chains chains = chains_of(m, 0, x, NULL);
    chains_sum(G, small_groups(shape), LANES, &chains, acc);
}

/* The same of x and of h, side by side. */
GRU_INLINE void small_sums_both(const int G, const enum small_shape shape, const struct gru_product *input,
                                const float *x, const struct gru_product *recurrent, const float *h, vec *ax, vec *ah)
{
    const int V = small_groups(shape);
    const struct chains of_x = chains_of(input, 0, x, NULL), of_h = chains_of(recurrent, 0, h, NULL);
    chains_sum_both(3, G, V, V, LANES, LANES, &of_x, &of_h, ax, ah);
}

/* The same where W is so large that it isn't padded; its sums go by way of the workspace. */
GRU_INLINE void small_sums_apart(const int G, const enum small_shape shape, const struct gru_product *input,
                                 const float *x, const struct gru_product *recurrent, const float *h, float *sums,
                                 vec *ax, vec *ah)
{
    const int V = small_groups(shape);
    row_groups_of(input, 0, (size_t)V, x, sums);
    small_sums(G, shape, recurrent, h, ah);
    GRU_UNROLL
    for (int c = 0; c < V * 3; c++)
        ax[c] = v_load(sums + c * LANES);
}

#endif

#endif

#ifndef TILE_PLAIN

/* Whether a layer's plain steps are those here, and whether a step is one of them. */
static inline int TIERED(is_small_cell)(const struct gru_cell *cell)
{
    const size_t packed = cell->recurrent.units;
    return TIERED(abreast) > 1 && cell->plain && (packed == LANES || packed == 2 * LANES);
}

static inline int TIERED(is_small)(const struct gru_step *s)
{
    return TIERED(is_small_cell)(s->cell) && s->rows == 1 && gru_step_is_bare(s);
}

/* From the sums on: the gate blocks, and where the reset comes before, the candidate's chains between them. */
GRU_INLINE void TIERED(small_cells)(const struct gru_step *s, const int before, const enum small_shape shape,
                                    const vec *ax_sums, const vec *ah_sums)
{
    const size_t n = (size_t)small_groups(shape);
    if (!before) {
        struct block b = small_block(s, ax_sums, ah_sums, 3);
        TIERED(cell_after)(n, s, &b);
        return;
    }
    struct block b = small_block(s, ax_sums, ah_sums, 2);
    TIERED(cell_reset)(n, s, &b);
    vec candidate[TILE_ACCUMULATORS];
    small_sums(1, shape, &s->cell->candidate, s->s, candidate);
    b = small_block(s, ax_sums, candidate, 1);
    TIERED(cell_before)(n, s, &b);
}

GRU_INLINE void TIERED(small_steps)(struct gru_step *s, size_t count, const int before, const int beside,
                                    const enum small_shape shape)
{
    struct gru_cell cell = small_cell(s->cell, shape);
    struct gru_step now = small_step(s, &cell);
    const struct gru_product *input = s->cell->beside;
    const float *x = s->x;
    cell.ax_row = s->cell->ax_row;
    const int G = before ? 2 : 3;
    const size_t x_row = s->cell->x_row;
    for (; count; count--) {
        vec ax[TILE_ACCUMULATORS], ah[TILE_ACCUMULATORS];
        if (beside)
            small_sums_both(G, shape, input, x, &cell.recurrent, now.h, ax, ah);
        else
            small_sums(G, shape, &cell.recurrent, now.h, ah);
        TIERED(small_cells)(&now, before, shape, beside ? ax : NULL, ah);
        step_on(&now, count == 1);
        if (beside)
            x += x_row;
    }
    s->h = now.h;
    s->h_next = now.h_next;
}

GRU_INLINE void TIERED(small_lone)(const struct gru_lone *lone, char *workspace, const gru_io *io, const int before,
                                   const enum small_shape shape)
{
    const struct gru_cell cell = small_cell(lone->cell, shape);
    float *const y = io->y ? io->y : io->state.h;
    const int whole = shape == SMALL_ONE || shape == SMALL_TWO;
    struct gru_step s = gru_lone_step(lone, &cell, workspace, whole ? NULL : y);
    vec ax[TILE_ACCUMULATORS], ah[TILE_ACCUMULATORS];
    const float *x = small_row((float *)(workspace + lone->x), io->x, lone->input->length);
    const float *h = small_state(s.h, io->state.h0, cell.units, whole);
    if (whole) {
        s.h = (float *)(uintptr_t)h; /* only read */
        s.h_next = y ? y : s.h_next;
    }
    const int G = before ? 2 : 3;
    if ((shape == SMALL_ONE_PADDED || shape == SMALL_TWO_PADDED) && lone->input->units != cell.recurrent.units)
        small_sums_apart(G, shape, lone->input, x, &cell.recurrent, h, s.ax, ax, ah);
    else
        small_sums_both(G, shape, lone->input, x, &cell.recurrent, h, ax, ah);
    TIERED(small_cells)(&s, before, shape, ax, ah);
    if (io->y && io->state.h)
        copy_state(io->state.h, s.h_next, cell.units);
    v_end();
}

/* A function for each shape: in one for all of them gcc ran out of registers, and kept pointers in vectors. */
GRU_INLINE void TIERED(steps_of_shape)(struct gru_step *s, size_t count, const enum small_shape shape)
{
    const int before = s->cell->reset == GRU_RESET_BEFORE;
    if (s->x && before)
        TIERED(small_steps)(s, count, 1, 1, shape);
    else if (s->x)
        TIERED(small_steps)(s, count, 0, 1, shape);
    else if (before)
        TIERED(small_steps)(s, count, 1, 0, shape);
    else
        TIERED(small_steps)(s, count, 0, 0, shape);
}

static GRU_NOINLINE void TIERED(steps_one)(struct gru_step *s, size_t count)
{
    TIERED(steps_of_shape)(s, count, SMALL_ONE);
}

static GRU_NOINLINE void TIERED(steps_one_padded)(struct gru_step *s, size_t count)
{
    TIERED(steps_of_shape)(s, count, SMALL_ONE_PADDED);
}

static GRU_NOINLINE void TIERED(steps_two)(struct gru_step *s, size_t count)
{
    TIERED(steps_of_shape)(s, count, SMALL_TWO);
}

static GRU_NOINLINE void TIERED(steps_two_padded)(struct gru_step *s, size_t count)
{
    TIERED(steps_of_shape)(s, count, SMALL_TWO_PADDED);
}

GRU_INLINE void TIERED(lone_of_shape)(const struct gru_lone *lone, char *workspace, const gru_io *io,
                                      const enum small_shape shape)
{
    if (lone->cell->reset == GRU_RESET_BEFORE)
        TIERED(small_lone)(lone, workspace, io, 1, shape);
    else
        TIERED(small_lone)(lone, workspace, io, 0, shape);
}

static GRU_NOINLINE void TIERED(lone_one)(const struct gru_lone *lone, char *workspace, const gru_io *io)
{
    TIERED(lone_of_shape)(lone, workspace, io, SMALL_ONE);
}

static GRU_NOINLINE void TIERED(lone_one_padded)(const struct gru_lone *lone, char *workspace, const gru_io *io)
{
    TIERED(lone_of_shape)(lone, workspace, io, SMALL_ONE_PADDED);
}

static GRU_NOINLINE void TIERED(lone_two)(const struct gru_lone *lone, char *workspace, const gru_io *io)
{
    TIERED(lone_of_shape)(lone, workspace, io, SMALL_TWO);
}

static GRU_NOINLINE void TIERED(lone_two_padded)(const struct gru_lone *lone, char *workspace, const gru_io *io)
{
    TIERED(lone_of_shape)(lone, workspace, io, SMALL_TWO_PADDED);
}

#endif

/* Both do what is small enough for them, and say whether it was. */
GRU_INLINE int TIERED(steps_were_small)(struct gru_step *s, size_t count)
{
#ifndef TILE_PLAIN
    const size_t units = s->cell->units;
    if (!TIERED(is_small)(s))
        return 0;
    if (units == LANES)
        TIERED(steps_one)(s, count);
    else if (units < LANES)
        TIERED(steps_one_padded)(s, count);
    else if (units == 2 * LANES)
        TIERED(steps_two)(s, count);
    else
        TIERED(steps_two_padded)(s, count);
    return 1;
#else
    return (void)s, (void)count, 0;
#endif
}

GRU_INLINE int TIERED(lone_was_small)(const struct gru_lone *lone, char *workspace, const gru_io *io)
{
#ifndef TILE_PLAIN
    const size_t units = lone->cell->units;
    if (!TIERED(is_small_cell)(lone->cell))
        return 0;
    if (units == LANES)
        TIERED(lone_one)(lone, workspace, io);
    else if (units < LANES)
        TIERED(lone_one_padded)(lone, workspace, io);
    else if (units == 2 * LANES)
        TIERED(lone_two)(lone, workspace, io);
    else
        TIERED(lone_two_padded)(lone, workspace, io);
    return 1;
#else
    return (void)lone, (void)workspace, (void)io, 0;
#endif
}
