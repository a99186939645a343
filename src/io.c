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

/* Rows of `width` elements, written at two strides, mustn't run into one another. Where there is no row at all the
 * strides mean nothing: those of a dense array without steps are zero. */
static enum gru_status check_strides(const char *name, size_t width, size_t steps, ptrdiff_t step, size_t rows,
                                     ptrdiff_t row, gru_error *error)
{
    if (steps == 0 || rows == 0)
        return GRU_OK;
    if (steps > 1 && gru_magnitude(step) < width)
        return gru_fail(error, GRU_BAD_STRIDE, "%s_step is %td, but a row of it is %zu wide: its steps would overlap",
                        name, step, width);
    if (rows > 1 && gru_magnitude(row) < width)
        return gru_fail(error, GRU_BAD_STRIDE, "%s_row is %td, but a row of it is %zu wide: its rows would overlap",
                        name, row, width);
    return GRU_OK;
}

static enum gru_status check_y(const struct gru_layer *last, const gru_io *io, gru_error *error)
{
    size_t hidden = last->desc.hidden;
    if (!io->y)
        return GRU_OK;
    if (io->y == io->x)
        return gru_fail(error, GRU_OVERLAP, "x and y are the same array at %p", (const void *)io->x);
    if (last->directions == 2 && last->desc.merge == GRU_MERGE_CONCAT && io->y_direction && io->steps && io->rows &&
        gru_magnitude(io->y_direction) < hidden)
        return gru_fail(error, GRU_BAD_STRIDE, "y_direction is %td, but each half is %zu wide: they would overlap",
                        io->y_direction, hidden);
    return check_strides("y", io->y_direction ? hidden : gru_layer_width(last), io->steps, io->y_step, io->rows,
                         io->y_row, error);
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
                return gru_fail(error, GRU_BAD_INDEX, "index[%zu] is %zu, but index_count is %zu", b, io->index[b],
                                io->index_count);
    return GRU_OK;
}

static enum gru_status check_pool(const gru_pool *pool, gru_error *error)
{
    if (!pool)
        return GRU_OK;
    if (pool->size < sizeof *pool)
        return gru_fail(error, GRU_BAD_STRUCT, "gru_pool.size is %zu, but sizeof(gru_pool) is %zu", pool->size,
                        sizeof *pool);
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
        return gru_fail(error, GRU_OVERFLOW, "%zu steps are more than memory's address range", io->steps);
    enum gru_status status = check_y(last, io, error);
    if (status == GRU_OK)
        status = check_rows(io, error);
    return status == GRU_OK ? check_pool(io->pool, error) : status;
}

static enum gru_status check_h(const struct gru_layer *layer, const gru_io *io, const gru_state *state,
                               gru_error *error)
{
    size_t hidden = layer->desc.hidden;
    int both = layer->directions == 2;
    if (!state->h || io->rows == 0)
        return GRU_OK;
    if (io->rows > 1 && gru_magnitude(state->h_row) < hidden)
        return gru_fail(error, GRU_BAD_STRIDE, "state.h_row is %td, but a state is %zu wide: states would overlap",
                        state->h_row, hidden);
    if (both && gru_magnitude(state->h_direction) < hidden)
        return gru_fail(error, GRU_BAD_STRIDE,
                        "state.h_direction is %td, but a state is %zu wide: states would overlap", state->h_direction,
                        hidden);
    if (state->h == state->h0 &&
        ((io->rows > 1 && state->h_row != state->h0_row) || (both && state->h_direction != state->h0_direction)))
        return gru_fail(error, GRU_OVERLAP, "h0 and h are the same array, with strides %td and %td, %td and %td",
                        state->h0_row, state->h_row, state->h0_direction, state->h_direction);
    return GRU_OK;
}

enum gru_status gru_state_check(const struct gru_layer *layer, const gru_io *io, const gru_state *state,
                                gru_error *error)
{
    enum gru_status status = check_h(layer, io, state, error);
    if (status == GRU_OK && layer->desc.reset == GRU_RESET_NONE && state->gates[GRU_R])
        return gru_fail(error, GRU_UNSUPPORTED, "state.gates[GRU_R] is set, but a layer without a reset has no r");
    for (int g = 0; g < 3 && status == GRU_OK; g++)
        if (state->gates[g])
            status = check_strides("state.gates", layer->desc.hidden, io->steps, state->gates_step, io->rows,
                                   state->gates_row, error);
    for (int g = 0; g < 3 && status == GRU_OK && layer->directions == 2 && io->steps && io->rows; g++)
        if (state->gates[g] && gru_magnitude(state->gates_direction) < layer->desc.hidden)
            return gru_fail(error, GRU_BAD_STRIDE,
                            "state.gates_direction is %td, but a gate is %zu wide: the two directions "
                            "would overlap",
                            state->gates_direction, layer->desc.hidden);
    return status;
}
