/* SPDX-License-Identifier: BSD-2-Clause */
/* stream.h: a step of one row on its own, from the caller's x and state to the caller's state, one tier; after step.h
 * (tier.h).
 *
 * Tried without gain: fetching the first lines of the weights again at the end, for the next step (at H = 64 level with
 * 32 lines, 3 to 15 % slower with more). */
#ifndef GRU_KERNELS_STREAM
#define GRU_KERNELS_STREAM

/* Pieces of which the next step may find some in the first-level cache: 16 units. Of AVX-512 that is one group, whose
 * chains are too few: where a sibling took its part of the cache too, lone steps of H = 64 took 1.08 of the time. */
enum { NEAR_PIECE = 16 / LANES < ABREAST ? 16 / LANES : ABREAST, TURNS_NEAR = LANES < 16 };

/* Which way to walk through large weights. A step alone doesn't know which way the one before it went, so it tosses a
 * coin, the lowest bit of the state's first number, and about every other step turns: at H = 256, whose weights are
 * half as many again as a second-level cache holds, they take 0.80 to 0.95 of the time; at H = 64 with AVX2 0.84 to 0.92. A
 * state that stands still tosses the same again and again, which is no worse than never to turn. */
static inline int stream_goes_backward(const struct gru_step *s)
{
    const enum gru_turns turns = s->cell->recurrent.turns;
    uint32_t coin;
    __builtin_memcpy(&coin, s->h, sizeof coin);
    return (turns == GRU_TURNS_FAR || (TURNS_NEAR && turns == GRU_TURNS_NEAR)) && (coin & 1);
}

/* How many groups go together, at least ABREAST but for near pieces: twice three where three of two and two gates have
 * their chains in registers. */
static inline size_t stream_piece(const struct gru_cell *cell)
{
    if (TURNS_NEAR && cell->recurrent.turns == GRU_TURNS_NEAR)
        return NEAR_PIECE;
    return TILE_ACCUMULATORS / 4 == 3 && cell->ax_gates == 2 ? 6 : ABREAST;
}

#endif

/* Both products of a few groups, then their gate blocks, from the first groups to the last or the other way. */
static void TIERED(stream_pieces)(const struct gru_step *s, const struct gru_product *input, const float *x,
                                  int backward)
{
    _Alignas(GRU_ALIGNMENT) float sums[ROW_SUMS * LANES];
    const struct gru_product *m = &s->cell->recurrent;
    const size_t end = s->cell->groups, piece = stream_piece(s->cell);
    const size_t ax_step = s->cell->ax_gates * LANES, sums_step = m->gates * LANES;
    TIERED(cells) *const cells = TIERED(first_cells)(s->cell);
    size_t first = backward ? (end - 1) / piece * piece : 0;
    for (size_t left = end, stop; left; left -= stop - first, first = backward ? first - piece : stop) {
        stop = end - first < piece ? end : first + piece;
        for (size_t at = first; at < stop;)
            at += row_pair(input, m, at, stop, x, s->h, s->ax + at * ax_step, sums + (at - first) * sums_step);
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
    TIERED(stream_pieces)(&s, lone->input, x, stream_goes_backward(&s));
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
