/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * small.h: steps of one row of at most two groups of units, with all sums in registers, one tier (tier.h).
 *
 * At sixteen units the chains of a step take 64 cycles and a gate block about 140, one after the other; the general
 * way from the one to the other, with its calls, its loops and its sums in memory, would take half as long again
 * (measured: steps of a sequence in 0.87 of the time at H = 16, 0.78 at H = 32).
 */
#ifndef GRU_KERNELS_SMALL
#define GRU_KERNELS_SMALL

/* A group of LANES units or of fewer, or such a group after one of LANES. Its constant at a call says which code is
 * compiled in. */
enum small_shape { SMALL_ONE, SMALL_NARROW, SMALL_TWO, SMALL_TWO_NARROW };

#endif

#ifndef TILE_PLAIN

/* What a plain step uses of a cell and of a step. As local structs with constants in them they vanish, and with them
 * all that the gate blocks could do besides: clips, hard sigmoids, outputs of gates, sums of directions. */
GRU_INLINE struct gru_cell TIERED(small_cell)(const struct gru_cell *cell)
{
    return (struct gru_cell){
        .gates = GRU_GATES_SIGMOID,
        .update = cell->update,
        .units = cell->units,
        .recurrent = cell->recurrent,
        .candidate = cell->candidate,
    };
}

GRU_INLINE struct gru_step TIERED(small_step)(const struct gru_step *s, const struct gru_cell *cell)
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

/* Whether a step is one of those here. */
static inline int TIERED(is_small)(const struct gru_step *s)
{
    const struct gru_cell *cell = s->cell;
    return TIERED(abreast) > 1 && s->rows == 1 && cell->units <= 2 * LANES &&
           cell->reset != GRU_RESET_NONE && cell->gates == GRU_GATES_SIGMOID && !cell->clips && !s->y_add &&
           !s->gate_out[GRU_R] && !s->gate_out[GRU_Z] && !s->gate_out[GRU_N];
}

GRU_INLINE struct block TIERED(small_block)(const struct gru_step *s, const vec *ax_sums, const vec *ah_sums,
                                            int ah_gates)
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

/* The sums of a matrix; `width` is that of a narrow group. */
GRU_INLINE void TIERED(small_sums)(const int G, const enum small_shape shape, size_t width,
                                   const struct gru_product *m, const float *x, vec *acc)
{
    const struct chains first = chains_of(m, 0, x, NULL);
    if (shape == SMALL_TWO_NARROW) {
        const struct chains second = chains_of(m, 1, x, NULL);
        chains_sum_both(G, G, 1, LANES, width, &first, &second, acc, acc + G);
    } else {
        chains_sum(G, shape == SMALL_TWO ? 2 : 1, shape == SMALL_NARROW ? width : LANES, &first, acc);
    }
}

/* From the sums on: the gate blocks, and where the reset comes before, the candidate's chains between them. */
GRU_INLINE void TIERED(small_cells)(const struct gru_step *s, const int before, const enum small_shape shape,
                                    size_t width, const vec *ax_sums, const vec *ah_sums)
{
    const size_t n = shape >= SMALL_TWO ? 2 : 1;
    if (!before) {
        struct block b = TIERED(small_block)(s, ax_sums, ah_sums, 3);
        TIERED(cell_after)(n, s, &b);
        return;
    }
    struct block b = TIERED(small_block)(s, ax_sums, ah_sums, 2);
    TIERED(cell_reset)(n, s, &b);
    vec candidate[TILE_ACCUMULATORS];
    TIERED(small_sums)(1, shape, width, &s->cell->candidate, s->s, candidate);
    b = TIERED(small_block)(s, ax_sums, candidate, 1);
    TIERED(cell_before)(n, s, &b);
}

GRU_INLINE void TIERED(small_steps)(struct gru_step *s, size_t count, const int before, const enum small_shape shape,
                                    size_t width)
{
    struct gru_cell cell = TIERED(small_cell)(s->cell);
    struct gru_step now = TIERED(small_step)(s, &cell);
    cell.ax_row = s->cell->ax_row;
    for (; count; count--) {
        vec sums[TILE_ACCUMULATORS];
        TIERED(small_sums)(before ? 2 : 3, shape, width, &cell.recurrent, now.h, sums);
        TIERED(small_cells)(&now, before, shape, width, NULL, sums);
        step_on(&now, count == 1);
    }
    s->h = now.h;
    s->h_next = now.h_next;
}

GRU_INLINE void TIERED(small_stream)(const struct gru_stream *stream, const int before, const enum small_shape shape,
                                     size_t width)
{
    const struct gru_cell cell = TIERED(small_cell)(stream->step.cell);
    const struct gru_step s = TIERED(small_step)(&stream->step, &cell);
    const int gates = before ? 2 : 3;
    const size_t of_first = shape == SMALL_NARROW ? width : LANES;
    vec ax[TILE_ACCUMULATORS], ah[TILE_ACCUMULATORS];
    const struct chains of_x = chains_of(stream->input, 0, stream->x_room, NULL);
    const struct chains of_h = chains_of(&cell.recurrent, 0, s.h, NULL);
    chains_sum_both(3, gates, shape == SMALL_TWO ? 2 : 1, of_first, of_first, &of_x, &of_h, ax, ah);
    if (shape == SMALL_TWO_NARROW) {
        const struct chains rest_of_x = chains_of(stream->input, 1, stream->x_room, NULL);
        const struct chains rest_of_h = chains_of(&cell.recurrent, 1, s.h, NULL);
        chains_sum_both(3, gates, 1, width, width, &rest_of_x, &rest_of_h, ax + 3, ah + gates);
    }
    TIERED(small_cells)(&s, before, shape, width, ax, ah);
}

/* `count` steps, or the stream's one where there is a stream. */
GRU_INLINE void TIERED(small_run)(struct gru_step *steps, size_t count, const struct gru_stream *stream,
                                  const int before, const enum small_shape shape, size_t width)
{
    if (stream)
        TIERED(small_stream)(stream, before, shape, width);
    else
        TIERED(small_steps)(steps, count, before, shape, width);
}

GRU_INLINE void TIERED(small_reset)(struct gru_step *steps, size_t count, const struct gru_stream *stream,
                                    size_t units, const int before)
{
    if (units == LANES)
        TIERED(small_run)(steps, count, stream, before, SMALL_ONE, 0);
    else if (units < LANES)
        TIERED(small_run)(steps, count, stream, before, SMALL_NARROW, units);
    else if (units == 2 * LANES)
        TIERED(small_run)(steps, count, stream, before, SMALL_TWO, 0);
    else
        TIERED(small_run)(steps, count, stream, before, SMALL_TWO_NARROW, units - LANES);
}

/* Whether there are steps or a stream is a constant at each call. */
GRU_INLINE int TIERED(was_small)(const struct gru_step *s, struct gru_step *steps, size_t count,
                                 const struct gru_stream *stream)
{
    if (!TIERED(is_small)(s))
        return 0;
    if (s->cell->reset == GRU_RESET_BEFORE)
        TIERED(small_reset)(steps, count, stream, s->cell->units, 1);
    else
        TIERED(small_reset)(steps, count, stream, s->cell->units, 0);
    return 1;
}

#endif

/* Both do what is small enough for them, and say whether it was. */
static int TIERED(steps_were_small)(struct gru_step *s, size_t count)
{
#ifndef TILE_PLAIN
    return TIERED(was_small)(s, s, count, NULL);
#else
    return (void)s, (void)count, 0;
#endif
}

static int TIERED(stream_was_small)(const struct gru_stream *stream)
{
#ifndef TILE_PLAIN
    return TIERED(was_small)(&stream->step, NULL, 1, stream);
#else
    return (void)stream, 0;
#endif
}
