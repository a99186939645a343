/* SPDX-License-Identifier: BSD-2-Clause */
/* run.c: gru_run: checks everything, then runs. */
#include "run.h"

#include "io.h"
#include "sequence.h"
#include "status.h"
#include "team.h"

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

/* Whether a row's step is cut for a pool, or the pool must be judged first. */
static int is_cut(const struct gru_layer *layer, const gru_pool *pool)
{
    if (pool->size != sizeof *pool || !pool->run || !pool->threads)
        return 1;
    return gru_is_cut(gru_plan_cut(layer, pool, 1, 1));
}

/* Whether a run is one step of one row with none of the extras and nothing about it that could be wrong, but for the
 * pool. */
static int is_lone(const struct gru_layer *layer, const gru_io *io, const void *workspace, size_t workspace_bytes)
{
    const gru_state *state = &io->state;
    if (io->size != sizeof *io || io->steps != 1 || io->rows != 1)
        return 0;
    const uintptr_t extras = (uintptr_t)io->lengths | (uintptr_t)io->index | (uintptr_t)io->reset_mask |
                             (uintptr_t)state->gates[GRU_R] | (uintptr_t)state->gates[GRU_Z] |
                             (uintptr_t)state->gates[GRU_N];
    return !extras && io->x && io->x != io->y && workspace && workspace_bytes >= layer->lone.needs;
}

static enum gru_status run_lone(const struct gru_layer *layer, const gru_io *io, void *workspace)
{
    layer->lone.run(&layer->lone, gru_align(workspace), io);
    return GRU_OK;
}

/* Whether a run would be cut for its pool, but had better let the threads sleep; and its multiply-adds then. */
static int is_spared(const struct gru_layer *layer, const gru_io *io, size_t *work)
{
    size_t longest;
    if (!gru_pool_sleeps(io->pool))
        return 0;
    *work = gru_plan_work(layer, gru_all_steps(io, &longest));
    return gru_is_cut(gru_plan_cut(layer, io->pool, longest, io->rows)) && gru_pool_spares(io->pool, *work);
}

static void run_spared(const struct gru_layer *layer, const gru_io *io, const struct gru_plan *plan, void *workspace,
                       size_t workspace_bytes, size_t work)
{
    gru_io alone = *io;
    alone.pool = NULL;
    if (is_lone(layer, &alone, workspace, workspace_bytes))
        run_lone(layer, &alone, workspace);
    else
        gru_sequence_run(layer, &alone, &alone.state, plan, gru_align(workspace));
    gru_pool_spared(io->pool, work);
}

static enum gru_status run_any(const struct gru_layer *layer, const gru_io *io, void *workspace, size_t workspace_bytes,
                               gru_error *error)
{
    gru_io room;
    struct gru_plan plan;
    size_t needed = 0, work;
    enum gru_status status = GRU_OK;
    /* There is a pool, or gru_run would have run it. */
    if (is_lone(layer, io, workspace, workspace_bytes) && !is_cut(layer, io->pool))
        return run_lone(layer, io, workspace);
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
    /* Without rows nothing is done, and strides and a plan's cuts mean nothing. */
    if (io->rows == 0)
        return GRU_OK;
    if (io->pool && is_spared(layer, io, &work))
        run_spared(layer, io, &plan, workspace, workspace_bytes, work);
    else
        gru_sequence_run(layer, io, &io->state, &plan, gru_align(workspace));
    return GRU_OK;
}

/* A stream asks for lone steps over and over, and what other runs need around them would take as long as a small
 * layer's step. So this function calls nothing else on its way to the kernel and keeps nothing for later: four
 * instructions less are a cycle less, of some 230 at H = 16. */
enum gru_status gru_run(const gru_layer *layer, const gru_io *io, void *workspace, size_t workspace_bytes,
                        gru_error *error)
{
    if (!layer || !io)
        return gru_fail(error, GRU_NULL_POINTER, "gru_run: %s is NULL", layer ? "io" : "layer");
    if (is_lone(layer, io, workspace, workspace_bytes) && !io->pool)
        return run_lone(layer, io, workspace);
    return run_any(layer, io, workspace, workspace_bytes, error);
}
