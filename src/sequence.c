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
 * layer the steps see to it, see small.h).
 *
 * Several threads cut the phases for one row, or for weights that one core's cache doesn't hold: each keeps its part of
 * them. Otherwise they take rows of their own through all steps, and don't meet before the end. Two directions of small
 * weights go side by side, in phases of both or each in threads of its own.
 *
 * "Step" here counts a row's own steps, 0 being its first one in the order of computation. Where that step stands in x
 * and y is its position: in a reverse run a row's step s is at position length - 1 - s.
 */
#include "sequence.h"

#include <string.h>

#include "faint.h"
#include "order.h"
#include "phases.h"

static size_t alive(const struct gru_sequence *q, size_t step)
{
    return gru_order_alive(q->lengths, q->rows, step);
}

/* Rows of the block from `start` on that come before those of `step`. */
static size_t rows_before(const struct gru_sequence *q, size_t start, size_t step)
{
    size_t rows = alive(q, start);
    if (step == start || alive(q, step - 1) == rows)
        return (step - start) * rows;
    for (size_t s = start + 1; s < step; s++)
        rows += alive(q, s);
    return rows;
}

static size_t position(const struct gru_sequence *q, size_t row, size_t step)
{
    return q->reverse ? q->lengths[row] - 1 - step : step;
}

/* Slice `slice` of 0 .. count - 1. */
static void cut(const struct gru_sequence *q, size_t count, size_t slice, size_t *first, size_t *end)
{
    if (q->cut.slices == 1) { /* which is common, and needs no division */
        *first = 0;
        *end = count;
        return;
    }
    const size_t slices = q->cut.slices, each = count / slices, more = count % slices;
    *first = each * slice + more * slice / slices;
    *end = each * (slice + 1) + more * (slice + 1) / slices;
}

/* The state that a row starts from, or is reset to: NULL means zeros. */
static const float *start_of(const struct gru_sequence *q, size_t row)
{
    const gru_state *s = q->state;
    if (!s->h0)
        return NULL;
    return s->h0 + gru_state_number(q->io, q->order[row]) * s->h0_row + (ptrdiff_t)q->direction * s->h0_direction;
}

static const float *reset_of(const struct gru_sequence *q, size_t row)
{
    const gru_state *s = q->state;
    return s->reset ? s->reset + (ptrdiff_t)q->order[row] * s->reset_row + (ptrdiff_t)q->direction * s->reset_direction
                    : NULL;
}

static float *end_of(const struct gru_sequence *q, size_t row)
{
    const gru_state *s = q->state;
    return s->h + gru_state_number(q->io, q->order[row]) * s->h_row + (ptrdiff_t)q->direction * s->h_direction;
}

static int is_reset(const struct gru_sequence *q, size_t row, size_t step)
{
    const gru_io *io = q->io;
    return io->reset_mask && io->reset_mask[(ptrdiff_t)position(q, row, step) * io->reset_mask_step +
                                            (ptrdiff_t)q->order[row] * io->reset_mask_row];
}

/* Units of a state that is about to enter a chain. */
static void set_state(const struct gru_sequence *q, float *h, const float *from, size_t first, size_t count)
{
    if (from)
        q->layer->backend->clean(h + first, 0, from + first, 0, 1, count);
    else
        memset(h + first, 0, count * sizeof(float));
}

/* Gives the rows their arrays, and each its first state; a row without steps is done with it. */
static void begin(struct gru_sequence *q, const struct gru_places *at)
{
    size_t hidden = q->layer->desc.hidden, padded = q->layer->groups * q->layer->backend->lanes;
    q->x = (float *)(q->workspace + at->x);
    q->ax = (float *)(q->workspace + at->ax);
    q->h[0] = (float *)(q->workspace + at->h[0]);
    q->h[1] = (float *)(q->workspace + at->h[1]);
    q->base.s = (float *)(q->workspace + at->s);
    q->base.z = (float *)(q->workspace + at->z);
    for (size_t row = 0; row < q->rows; row++) {
        float *h = q->h[0] + row * q->layer->h_row;
        int has_steps = q->lengths[row] > 0;
        set_state(q, h, has_steps && is_reset(q, row, 0) ? reset_of(q, row) : start_of(q, row), 0, hidden);
        for (size_t pad = hidden; pad < padded; pad++)
            h[pad] = 0.0f;
        if (!has_steps && q->state->h)
            memcpy(end_of(q, row), h, hidden * sizeof(float));
    }
}

/* Part `slice` of `slices` of a block's rows of x: of its steps where they have one row each, else of each step's
 * rows. */
static void gather(const struct gru_sequence *q, size_t start, size_t count, size_t slice)
{
    const struct gru_layer *layer = q->layer;
    const gru_io *io = q->io;
    const size_t width = layer->desc.input;
    float *to = q->x;
    size_t first, end;
    if (q->rows == 1) {
        cut(q, count, slice, &first, &end);
        layer->backend->clean(to + first * layer->x_row, layer->x_row,
                              io->x + (q->x_offset[0] + (ptrdiff_t)(start + first) * q->x_step), q->x_step, end - first,
                              width);
        return;
    }
    for (size_t s = start; s < start + count; s++) {
        size_t rows = alive(q, s);
        const ptrdiff_t at = (ptrdiff_t)s * q->x_step;
        cut(q, rows, slice, &first, &end);
        if (io->lengths)
            for (size_t row = first; row < end; row++)
                layer->backend->clean(to + row * layer->x_row, 0, io->x + (q->x_offset[row] + at), 0, 1, width);
        else
            layer->backend->clean(to + first * layer->x_row, layer->x_row, io->x + (q->x_offset[first] + at), io->x_row,
                                  end - first, width);
        to += rows * layer->x_row;
    }
}

static void input(const struct gru_sequence *q, size_t rows, size_t first, size_t end)
{
    q->layer->backend->product(&q->half->input, rows, q->x, q->layer->x_row, first, end, q->ax, q->layer->ax_row);
}

/* After step `s`: states of rows that have ended go to the caller, those of rows that are reset are replaced. Each
 * slice sees to its own units, which it has just written. */
static void settle(const struct gru_sequence *q, size_t s, size_t rows, float *h_next, size_t first_group,
                   size_t end_group)
{
    size_t left = alive(q, s + 1);
    if (left == rows && !q->io->reset_mask)
        return;
    size_t lanes = q->layer->backend->lanes, hidden = q->layer->desc.hidden;
    size_t first = first_group * lanes, end = end_group * lanes < hidden ? end_group * lanes : hidden;
    if (q->state->h)
        for (size_t row = left; row < rows; row++)
            memcpy(end_of(q, row) + first, h_next + row * q->layer->h_row + first, (end - first) * sizeof(float));
    if (q->io->reset_mask)
        for (size_t row = 0; row < left; row++)
            if (is_reset(q, row, s + 1))
                set_state(q, h_next + row * q->layer->h_row, reset_of(q, row), first, end - first);
}

/* Whether the steps make the chains over x, as those of small.h do. */
static int steps_go_beside(const struct gru_sequence *q)
{
    const int apart = q->layer->faint && (q->passes == 2 || q->half->looks); /* as gru_faint_steps takes them */
    return q->half->cell.beside && q->rows == 1 && gru_step_is_bare(&q->base) && !apart;
}

/* Step `s`; `before` rows of the block's ax belong to earlier steps. */
static struct gru_step step_at(const struct gru_sequence *q, size_t s, size_t before)
{
    struct gru_step now = q->base;
    now.rows = alive(q, s);
    now.backward = (int)((q->io->steps_before + s) % 2);
    now.h = q->h[s % 2];
    now.h_next = q->h[(s + 1) % 2];
    now.ax = q->ax + before * q->layer->ax_row;
    now.y_shift = (ptrdiff_t)s * q->y_step;
    now.gate_shift = (ptrdiff_t)s * q->gate_step;
    return now;
}

/* A pass of step `s` over a range of groups. */
static void step(const struct gru_sequence *q, size_t s, size_t before, size_t pass, size_t first, size_t end)
{
    const gru_backend *backend = q->layer->backend;
    enum gru_tier tier = q->layer->desc.tier;
    const struct gru_step now = step_at(q, s, before);
    if (pass == 0)
        backend->step[tier](&now, first, end);
    else
        backend->candidate[tier](&now, first, end);
    if (pass == q->passes - 1)
        settle(q, s, now.rows, now.h_next, first, end);
}

/* Whether x is gathered ahead of the phases: a lone step's is so little that a phase for it would only make the others
 * wait. */
static int gathers_ahead(const struct gru_sequence *q)
{
    return q->steps == 1;
}

/* The direction of one of their pieces, of which each has so many, and the piece's number there. Directions that go
 * side by side have the same rows and steps. */
static const struct gru_sequence *direction_of(const struct gru_sequence *directions, size_t pieces, size_t *piece)
{
    const struct gru_sequence *q = &directions[*piece / pieces];
    *piece %= pieces;
    return q;
}

/* One slice of one phase; which block and which part of it follows from the phase's number. */
static void work(void *context, size_t phase, size_t slice)
{
    const struct gru_sequence *q = context;
    q = direction_of(q, q->cut.slices, &slice);
    size_t block_phases = 1 + q->plan->block_steps * q->passes;
    phase += (size_t)gathers_ahead(q);
    size_t start = phase / block_phases * q->plan->block_steps;
    size_t part = phase % block_phases, first, end;
    size_t count = q->steps - start < q->plan->block_steps ? q->steps - start : q->plan->block_steps;
    cut(q, q->layer->groups, slice, &first, &end);
    if (part == 0) {
        gather(q, start, count, slice);
        return;
    }
    if (part == 1)
        input(q, rows_before(q, start, start + count), first, end);
    size_t s = start + (part - 1) / q->passes;
    step(q, s, rows_before(q, start, s), (part - 1) % q->passes, first, end);
}

static void run_phases(struct gru_sequence *q)
{
    const size_t slices = q->cut.directions * q->cut.slices;
    size_t blocks = (q->steps - 1) / q->plan->block_steps;
    size_t rest = q->steps - blocks * q->plan->block_steps;
    size_t phases = blocks * (1 + q->plan->block_steps * q->passes) + 1 + rest * q->passes - (size_t)gathers_ahead(q);
    for (size_t d = 0; gathers_ahead(q) && d < q->cut.directions; d++)
        for (size_t slice = 0; slice < q->cut.slices; slice++)
            gather(&q[d], 0, 1, slice);
    gru_phases_run(q->io->pool, phases, slices, work, q, q->workspace + q->plan->phases);
}

/* How many steps from `s` on, before `end`, go with the same rows, so that one call of a kernel does them all. */
static size_t steps_alike(const struct gru_sequence *q, size_t s, size_t end)
{
    size_t shortest = q->lengths[alive(q, s) - 1];
    if (q->io->reset_mask)
        return 1;
    return (shortest < end ? shortest : end) - s;
}

/* The same phases in one thread: no counting of phases, which takes divisions that small layers would feel, and as many
 * steps as go together in one call. */
static void run_alone(struct gru_sequence *q)
{
    const size_t groups = q->layer->groups;
    const enum gru_tier tier = q->layer->desc.tier;
    const int beside = steps_go_beside(q);
    for (size_t start = 0, count, end; start < q->steps; start = end) {
        count = q->steps - start < q->plan->block_steps ? q->steps - start : q->plan->block_steps;
        end = start + count;
        gather(q, start, count, 0);
        if (q->layer->faint)
            gru_faint_input(q->layer, q->half, rows_before(q, start, end), q->x, beside ? NULL : q->ax);
        else if (!beside)
            input(q, rows_before(q, start, end), 0, groups);
        for (size_t s = start, before = 0, alike; s < end; s += alike) {
            struct gru_step now = step_at(q, s, before);
            alike = steps_alike(q, s, end);
            const float *x = q->x + before * q->layer->x_row;
            now.x = beside ? x : NULL;
            before += alike * now.rows;
            if (q->layer->faint)
                gru_faint_steps(q->layer, q->half, &now, alike, x);
            else
                q->layer->backend->steps[tier](&now, alike);
            settle(q, s + alike - 1, now.rows, now.h, 0, groups);
        }
    }
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
    begin(&rows, &at);
    run_alone(&rows);
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
        gru_phases_run(q->io->pool, 1, pieces, run_part, q, q->workspace + q->plan->phases);
        return;
    }
    for (size_t d = 0; d < q->cut.directions; d++)
        begin(&q[d], &q->plan->rows);
    if (q->cut.slices > 1)
        run_phases(q);
    else
        run_alone(q);
}

void gru_run_checked(const struct gru_layer *layer, const gru_io *io, const gru_state *state,
                     const struct gru_plan *plan, char *workspace)
{
    struct gru_sequence both[2], *q = both; /* clearing them first would take as long as a small layer's chain */
    if (io->rows == 0)
        return;
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
        both[1].workspace += plan->direction;
    }
    for (size_t d = 0; d < layer->directions; d += q->cut.directions)
        run_directions(q, d);
}
