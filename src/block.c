/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * block.c: what is done with rows: their first states, and blocks of steps, whole or cut.
 *
 * "Step" here counts a row's own steps, 0 being its first one in the order of computation. Where that step stands in x
 * and y is its position: in a reverse run a row's step s is at position length - 1 - s.
 */
#include "block.h"

#include <string.h>

#include "faint.h"
#include "order.h"

static size_t alive(const struct gru_sequence *q, size_t step)
{
    return gru_order_alive(q->lengths, q->rows, step);
}

size_t gru_block_rows(const struct gru_sequence *q, size_t start, size_t end)
{
    size_t rows = alive(q, start);
    if (end == start || alive(q, end - 1) == rows)
        return (end - start) * rows;
    for (size_t s = start + 1; s < end; s++)
        rows += alive(q, s);
    return rows;
}

static size_t position(const struct gru_sequence *q, size_t row, size_t step)
{
    return q->reverse ? q->lengths[row] - 1 - step : step;
}

void gru_block_slice(const struct gru_sequence *q, size_t count, size_t slice, size_t *first, size_t *end)
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

void gru_block_begin(struct gru_sequence *q, const struct gru_places *at)
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

void gru_block_gather(const struct gru_sequence *q, const struct gru_block *block, size_t slice)
{
    const struct gru_layer *layer = q->layer;
    const gru_io *io = q->io;
    const size_t width = layer->desc.input;
    float *to = block->x;
    size_t first, end;
    if (q->rows == 1) {
        gru_block_slice(q, block->end - block->start, slice, &first, &end);
        layer->backend->clean(to + first * layer->x_row, layer->x_row,
                              io->x + (q->x_offset[0] + (ptrdiff_t)(block->start + first) * q->x_step), q->x_step,
                              end - first, width);
        return;
    }
    for (size_t s = block->start; s < block->end; s++) {
        size_t rows = alive(q, s);
        const ptrdiff_t at = (ptrdiff_t)s * q->x_step;
        gru_block_slice(q, rows, slice, &first, &end);
        if (io->lengths)
            for (size_t row = first; row < end; row++)
                layer->backend->clean(to + row * layer->x_row, 0, io->x + (q->x_offset[row] + at), 0, 1, width);
        else
            layer->backend->clean(to + first * layer->x_row, layer->x_row, io->x + (q->x_offset[first] + at), io->x_row,
                                  end - first, width);
        to += rows * layer->x_row;
    }
}

void gru_block_product(const struct gru_sequence *q, const struct gru_block *block, size_t first, size_t end)
{
    const size_t rows = gru_block_rows(q, block->start, block->end);
    q->layer->backend->product(&q->half->input, rows, block->x, q->layer->x_row, first, end, block->ax,
                               q->layer->ax_row);
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
    size_t first = first_group * lanes, end = gru_least(end_group * lanes, hidden);
    if (q->state->h)
        for (size_t row = left; row < rows; row++)
            memcpy(end_of(q, row) + first, h_next + row * q->layer->h_row + first, (end - first) * sizeof(float));
    if (q->io->reset_mask)
        for (size_t row = 0; row < left; row++)
            if (is_reset(q, row, s + 1))
                set_state(q, h_next + row * q->layer->h_row, reset_of(q, row), first, end - first);
}

/* Whether the steps make the chains over x, as those of small_steps.h do. */
static int steps_go_beside(const struct gru_sequence *q)
{
    const int apart = q->layer->faint && (q->passes == 2 || q->half->looks); /* as gru_faint_steps takes them */
    return q->half->cell.beside && q->rows == 1 && gru_step_is_bare(&q->base) && !apart;
}

/* Step `s`, ahead of which `before` rows of the block come. */
static struct gru_step step_at(const struct gru_sequence *q, const struct gru_block *block, size_t s, size_t before)
{
    struct gru_step now = q->base;
    now.rows = alive(q, s);
    now.backward = (int)((q->io->steps_before + s) % 2);
    now.h = q->h[s % 2];
    now.h_next = q->h[(s + 1) % 2];
    now.ax = block->ax + before * q->layer->ax_row;
    now.y_shift = (ptrdiff_t)s * q->y_step;
    now.gate_shift = (ptrdiff_t)s * q->gate_step;
    return now;
}

void gru_block_step(const struct gru_sequence *q, const struct gru_block *block, size_t s, size_t pass, size_t first,
                    size_t end)
{
    const gru_backend *backend = q->layer->backend;
    enum gru_tier tier = q->layer->desc.tier;
    const struct gru_step now = step_at(q, block, s, gru_block_rows(q, block->start, s));
    if (pass == 0)
        backend->step[tier](&now, first, end);
    else
        backend->candidate[tier](&now, first, end);
    if (pass == q->passes - 1)
        settle(q, s, now.rows, now.h_next, first, end);
}

/* How many steps from `s` on, before `end`, go with the same rows, so that one call of a kernel does them all. */
static size_t steps_alike(const struct gru_sequence *q, size_t s, size_t end)
{
    size_t shortest = q->lengths[alive(q, s) - 1];
    if (q->io->reset_mask)
        return 1;
    return gru_least(shortest, end) - s;
}

void gru_block_inputs(const struct gru_sequence *q, const struct gru_block *block, int beside)
{
    gru_block_gather(q, block, 0);
    if (q->layer->faint)
        gru_faint_input(q->layer, q->half, gru_block_rows(q, block->start, block->end), block->x,
                        beside ? NULL : block->ax);
    else if (!beside)
        gru_block_product(q, block, 0, q->layer->groups);
}

/* Where there is an `ahead`, they make its chains as well, as far as they get. */
static void take_steps(const struct gru_sequence *q, const struct gru_block *block, int beside, struct gru_ahead *ahead)
{
    const size_t groups = q->layer->groups;
    const enum gru_tier tier = q->layer->desc.tier;
    for (size_t s = block->start, before = 0, alike; s < block->end; s += alike) {
        struct gru_step now = step_at(q, block, s, before);
        alike = steps_alike(q, s, block->end);
        const float *x = block->x + before * q->layer->x_row;
        now.x = beside ? x : NULL;
        now.ahead = ahead;
        before += alike * now.rows;
        if (q->layer->faint)
            gru_faint_steps(q->layer, q->half, &now, alike, x);
        else
            q->layer->backend->steps[tier](&now, alike);
        settle(q, s + alike - 1, now.rows, now.h, 0, groups);
    }
}

void gru_block_steps(const struct gru_sequence *q, const struct gru_block *block, int beside)
{
    take_steps(q, block, beside, NULL);
}

/* A block of one row without its first steps. */
static struct gru_block rest_of(const struct gru_sequence *q, const struct gru_block *block, size_t first)
{
    struct gru_block rest = gru_block_behind(q, *block, first);
    rest.start += first;
    return rest;
}

/* What steps have left of the chains ahead of them, those of `next`. */
static void finish_ahead(const struct gru_sequence *q, const struct gru_block *next, const struct gru_ahead *a)
{
    const size_t groups = q->layer->groups;
    const struct gru_block few = rest_of(q, next, a->rows / a->tile * a->tile), left = rest_of(q, next, a->row);
    gru_block_product(q, &few, 0, a->group);
    if (a->group < groups)
        gru_block_product(q, &left, a->group, a->group + 1);
    gru_block_product(q, next, gru_least(a->group + 1, groups), groups);
}

/* All steps of one row, in chunks, each of which makes the chains over x of the next one. */
static void all_ahead(const struct gru_sequence *q, size_t steps)
{
    struct gru_block block = gru_block_chunk(q, 0, steps);
    gru_block_inputs(q, &block, 0);
    for (size_t c = 1; block.end < q->steps; c++) {
        const struct gru_block next = gru_block_chunk(q, c, steps);
        struct gru_ahead ahead = {
            .input = &q->half->input,
            .x = next.x,
            .x_row = q->layer->x_row,
            .ax = next.ax,
            .ax_row = q->layer->ax_row,
            .rows = next.end - next.start,
            .tile = q->layer->ahead_rows,
        };
        gru_block_gather(q, &next, 0);
        take_steps(q, &block, 0, &ahead);
        finish_ahead(q, &next, &ahead);
        block = next;
    }
    gru_block_steps(q, &block, 0);
}

void gru_block_all(const struct gru_sequence *q)
{
    /* (A part of one row has no room for two chunks: its block has a batch's few steps.) */
    const size_t ahead = q->io->rows == 1 ? gru_plan_ahead(q->layer, q->steps) : 0;
    if (ahead) {
        all_ahead(q, ahead);
        return;
    }
    const int beside = steps_go_beside(q);
    for (size_t start = 0; start < q->steps;) {
        const struct gru_block block = gru_block_at(q, start, q->plan->block_steps);
        gru_block_inputs(q, &block, beside);
        gru_block_steps(q, &block, beside);
        start = block.end;
    }
}
