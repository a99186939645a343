/* SPDX-License-Identifier: BSD-2-Clause */
/* stream.h: a step of one row on its own, from the caller's x and state to the caller's state, one tier; after step.h
 * (tier.h).
 *
 * Tried without gain: fetching the first lines of the weights again at the end, for the next step (at H = 64 level with
 * 32 lines, 3 to 15 % slower with more). */
#ifndef GRU_KERNELS_STREAM
#define GRU_KERNELS_STREAM

/* Which way to walk through large weights. A step alone doesn't know which way the one before it went, so it tosses a
 * coin, the lowest bit of the state's first number, and about every other step turns: at H = 256, whose weights are
 * half as many again as a second-level cache holds, they take 0.80 to 0.95 of the time. A state that stands still
 * tosses the same again and again, which is no worse than never to turn. */
static inline int stream_goes_backward(const struct gru_step *s)
{
    uint32_t coin;
    __builtin_memcpy(&coin, s->h, sizeof coin);
    return s->cell->recurrent.turns == GRU_TURNS_FAR && (coin & 1);
}

#endif

/* All groups: both products of a few, then their gate blocks. */
static void TIERED(stream_groups)(const struct gru_step *s, const struct gru_product *input, const float *x)
{
    _Alignas(GRU_ALIGNMENT) float sums[ROW_SUMS * LANES];
    const struct gru_product *m = &s->cell->recurrent;
    const size_t end = s->cell->groups, ax_step = s->cell->ax_gates * LANES, sums_step = m->gates * LANES;
    TIERED(cells) *const cells = TIERED(first_cells)(s->cell);
    for (size_t first = 0, groups; first < end; first += groups) {
        groups = 0;
        do {
            const size_t next = first + groups;
            groups += row_pair(input, m, next, end, x, s->h, s->ax + next * ax_step, sums + groups * sums_step);
        } while (groups < ABREAST && first + groups < end);
        cells(s, 0, 0, first * LANES, groups, sums, sums_step);
    }
}

/* The same from the last group to the first, in the same pieces. */
static void TIERED(stream_groups_backward)(const struct gru_step *s, const struct gru_product *input, const float *x)
{
    _Alignas(GRU_ALIGNMENT) float sums[ABREAST * GRU_MAX_GATES * LANES];
    const struct gru_product *m = &s->cell->recurrent;
    const size_t ax_step = s->cell->ax_gates * LANES, sums_step = m->gates * LANES;
    TIERED(cells) *const cells = TIERED(first_cells)(s->cell);
    for (size_t first, end = s->cell->groups; end; end = first) {
        first = (end - 1) / ABREAST * ABREAST;
        for (size_t at = first; at < end;)
            at += row_pair(input, m, at, end, x, s->h, s->ax + at * ax_step, sums + (at - first) * sums_step);
        cells(s, 0, 0, first * LANES, end - first, sums, sums_step);
    }
}

static GRU_NOINLINE void TIERED(stream_large)(const struct gru_lone *lone, char *workspace, const float *from,
                                              const float *h0, float *y, float *h_out)
{
    const struct gru_step s = gru_lone_step(lone, lone->cell, workspace, y ? y : h_out);
    float *x = (float *)(workspace + lone->x);
    clean_row(x, from, lone->input->length, 1);
    clean_state(s.h, h0, s.cell->units);
    if (stream_goes_backward(&s))
        TIERED(stream_groups_backward)(&s, lone->input, x);
    else
        TIERED(stream_groups)(&s, lone->input, x);
    if (s.cell->reset == GRU_RESET_BEFORE)
        TIERED(step_candidate)(&s, 0, s.cell->groups);
    if (y && h_out)
        copy_state(h_out, s.h_next, s.cell->units);
    v_end();
}

static void TIERED(stream)(const struct gru_lone *lone, char *workspace, const float *x, const float *h0, float *y,
                           float *h_out)
{
    if (!TIERED(stream_was_small)(lone, workspace, x, h0, y, h_out))
        TIERED(stream_large)(lone, workspace, x, h0, y, h_out);
}
