/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * small_lone.h: lone steps of at most four groups of units, with all sums in registers, one tier; after small_steps.h
 * (tier.h).
 *
 * A lone step has no struct gru_step in memory, and its state goes from the gate block to the caller: a call at H = 16
 * takes 230 cycles instead of 275.
 *
 * How both products are taken: side by side in all groups where registers hold the sums, of one group or two always;
 * one after the other where x is far shorter than h, or longer; group by group where the first-level cache holds only a
 * part of the weights, which the next step then finds there (is_grouped in ways.c).
 */
#if !defined GRU_KERNELS_SMALL_LONE && !defined TILE_PLAIN
#define GRU_KERNELS_SMALL_LONE

/* Whether the chains of both matrices, so many of each group, go side by side in all groups. Where vectors are as wide
 * as a line, those of three groups do, if the first-level cache holds the weights. */
GRU_INLINE int small_lone_beside(const int gates, const enum small_shape shape, const struct gru_lone *lone,
                                 const struct gru_cell *cell, size_t first)
{
    const struct gru_product *const w = lone->input, *const u = &cell->recurrent;
    const int V = small_groups(shape), alike = w->units == u->units;
    if (gates * V > TILE_ACCUMULATORS)
        return 0;
    if (shape < SMALL_THREE)
        return small_is_whole(shape, cell) || alike;
    if (!alike || (first + (size_t)V) * LANES > u->units)
        return 0;
    return (size_t)LANES < GRU_LINE || (shape == SMALL_THREE && !lone->grouped && w->length <= u->length);
}

/* Both matrices' sums, from the first group on. */
GRU_INLINE void small_lone_sums(const enum gru_reset reset, const enum small_shape shape, const struct gru_lone *lone,
                                const struct gru_step *s, size_t first, const float *x, const float *h, vec *ax,
                                vec *ah)
{
    const struct gru_product *const w = lone->input, *const u = &s->cell->recurrent;
    const int V = small_groups(shape), GX = small_input_gates(reset), G = small_gates(reset);
    const int fit = (GX + G) * V <= TILE_ACCUMULATORS;
    if (small_lone_beside(GX + G, shape, lone, s->cell, first))
        small_sums_both(GX, G, shape, w, x, u, h, first, ax, ah);
    else if (shape < SMALL_THREE || !fit || !lone->grouped || lone_goes_apart(w, u, first, first + (size_t)V))
        small_sums_apart(GX, G, shape, w, x, u, h, first, s->backward, s->ax + first * (size_t)GX * LANES, ax, ah);
    else if (s->backward)
        small_sums_alone(GX, G, shape, w, x, u, h, first, 1, ax, ah);
    else
        small_sums_alone(GX, G, shape, w, x, u, h, first, 0, ax, ah);
}

/* Whether, with the reset before, the candidate's chains over x wait for those over s: of two groups or more r's, z's
 * and the candidate's go beside each other by fours, and not ten before the reset and two after it (0.95 of the time
 * at H = 32). Those of more inputs than units would make both halves longer. */
GRU_INLINE int small_lone_waits(const enum small_shape shape, const struct gru_lone *lone)
{
    return shape >= SMALL_TWO && lone->input->length <= lone->cell->units &&
           small_lone_beside(2 + 2, shape, lone, lone->cell, 0);
}

#endif

#ifndef TILE_PLAIN

GRU_INLINE void TIERED(small_lone)(const struct gru_lone *lone, char *workspace, const gru_io *io,
                                   const enum gru_reset reset, const int waits, const enum small_shape shape)
{
    const struct gru_cell cell = small_cell(lone->cell, shape);
    float *const y = io->y ? io->y : io->state.h;
    const int whole = small_is_whole(shape, &cell);
    struct gru_step s = gru_lone_step(lone, &cell, workspace, whole ? NULL : y);
    vec ax[TILE_ACCUMULATORS], ah[TILE_ACCUMULATORS];
    const float *x = small_row((float *)(workspace + lone->x), io->x, lone->input->length);
    const float *h = small_state(s.h, io->state.h0, cell.units, whole);
    if (whole) {
        s.h = (float *)(uintptr_t)h; /* only read */
        s.h_next = y ? y : s.h_next;
    }
    s.backward = shape >= SMALL_THREE && lone_goes_backward(lone, &s, io->steps_before);
    if (waits)
        small_sums_part(0, 2, 2, shape, lone->input, x, &cell.recurrent, h, ax, ah);
    else
        small_lone_sums(reset, shape, lone, &s, 0, x, h, ax, ah);
    TIERED(small_cells)(&s, reset, shape, ax, ah, waits ? lone->input : NULL, x);
    if (io->y && io->state.h)
        copy_state(io->state.h, s.h_next, cell.units);
    v_end();
}

GRU_INLINE void TIERED(lone_of_shape)(const struct gru_lone *lone, char *workspace, const gru_io *io,
                                      const enum small_shape shape)
{
    const int before = lone->cell->reset == GRU_RESET_BEFORE;
    if (before && small_lone_waits(shape, lone))
        TIERED(small_lone)(lone, workspace, io, GRU_RESET_BEFORE, 1, shape);
    else if (before)
        TIERED(small_lone)(lone, workspace, io, GRU_RESET_BEFORE, 0, shape);
    else
        TIERED(small_lone)(lone, workspace, io, GRU_RESET_AFTER, 0, shape);
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

static GRU_NOINLINE void TIERED(lone_three)(const struct gru_lone *lone, char *workspace, const gru_io *io)
{
    TIERED(lone_of_shape)(lone, workspace, io, SMALL_THREE);
}

static GRU_NOINLINE void TIERED(lone_four)(const struct gru_lone *lone, char *workspace, const gru_io *io)
{
    TIERED(lone_of_shape)(lone, workspace, io, SMALL_FOUR);
}

static GRU_NOINLINE void TIERED(lone_none_one)(const struct gru_lone *lone, char *workspace, const gru_io *io)
{
    TIERED(small_lone)(lone, workspace, io, GRU_RESET_NONE, 0, SMALL_ONE);
}

static GRU_NOINLINE void TIERED(lone_none_one_padded)(const struct gru_lone *lone, char *workspace, const gru_io *io)
{
    TIERED(small_lone)(lone, workspace, io, GRU_RESET_NONE, 0, SMALL_ONE_PADDED);
}

static GRU_NOINLINE void TIERED(lone_none_two)(const struct gru_lone *lone, char *workspace, const gru_io *io)
{
    TIERED(small_lone)(lone, workspace, io, GRU_RESET_NONE, 0, SMALL_TWO);
}

static GRU_NOINLINE void TIERED(lone_none_two_padded)(const struct gru_lone *lone, char *workspace, const gru_io *io)
{
    TIERED(small_lone)(lone, workspace, io, GRU_RESET_NONE, 0, SMALL_TWO_PADDED);
}

static GRU_NOINLINE void TIERED(lone_none_three)(const struct gru_lone *lone, char *workspace, const gru_io *io)
{
    TIERED(small_lone)(lone, workspace, io, GRU_RESET_NONE, 0, SMALL_THREE);
}

static GRU_NOINLINE void TIERED(lone_none_four)(const struct gru_lone *lone, char *workspace, const gru_io *io)
{
    TIERED(small_lone)(lone, workspace, io, GRU_RESET_NONE, 0, SMALL_FOUR);
}

static void (*const TIERED(lone_by_shape)[])(const struct gru_lone *lone, char *workspace, const gru_io *io) = {
    [SMALL_ONE] = TIERED(lone_one),     [SMALL_ONE_PADDED] = TIERED(lone_one_padded),
    [SMALL_TWO] = TIERED(lone_two),     [SMALL_TWO_PADDED] = TIERED(lone_two_padded),
    [SMALL_THREE] = TIERED(lone_three), [SMALL_FOUR] = TIERED(lone_four),
};

static void (*const TIERED(lone_none_by_shape)[])(const struct gru_lone *lone, char *workspace, const gru_io *io) = {
    [SMALL_ONE] = TIERED(lone_none_one),     [SMALL_ONE_PADDED] = TIERED(lone_none_one_padded),
    [SMALL_TWO] = TIERED(lone_none_two),     [SMALL_TWO_PADDED] = TIERED(lone_none_two_padded),
    [SMALL_THREE] = TIERED(lone_none_three), [SMALL_FOUR] = TIERED(lone_none_four),
};

#endif

/* Does what is small enough, and says whether it was. (Two tables: of one with two columns, whose place takes no branch,
 * lone steps of H = 17 take 1.05 times as long, and of H = 12 with AVX2 1.07.) */
GRU_INLINE int TIERED(lone_was_small)(const struct gru_lone *lone, char *workspace, const gru_io *io)
{
#ifndef TILE_PLAIN
    if (!TIERED(is_small_cell)(lone->cell))
        return 0;
    if (lone->cell->reset == GRU_RESET_NONE)
        TIERED(lone_none_by_shape)[small_shape_of(lone->cell->units)](lone, workspace, io);
    else
        TIERED(lone_by_shape)[small_shape_of(lone->cell->units)](lone, workspace, io);
    return 1;
#else
    return (void)lone, (void)workspace, (void)io, 0;
#endif
}
