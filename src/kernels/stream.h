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

/* Whether both products of some groups go one after the other, rather than side by side. They do where registers don't hold
 * all those chains: with AVX2 lone steps take 0.78 of the time at H = 128, 0.90 at H = 48, 0.95 at H = 24. (With AVX-512,
 * whose registers do, it would be 1.01 at H = 64.) And they do where a narrow group can so go with others (0.93 to 0.97 of
 * the time, where the reset comes before 0.85 to 0.93), but for vectors as wide as a line, most of which cross two: 1.02
 * to 1.04. */
static inline int stream_goes_apart(const struct gru_product *input, const struct gru_product *m, size_t first,
                                    size_t end)
{
    const size_t groups = end - first, lanes = end * LANES;
    if (input->units != m->units)
        return 1;
    if (groups > 1 && lanes > m->units)
        return (size_t)LANES < GRU_LINE || 2 * (lanes - m->units) >= LANES;
    return ABREAST > 1 && (input->gates + m->gates) * groups > TILE_ACCUMULATORS;
}

static inline void stream_products(const struct gru_step *s, const struct gru_product *input, const float *x,
                                   size_t first, size_t end, float *sums)
{
    const struct gru_product *m = &s->cell->recurrent;
    const size_t ax_step = s->cell->ax_gates * LANES, sums_step = m->gates * LANES;
    if (stream_goes_apart(input, m, first, end)) {
        row_groups_of(input, first, end, x, s->ax + first * ax_step);
        row_groups_of(m, first, end, s->h, sums);
        return;
    }
    for (size_t at = first; at < end;)
        at += row_pair(input, m, at, end, x, s->h, s->ax + at * ax_step, sums + (at - first) * sums_step);
}

#endif

/* Both products of ABREAST groups, then their gate blocks, from the first groups to the last or the other way. */
static void TIERED(stream_groups)(const struct gru_step *s, const struct gru_product *input, const float *x,
                                  int backward)
{
    _Alignas(GRU_ALIGNMENT) float sums[ABREAST * GRU_MAX_GATES * LANES];
    const size_t end = s->cell->groups, sums_step = s->cell->recurrent.gates * LANES;
    TIERED(cells) *const cells = TIERED(first_cells)(s->cell);
    size_t first = backward ? (end - 1) / ABREAST * ABREAST : 0;
    for (size_t left = end, stop; left; left -= stop - first, first = backward ? first - ABREAST : stop) {
        stop = end - first < ABREAST ? end : first + ABREAST;
        stream_products(s, input, x, first, stop, sums);
        cells(s, 0, 0, first * LANES, stop - first, sums, sums_step);
    }
}

static GRU_NOINLINE void TIERED(stream_large)(const struct gru_lone *lone, char *workspace, const float *from,
                                              const float *h0, float *y, float *h_out)
{
    const struct gru_step s = gru_lone_step(lone, lone->cell, workspace, y ? y : h_out);
    float *x = (float *)(workspace + lone->x);
    clean_row(x, from, lone->input->length, 1);
    clean_state(s.h, h0, s.cell->units);
    TIERED(stream_groups)(&s, lone->input, x, stream_goes_backward(&s));
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
