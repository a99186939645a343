/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sequence.c: the run of one layer over a batch of rows.
 *
 * Rows are taken by falling length, so that those alive at a step are the first ones, and a step of the recurrence is
 * one call of a kernel on them. Steps are taken in blocks. A block is a row of phases:
 *
 *     gather    x of the block's rows, cleaned, one row of x after the other       slices: rows
 *     step      for each step, one phase; two if the reset comes before            slices: groups of units
 *
 * The first step begins with ax = bx + W x for all rows of the block, one product, of the same groups (but in a small
 * layer the steps see to it, see small_steps.h).
 *
 * Several threads cut the phases for one row, or for weights that one core's cache doesn't hold: each keeps its part of
 * them. Otherwise they take rows of their own through all steps, and don't meet before the end. Two directions of small
 * weights go side by side, in phases of both or each in threads of its own. And where a few rows' steps are too short
 * to be cut, one thread takes them, while others make the chains over x of those that come next.
 */
#include "sequence.h"

#include "block.h"
#include "direction.h"
#include "order.h"
#include "phases.h"
#include "stream.h"
#include "wave.h"

/* Whether x is gathered before the phases: a lone step's is so little that a phase for it would only make the others
 * wait. */
static int gathers_first(const struct gru_sequence *q)
{
    return q->steps == 1;
}

/* Turns a piece's number among those of all directions into its direction and its number there. Directions that go
 * side by side have the same rows, steps and pieces. */
static const struct gru_sequence *direction_of(const struct gru_sequence *directions, size_t pieces, size_t *piece)
{
    const struct gru_sequence *q = &directions[*piece / pieces];
    *piece %= pieces;
    return q;
}

/* One slice of one phase; which block and which part of it follows from the phase's number. */
static void work_slice(void *context, size_t phase, size_t slice)
{
    const struct gru_sequence *q = context;
    q = direction_of(q, q->cut.slices, &slice);
    size_t block_phases = 1 + q->plan->block_steps * q->passes;
    phase += (size_t)gathers_first(q);
    size_t start = phase / block_phases * q->plan->block_steps;
    size_t part = phase % block_phases, first, end;
    const struct gru_block block = gru_block_at(q, start, q->plan->block_steps);
    gru_block_slice(q, q->layer->groups, slice, &first, &end);
    if (part == 0) {
        gru_block_gather(q, &block, slice);
        return;
    }
    if (part == 1)
        gru_block_product(q, &block, first, end);
    gru_block_step(q, &block, start + (part - 1) / q->passes, (part - 1) % q->passes, first, end);
}

static void run_phases(struct gru_sequence *q)
{
    const size_t slices = q->cut.directions * q->cut.slices;
    size_t blocks = (q->steps - 1) / q->plan->block_steps;
    size_t rest = q->steps - blocks * q->plan->block_steps;
    size_t phases = blocks * (1 + q->plan->block_steps * q->passes) + 1 + rest * q->passes - (size_t)gathers_first(q);
    for (size_t d = 0; gathers_first(q) && d < q->cut.directions; d++)
        for (size_t slice = 0; slice < q->cut.slices; slice++) {
            const struct gru_block lone = gru_block_at(&q[d], 0, 1);
            gru_block_gather(&q[d], &lone, slice);
        }
    gru_phases_run(q->io->pool, phases, slices, work_slice, q, q->workspace + q->plan->shared);
}

/* Piece `piece` of the inputs of a chunk, or its steps, which come last. */
static void work_fed(void *context, size_t piece, size_t c)
{
    const struct gru_sequence *q = context;
    struct gru_block block = gru_block_chunk(q, c, q->cut.chunk);
    if (piece == q->cut.feeders) {
        gru_block_steps(q, &block, 0);
        return;
    }
    const size_t steps = block.end - block.start, start = block.start;
    block.start = start + steps * piece / q->cut.feeders;
    block.end = start + steps * (piece + 1) / q->cut.feeders;
    block = gru_block_behind(q, block, gru_block_rows(q, start, block.start));
    gru_block_inputs(q, &block, 0);
}

static void run_fed(struct gru_sequence *q)
{
    const size_t chunks = (q->steps - 1) / q->cut.chunk + 1;
    gru_wave_run(q->io->pool, q->cut.feeders, q->cut.feeders + 1, chunks, work_fed, q, q->workspace + q->plan->shared);
}

/* The first row of part `part`: parts are alike in the steps of all their rows together. */
static size_t first_row(const struct gru_sequence *q, size_t part)
{
    size_t all = 0, before = 0, row = 0;
    if (!q->io->lengths)
        return q->rows / q->cut.parts * part + gru_least(part, q->rows % q->cut.parts);
    for (size_t r = 0; r < q->rows; r++)
        all += q->lengths[r];
    /* Ends by the last row, with which `before` is all. */
    while (before < all / q->cut.parts * part)
        before += q->lengths[row++];
    return part < q->cut.parts ? row : q->rows;
}

/* Some of the rows, all the way. */
static void run_part(void *context, size_t phase, size_t part)
{
    const struct gru_sequence *q = context;
    q = direction_of(q, q->cut.parts, &part);
    const size_t first = first_row(q, part), end = first_row(q, part + 1);
    struct gru_sequence rows = *q;
    (void)phase;
    if (first >= end)
        return;
    const struct gru_places at = gru_plan_part(q->plan, q->layer, part, first, end - first);
    rows.rows = end - first;
    rows.order += first;
    rows.lengths += first;
    rows.x_offset += first;
    rows.base.y_offset += first;
    rows.base.gate_offset += first;
    rows.steps = rows.lengths[0];
    gru_block_begin(&rows, &at);
    gru_block_all(&rows);
}

/* Those from direction `first` on that go side by side. */
static void run_directions(struct gru_sequence *q, size_t first)
{
    const size_t pieces = q->cut.directions * q->cut.parts;
    for (size_t d = 0; d < q->cut.directions; d++) {
        gru_direction_set(&q[d], first + d);
        gru_direction_clear(&q[d]);
    }
    if (pieces > 1 && q->cut.slices == 1) {
        gru_phases_run(q->io->pool, 1, pieces, run_part, q, q->workspace + q->plan->shared);
        return;
    }
    for (size_t d = 0; d < q->cut.directions; d++)
        gru_block_begin(&q[d], &q->plan->rows);
    if (q->cut.slices > 1)
        run_phases(q);
    else if (q->cut.feeders)
        run_fed(q);
    else
        gru_block_all(q);
}

void gru_sequence_run(const struct gru_layer *layer, const gru_io *io, const gru_state *state,
                      const struct gru_plan *plan, char *workspace)
{
    struct gru_sequence both[2], *q = both; /* clearing them first would take as long as a small layer's chain */
    if (gru_is_stream(layer, io)) {
        gru_run_stream(layer, io, state, plan, workspace);
        return;
    }
    q->plan = plan;
    q->layer = layer;
    q->io = io;
    q->state = state;
    q->workspace = workspace;
    q->order = (size_t *)(workspace + plan->order);
    q->lengths = (size_t *)(workspace + plan->lengths);
    q->passes = layer->desc.reset == GRU_RESET_BEFORE ? 2 : 1;
    gru_order_rows(io->rows, io->steps, io->lengths, q->order, q->lengths);
    q->rows = io->rows;
    q->steps = q->lengths[0];
    q->cut = gru_plan_cut(layer, io->pool, q->steps, io->rows);
    if (q->cut.directions == 2) {
        both[1] = both[0];
        both[1].workspace += plan->apart;
    }
    for (size_t d = 0; d < layer->directions; d += q->cut.directions)
        run_directions(q, d);
}
