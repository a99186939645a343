/* SPDX-License-Identifier: BSD-2-Clause */
/* run.c: gru_run: checks everything, then runs. */
#include "run.h"

#include "io.h"
#include "status.h"

/* The plan of a run, and its workspace with a line more for aligning it. */
static enum gru_status plan_run(struct gru_plan *plan, const struct gru_layer *layer, size_t steps, size_t rows,
                                size_t *bytes, gru_error *error)
{
    if (rows > layer->max_rows)
        return gru_fail(error, GRU_OVERFLOW, "the workspace of %zu rows of hidden %zu fits in no memory", rows,
                        layer->desc.hidden);
    gru_plan_make(plan, layer, steps, rows);
    *bytes = plan->bytes + GRU_ALIGNMENT;
    return GRU_OK;
}

enum gru_status gru_workspace_bytes(const gru_layer *layer, size_t steps, size_t rows, size_t *bytes, gru_error *error)
{
    struct gru_plan plan;
    if (!layer || !bytes)
        return gru_fail(error, GRU_NULL_POINTER, "gru_workspace_bytes: %s is NULL", layer ? "bytes" : "layer");
    return plan_run(&plan, layer, steps, rows, bytes, error);
}

enum gru_status gru_run(const gru_layer *layer, const gru_io *io, void *workspace, size_t workspace_bytes,
                        gru_error *error)
{
    gru_io room;
    struct gru_plan plan;
    size_t needed = 0;
    enum gru_status status = GRU_OK;
    if (!layer || !io)
        return gru_fail(error, GRU_NULL_POINTER, "gru_run: %s is NULL", layer ? "io" : "layer");
    if (gru_is_lone_step(layer, io, workspace, workspace_bytes)) {
        gru_run_lone_step(layer, io, gru_align(workspace));
        return GRU_OK;
    }
    io = gru_io_read(io, &room, &status, error);
    if (!io)
        return status;
    /* First of all the sizes: an array of more lengths than memory holds mustn't be looked at. */
    status = plan_run(&plan, layer, io->steps, io->rows, &needed, error);
    if (status == GRU_OK)
        status = gru_io_check(layer, layer, io, error);
    if (status == GRU_OK)
        status = gru_state_check(layer, io, &io->state, error);
    if (status != GRU_OK)
        return status;
    if (!workspace)
        return gru_fail(error, GRU_NULL_POINTER, "gru_run: workspace is NULL, but %zu bytes are needed", needed);
    if (workspace_bytes < needed)
        return gru_fail(error, GRU_SMALL_MEMORY, "the workspace has %zu bytes, but %zu steps of %zu rows need %zu",
                        workspace_bytes, io->steps, io->rows, needed);
    gru_run_checked(layer, io, &io->state, &plan, gru_align(workspace));
    return GRU_OK;
}
