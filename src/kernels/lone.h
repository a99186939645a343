/* SPDX-License-Identifier: BSD-2-Clause */
/* lone.h: a step of one row on its own, from the caller's x and state to the caller's state, one tier; after step.h
 * (tier.h).
 *
 * Tried without gain: fetching the first lines of the weights again at the end, for the next step (at H = 64 level with
 * 32 lines, 3 to 15 % slower with more). */
#ifndef GRU_KERNELS_LONE
#define GRU_KERNELS_LONE

/* Which way to walk through weights that a cache holds in part: forward and backward in turns, if the caller says how
 * many steps there have been. Otherwise a step doesn't know which way the one before it went, and tosses a coin, the
 * lowest bit of the state's first number, so that about every other step turns. A state that stands still tosses the
 * same again and again, which is no worse than never to turn. */
static inline int lone_goes_backward(const struct gru_lone *lone, const struct gru_step *s, size_t steps_before)
{
    uint32_t coin;
    if (lone->turns == GRU_TURNS_NEVER)
        return 0;
    if (steps_before)
        return steps_before & 1;
    __builtin_memcpy(&coin, s->h, sizeof coin);
    return coin & 1;
}

/* Whether both products of some groups go one after the other, rather than side by side:
 *     if only one of the matrices is padded;
 *     if the last group is narrow and can so go with others (0.93 to 0.97 of the time, where the reset comes before
 *     0.85 to 0.93), with vectors as wide as a line only if it is half full at most (else 1.02 to 1.04);
 *     if registers don't hold all those chains: with AVX2 lone steps take 0.78 of the time at H = 128, 0.90 at H = 48,
 *     0.95 at H = 24. (With AVX-512, whose registers do, it would be 1.01 at H = 64.) */
static inline int lone_goes_apart(const struct gru_product *input, const struct gru_product *m, size_t first,
                                  size_t end)
{
    const size_t groups = end - first, lanes = end * LANES;
    if (input->units != m->units)
        return 1;
    if (groups > 1 && lanes > m->units)
        return (size_t)LANES < GRU_LINE || 2 * (lanes - m->units) >= LANES;
    return ABREAST > 1 && (input->gates + m->gates) * groups > TILE_ACCUMULATORS;
}

/* Whether both chains of a group go without its neighbours', as they may where vectors are as wide as a line. Where the
 * first-level cache holds a part of the weights, each group does (is_grouped in ways.c); where the second-level one
 * does, the first and the last: the next step, if it goes the other way, finds the last ones there. */
static inline int lone_alone(const struct gru_lone *lone, size_t group)
{
    const int end = group == 0 || group + 1 == lone->cell->groups;
    return (size_t)LANES >= GRU_LINE &&
           ((lone->turns == GRU_TURNS_NEAR && lone->grouped) || (lone->turns == GRU_TURNS_FAR && end));
}

/* W's product of groups first .. end - 1 and then U's; backward the other way round, since the cache has U's end. */
static inline void lone_products_apart(const struct gru_step *s, const struct gru_lone *lone, const float *x,
                                       size_t first, size_t end, float *ax, float *sums)
{
    if (s->backward)
        row_groups_of(&s->cell->recurrent, first, end, s->h, sums);
    row_groups_of(lone->input, first, end, x, ax);
    if (!s->backward)
        row_groups_of(&s->cell->recurrent, first, end, s->h, sums);
}

/* Both products of groups first .. end - 1. */
static inline void lone_products(const struct gru_step *s, const struct gru_lone *lone, const float *x, size_t first,
                                 size_t end, float *sums)
{
    const struct gru_product *const w = lone->input, *const u = &s->cell->recurrent;
    const size_t ax_step = s->cell->ax_gates * LANES, sums_step = u->gates * LANES;
    if (lone_goes_apart(w, u, first, end)) {
        lone_products_apart(s, lone, x, first, end, s->ax + first * ax_step, sums);
        return;
    }
    const size_t middle = first + (size_t)lone_alone(lone, first);
    const size_t middle_end = end - (size_t)lone_alone(lone, end - 1);
    for (size_t done = 0, at, stop; done < end - first; done += stop - at) {
        const size_t group = s->backward ? end - 1 - done : first + done;
        const int alone = lone_alone(lone, group);
        at = alone ? group : middle;
        stop = alone ? group + 1 : middle_end;
        for (size_t g = at; g < stop;)
            g += row_pair(w, u, g, stop, x, s->h, s->ax + g * ax_step, sums + (g - first) * sums_step);
    }
}

#endif

#include "small_lone.h"

/* Whether so many groups are a piece, whose sums stay in registers (piece.h). Where vectors are as wide as a line, it
 * reads each group alone, which takes up to 1.03 times as long where the first-level cache holds hardly anything. */
static inline int TIERED(is_lone_piece)(const struct gru_step *s, const struct gru_lone *lone, size_t groups)
{
    return groups == 4 && TIERED(piece_of)(s) && ((size_t)LANES < GRU_LINE || lone->turns == GRU_TURNS_NEAR);
}

static GRU_NOINLINE void TIERED(lone_piece)(const struct gru_step *s, const struct gru_lone *lone, const float *x,
                                            size_t first)
{
#ifdef TILE_PLAIN
    (void)s, (void)lone, (void)x, (void)first;
#else
    vec ax[TILE_ACCUMULATORS], ah[TILE_ACCUMULATORS];
    small_lone_sums(GRU_RESET_AFTER, SMALL_FOUR, lone, s, first, x, s->h, ax, ah);
    TIERED(piece_cells)(4, s, first, ax, ah);
#endif
}

/* Both products of ABREAST groups, then their gate blocks, from the first groups to the last or the other way. */
static void TIERED(lone_groups)(const struct gru_step *s, const struct gru_lone *lone, const float *x)
{
    _Alignas(GRU_ALIGNMENT) float sums[ABREAST * GRU_MAX_GATES * LANES];
    const size_t end = s->cell->groups, sums_step = s->cell->recurrent.gates * LANES;
    cells_kernel *const cells = TIERED(first_cells)(s->cell);
    for (size_t left = end, n; left; left -= n) {
        n = left < ABREAST ? left : ABREAST;
        const size_t first = s->backward ? left - n : end - left;
        if (TIERED(is_lone_piece)(s, lone, n)) {
            TIERED(lone_piece)(s, lone, x, first);
            continue;
        }
        lone_products(s, lone, x, first, first + n, sums);
        cells(s, 0, 0, first * LANES, n, sums, sums_step);
    }
}

static GRU_NOINLINE void TIERED(lone_large)(const struct gru_lone *lone, char *workspace, const gru_io *io)
{
    struct gru_step s = gru_lone_step(lone, lone->cell, workspace, io->y ? io->y : io->state.h);
    float *x = (float *)(workspace + lone->x);
    clean_row(x, io->x, lone->input->length, 1);
    clean_state(s.h, io->state.h0, s.cell->units);
    s.backward = lone_goes_backward(lone, &s, io->steps_before);
    TIERED(step_apart)(&s, 0, s.cell->groups);
    TIERED(lone_groups)(&s, lone, x);
    if (s.cell->reset == GRU_RESET_BEFORE)
        TIERED(step_candidate)(&s, 0, s.cell->groups);
    if (io->y && io->state.h)
        copy_state(io->state.h, s.h_next, s.cell->units);
    v_end();
}

static void TIERED(lone)(const struct gru_lone *lone, char *workspace, const gru_io *io)
{
    if (!TIERED(lone_was_small)(lone, workspace, io))
        TIERED(lone_large)(lone, workspace, io);
}
