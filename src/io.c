/* SPDX-License-Identifier: BSD-2-Clause */
/* io.c: what the caller says of a run, read and checked. */
#include "io.h"

#include "size.h"
#include "status.h"

const gru_io *gru_io_read(const gru_io *io, gru_io *room, enum gru_status *status, gru_error *error)
{
    /* The common case costs one comparison. */
    if (io && io->size == sizeof *io)
        return io;
    *status = gru_read_struct(room, sizeof *room, io, "gru_io", error);
    return *status == GRU_OK ? room : NULL;
}

/* One of an array's strides: how many rows, steps, directions or states lie that far apart. */
struct axis {
    const char *name;
    size_t count;
    ptrdiff_t stride;
};

/* Three products of factors below this are far from wrapping round. Most runs have no others, and short ones would
 * feel a closer look. */
enum { SMALL = 1 << (sizeof(size_t) * 4 - 3) };

static inline bool is_small(size_t count, ptrdiff_t stride)
{
    return (count | gru_magnitude(stride)) < SMALL;
}

/* An array must fit in memory. Where there is no row at all the strides mean nothing: those of a dense array without
 * steps are zero. */
static enum gru_status check_reach(const struct axis *axes, int count, gru_error *error)
{
    size_t reach = 0;
    for (int i = 0; i < count; i++)
        if (axes[i].count == 0)
            return GRU_OK;
    for (int i = 0; i < count; i++)
        if (!gru_add_reach(&reach, axes[i].count, axes[i].stride))
            return gru_fail(error, GRU_OVERFLOW, "%s is %td, but no memory holds %zu of these", axes[i].name,
                            axes[i].stride, axes[i].count);
    return GRU_OK;
}

static inline enum gru_status check_input(struct axis a, struct axis b, gru_error *error)
{
    if (is_small(a.count, a.stride) && is_small(b.count, b.stride))
        return GRU_OK;
    return check_reach((const struct axis[]){a, b}, 2, error);
}

/* Whether some row along one axis comes closer than `width` to the next one along another. */
static bool run_together(const struct axis *along, const struct axis *other, size_t width)
{
    const size_t stride = gru_magnitude(along->stride), to = gru_magnitude(other->stride), before = to / stride;
    return (before < along->count && to - before * stride < width) ||
           (before + 1 < along->count && (before + 1) * stride - to < width);
}

/*
 * Rows of `width` elements mustn't run into one another: neighbours along one axis, nor a row and those beside its
 * neighbour along another. That refuses nothing that could be an array.
 */
static enum gru_status check_strides(size_t width, const struct axis *axes, int count, gru_error *error)
{
    bool small = true;
    for (int i = 0; i < count; i++) {
        if (axes[i].count == 0)
            return GRU_OK;
        small = small && is_small(axes[i].count, axes[i].stride);
    }
    enum gru_status status = small ? GRU_OK : check_reach(axes, count, error);
    for (int i = 0; i < count && status == GRU_OK; i++) {
        const struct axis *a = &axes[i];
        if (a->count == 1)
            continue;
        if (gru_magnitude(a->stride) < width)
            return gru_fail(error, GRU_BAD_STRIDE, "%s is %td, but a row is %zu wide: %s", a->name, a->stride, width,
                            a->stride ? "rows would overlap" : "it has to be set");
        for (const struct axis *b = axes; b < a; b++)
            if (b->count > 1 && (run_together(a, b, width) || run_together(b, a, width)))
                return gru_fail(error, GRU_BAD_STRIDE,
                                "%s is %td and %s is %td, but a row is %zu wide: rows would overlap", b->name,
                                b->stride, a->name, a->stride, width);
    }
    return status;
}

static enum gru_status check_y(const struct gru_layer *last, const gru_io *io, gru_error *error)
{
    if (!io->y)
        return GRU_OK;
    if (io->y == io->x)
        return gru_fail(error, GRU_OVERLAP, "x and y are the same array at %p", (const void *)io->x);
    /* Without a y_direction the two halves are one row. */
    const int apart = last->directions == 2 && last->desc.merge == GRU_MERGE_CONCAT && io->y_direction;
    const struct axis axes[] = {{"y_step", io->steps, io->y_step},
                                {"y_row", io->rows, io->y_row},
                                {"y_direction", apart ? 2 : 1, io->y_direction}};
    return check_strides(apart ? last->desc.hidden : gru_layer_width(last), axes, 3, error);
}

static enum gru_status check_rows(const gru_io *io, gru_error *error)
{
    if (io->lengths)
        for (size_t b = 0; b < io->rows; b++)
            if (io->lengths[b] > io->steps)
                return gru_fail(error, GRU_BAD_LENGTH, "lengths[%zu] is %zu, but there are %zu steps", b,
                                io->lengths[b], io->steps);
    if (io->index)
        for (size_t b = 0; b < io->rows; b++)
            if (io->index[b] >= io->index_count)
                return gru_fail(error, GRU_BAD_INDEX, "index[%zu] is %zu, but index_count is %zu%s", b, io->index[b],
                                io->index_count, io->index_count ? "" : ": it has to be set");
    return GRU_OK;
}

static enum gru_status check_pool(const gru_pool *pool, gru_error *error)
{
    if (!pool)
        return GRU_OK;
    /* All its fields are of the first version, so that no caller has a smaller one. */
    if (pool->size < sizeof *pool)
        return gru_fail(error, GRU_BAD_STRUCT, "gru_pool.size is %zu, but sizeof(gru_pool) is %zu", pool->size,
                        sizeof *pool);
    gru_pool room;
    enum gru_status status = gru_read_struct(&room, sizeof room, pool, "gru_pool", error);
    if (status != GRU_OK)
        return status;
    if (!pool->run)
        return gru_fail(error, GRU_NULL_POINTER, "pool->run is NULL");
    if (pool->threads == 0)
        return gru_fail(error, GRU_ZERO_SIZE, "pool->threads is 0, but the caller's thread counts as 1");
    return GRU_OK;
}

enum gru_status gru_io_check(const struct gru_layer *first, const struct gru_layer *last, const gru_io *io,
                             gru_error *error)
{
    if (io->steps && io->rows && !io->x)
        return gru_fail(error, GRU_NULL_POINTER, "x is NULL, but there are %zu steps of %zu rows of %zu", io->steps,
                        io->rows, first->desc.input);
    if (io->steps > (size_t)PTRDIFF_MAX)
        return gru_fail(error, GRU_OVERFLOW, "io.steps is %zu: perhaps a negative number?", io->steps);
    enum gru_status status =
        check_input((struct axis){"x_step", io->steps, io->x_step}, (struct axis){"x_row", io->rows, io->x_row}, error);
    if (status == GRU_OK)
        status = check_y(last, io, error);
    if (status == GRU_OK)
        status = check_rows(io, error);
    return status == GRU_OK ? check_pool(io->pool, error) : status;
}

static enum gru_status check_h(const struct gru_layer *layer, const gru_io *io, const gru_state *state,
                               gru_error *error)
{
    const size_t directions = layer->directions, states = io->index && io->rows ? io->index_count : io->rows;
    const char *const h0_row = io->index ? "state.h0_row, for index_count states," : "state.h0_row";
    const char *const h_row = io->index ? "state.h_row, for index_count states," : "state.h_row";
    const struct axis before[] = {{h0_row, states, state->h0_row},
                                  {"state.h0_direction", directions, state->h0_direction}};
    const struct axis after[] = {{h_row, states, state->h_row}, {"state.h_direction", directions, state->h_direction}};
    enum gru_status status = state->h0 ? check_input(before[0], before[1], error) : GRU_OK;
    if (status != GRU_OK || !state->h)
        return status;
    status = check_strides(layer->desc.hidden, after, 2, error);
    for (int i = 0; i < 2 && status == GRU_OK && state->h == state->h0; i++)
        if (after[i].count > 1 && after[i].stride != before[i].stride)
            return gru_fail(error, GRU_OVERLAP, "h0 and h are the same array, but %s is %td and %s is %td",
                            before[i].name, before[i].stride, after[i].name, after[i].stride);
    return status;
}

enum gru_status gru_state_check(const struct gru_layer *layer, const gru_io *io, const gru_state *state,
                                gru_error *error)
{
    enum gru_status status = check_h(layer, io, state, error);
    if (status == GRU_OK && layer->desc.reset == GRU_RESET_NONE && state->gates[GRU_R])
        return gru_fail(error, GRU_UNSUPPORTED, "state.gates[GRU_R] is set, but a layer without a reset has no r");
    if (status != GRU_OK || !(state->gates[GRU_R] || state->gates[GRU_Z] || state->gates[GRU_N]))
        return status;
    const struct axis axes[] = {{"state.gates_step", io->steps, state->gates_step},
                                {"state.gates_row", io->rows, state->gates_row},
                                {"state.gates_direction", layer->directions, state->gates_direction}};
    return check_strides(layer->desc.hidden, axes, 3, error);
}
