/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stack.c: layers one above the other.
 *
 * A stack runs in chunks of steps: each layer takes the chunk from the one below before the next chunk begins, so that
 * what lies between the layers stays small and in a cache. A layer that runs backwards needs the last step first, and
 * then the whole sequence is one chunk. Between chunks the states stay in the workspace; a chunk's end gives the same
 * bits as no end at all, since T steps equal T calls of one.
 *
 * With a pool, layers may go as a wave, side by side in different chunks (stack_plan.c says which, wave.h how). Each
 * then has arrays of its own.
 */
#include <string.h>

#include "io.h"
#include "sequence.h"
#include "stack_plan.h"
#include "status.h"
#include "team.h"
#include "wave.h"

static enum gru_status check_layers(const gru_layer *const *layers, size_t count, gru_error *error)
{
    if (!layers)
        return gru_fail(error, GRU_NULL_POINTER, "layers is NULL");
    if (count == 0)
        return gru_fail(error, GRU_ZERO_SIZE, "a stack has at least one layer");
    for (size_t i = 0; i < count; i++)
        if (!layers[i])
            return gru_fail(error, GRU_NULL_POINTER, "layers[%zu] is NULL", i);
    for (size_t i = 1; i < count; i++)
        if (layers[i]->desc.input != gru_layer_width(layers[i - 1]))
            return gru_fail(error, GRU_MISMATCH, "layer %zu takes an input of %zu, but layer %zu below is %zu wide", i,
                            layers[i]->desc.input, i - 1, gru_layer_width(layers[i - 1]));
    return GRU_OK;
}

/* The plan, and with it the bytes, without a pool, which hasn't been checked. */
static enum gru_status plan_stack(struct gru_stack_plan *plan, const gru_layer *const *layers, size_t count,
                                  size_t steps, size_t rows, gru_error *error)
{
    enum gru_status status = check_layers(layers, count, error);
    if (status == GRU_OK && !gru_stack_plan_make(plan, layers, count, NULL, steps, rows))
        return gru_fail(error, GRU_OVERFLOW,
                        "the workspace of %zu steps of %zu rows through %zu layers fits in no memory", steps, rows,
                        count);
    return status;
}

enum gru_status gru_stack_workspace_bytes(const gru_layer *const *layers, size_t count, size_t steps, size_t rows,
                                          size_t *bytes, gru_error *error)
{
    struct gru_stack_plan plan;
    if (!bytes)
        return gru_fail(error, GRU_NULL_POINTER, "gru_stack_workspace_bytes: bytes is NULL");
    enum gru_status status = plan_stack(&plan, layers, count, steps, rows, error);
    if (status == GRU_OK)
        *bytes = plan.bytes;
    return status;
}

/* A stack under way. */
struct stack {
    const gru_layer *const *layers;
    size_t count;
    const gru_io *io;
    const gru_state *states; /* the caller's, or NULL */
    const struct gru_stack_plan *plan;
    char *workspace;
};

static char *array_at(const struct stack *s, const struct gru_arrays *arrays, size_t number)
{
    return s->workspace + arrays->at + number * arrays->stride;
}

/* What layer i gives to the one above, of the chunk from step `start` on. */
static float *between(const struct stack *s, size_t i, size_t start)
{
    const size_t number = s->plan->wave ? 2 * i + start / s->plan->chunk % 2 : i % 2;
    return (float *)(void *)array_at(s, &s->plan->between, number);
}

static size_t *lengths_of(const struct stack *s, size_t i)
{
    return (size_t *)(void *)array_at(s, &s->plan->lengths, s->plan->wave ? i : 0);
}

/* The workspace's states of a layer: [direction][row][hidden], behind those of the layers below. */
static float *kept_states(const struct stack *s, size_t layer)
{
    float *at = (float *)(void *)array_at(s, &s->plan->states, 0);
    for (size_t i = 0; i < layer; i++)
        at += gru_stack_state_floats(s->layers[i], s->io->rows);
    return at;
}

/* The caller's states to the workspace, or back to the caller. */
static void copy_states(const struct stack *s, size_t i, int back)
{
    const struct gru_layer *layer = s->layers[i];
    const gru_state *theirs = s->states ? &s->states[i] : NULL;
    size_t hidden = layer->desc.hidden;
    float *ours = kept_states(s, i);
    for (size_t d = 0; d < layer->directions; d++)
        for (size_t row = 0; row < s->io->rows; row++, ours += hidden) {
            ptrdiff_t n = gru_state_number(s->io, row);
            if (back && theirs && theirs->h)
                memcpy(theirs->h + n * theirs->h_row + (ptrdiff_t)d * theirs->h_direction, ours,
                       hidden * sizeof(float));
            else if (!back && theirs && theirs->h0)
                memcpy(ours, theirs->h0 + n * theirs->h0_row + (ptrdiff_t)d * theirs->h0_direction,
                       hidden * sizeof(float));
            else if (!back)
                memset(ours, 0, hidden * sizeof(float));
        }
}

/* One layer's states in the chunk from step `start` on: the workspace's in place, the caller's resets and gates. */
static gru_state chunk_state(const struct stack *s, size_t i, size_t start)
{
    gru_state state = {0};
    if (s->states) {
        state = s->states[i];
        for (int g = 0; g < 3; g++)
            if (state.gates[g])
                state.gates[g] += (ptrdiff_t)start * state.gates_step;
    }
    state.h = kept_states(s, i);
    state.h0 = state.h;
    state.h_row = state.h0_row = (ptrdiff_t)s->layers[i]->desc.hidden;
    state.h_direction = state.h0_direction = state.h_row * (ptrdiff_t)s->io->rows;
    return state;
}

/* The chunk's part of the io; x and y of a layer in between are the workspace's. Where no row has a step left, nothing
 * is read of the caller's, whose strides may lead anywhere. */
static gru_io chunk_io(const struct stack *s, size_t i, size_t start, int reads)
{
    gru_io io = *s->io;
    const ptrdiff_t t = (ptrdiff_t)start, read = reads ? t : 0, rows = (ptrdiff_t)io.rows;
    io.steps = gru_least(io.steps - start, s->plan->chunk);
    io.steps_before += start;
    io.index = NULL;
    if (s->plan->wave)
        io.pool = NULL;
    if (io.lengths)
        io.lengths = lengths_of(s, i);
    if (io.reset_mask)
        io.reset_mask += read * io.reset_mask_step;
    if (i == 0) {
        io.x = io.x ? io.x + read * io.x_step : NULL;
    } else {
        io.x = between(s, i - 1, start);
        io.x_row = (ptrdiff_t)s->layers[i]->desc.input;
        io.x_step = io.x_row * rows;
    }
    if (i + 1 == s->count) {
        io.y = io.y ? io.y + t * io.y_step : NULL;
    } else {
        io.y = between(s, i, start);
        io.y_row = (ptrdiff_t)gru_layer_width(s->layers[i]);
        io.y_step = io.y_row * rows;
        io.y_direction = 0;
        io.reversed_output = 0;
    }
    return io;
}

/* How many steps of each row are in layer i's chunk from step `start` on; whether there are any. */
static int set_lengths(const struct stack *s, size_t i, size_t start)
{
    size_t *lengths = lengths_of(s, i), longest = 0;
    if (!s->io->lengths)
        return 1;
    for (size_t row = 0; row < s->io->rows; row++) {
        const size_t length = s->io->lengths[row];
        lengths[row] = length > start ? gru_least(length - start, s->plan->chunk) : 0;
        longest = gru_most(longest, lengths[row]);
    }
    return longest > 0;
}

/* Layer i through chunk `number`. */
static void run_chunk(void *context, size_t i, size_t number)
{
    const struct stack *s = context;
    const size_t start = number * s->plan->chunk;
    const int reads = set_lengths(s, i, start);
    gru_io io = chunk_io(s, i, start, reads);
    gru_state state = chunk_state(s, i, start);
    struct gru_plan plan;
    gru_plan_make(&plan, s->layers[i], io.steps, io.rows);
    gru_sequence_run(s->layers[i], &io, &state, &plan, array_at(s, &s->plan->inner, s->plan->wave ? i : 0));
}

static void run_stack(struct stack *s)
{
    /* At least one, so that with no steps h still receives h0. */
    const size_t chunks = s->io->steps ? (s->io->steps - 1) / s->plan->chunk + 1 : 1;
    for (size_t i = 0; i < s->count; i++)
        copy_states(s, i, 0);
    gru_wave_run(s->plan->wave ? s->io->pool : NULL, 1, s->count, chunks, run_chunk, s, s->workspace);
    for (size_t i = 0; i < s->count; i++)
        copy_states(s, i, 1);
}

/* The multiply-adds of all layers. */
static size_t work_of_all(const struct stack *s)
{
    size_t work = 0, longest;
    const size_t steps = gru_all_steps(s->io, &longest);
    for (size_t i = 0; i < s->count; i++)
        work += gru_plan_work(s->layers[i], steps);
    return work;
}

/* Whether its pool's threads would share a run, but had better sleep on. */
static int is_stack_spared(const struct stack *s)
{
    const gru_pool *pool = s->io->pool;
    if (!pool || !gru_pool_sleeps(pool))
        return 0;
    int shared = s->plan->wave;
    for (size_t i = 0; i < s->count && !shared; i++)
        shared = gru_is_cut(gru_plan_cut(s->layers[i], pool, s->plan->chunk, s->io->rows));
    const size_t work = work_of_all(s);
    return shared && work > 0 && gru_pool_spares(pool, work);
}

static void run_stack_spared(const struct stack *s)
{
    gru_io io = *s->io;
    struct gru_stack_plan plan;
    struct stack alone = *s;
    io.pool = NULL;
    alone.io = &io;
    alone.plan = &plan;
    gru_stack_plan_make(&plan, s->layers, s->count, NULL, io.steps, io.rows); /* as it was for the workspace's size */
    run_stack(&alone);
    gru_pool_spared(s->io->pool, work_of_all(s));
}

static int is_zero(const gru_state *state)
{
    return !state->h0 && !state->h && !state->reset && !state->gates[GRU_R] && !state->gates[GRU_Z] &&
           !state->gates[GRU_N];
}

enum gru_status gru_run_stack(const gru_layer *const *layers, size_t count, const gru_io *io, const gru_state *states,
                              void *workspace, size_t workspace_bytes, gru_error *error)
{
    gru_io room;
    struct gru_stack_plan plan;
    enum gru_status status = check_layers(layers, count, error);
    if (status != GRU_OK)
        return status;
    io = gru_io_read(io, &room, &status, error);
    if (!io)
        return status;
    if (!is_zero(&io->state))
        return gru_fail(error, GRU_BAD_VALUE,
                        "io.state isn't zero, but gru_run_stack takes states from its argument `states`");
    status = plan_stack(&plan, layers, count, io->steps, io->rows, error);
    if (status == GRU_OK)
        status = gru_io_check(layers[0], layers[count - 1], io, error);
    for (size_t i = 0; states && i < count && status == GRU_OK; i++)
        status = gru_state_check(layers[i], io, &states[i], error);
    if (status != GRU_OK)
        return status;
    if (!workspace || workspace_bytes < plan.bytes)
        return gru_fail(error, workspace ? GRU_SMALL_MEMORY : GRU_NULL_POINTER,
                        "the workspace at %p has %zu bytes, but %zu steps of %zu rows through %zu layers need %zu",
                        workspace, workspace_bytes, io->steps, io->rows, count, plan.bytes);
    /* Without rows strides mean nothing, and steps may be any number. */
    if (io->rows == 0)
        return GRU_OK;
    if (io->pool && io->steps > 1) /* a lone step's plan is the same */
        gru_stack_plan_make(&plan, layers, count, io->pool, io->steps, io->rows);
    struct stack stack = {layers, count, io, states, &plan, gru_align(workspace)};
    if (is_stack_spared(&stack))
        run_stack_spared(&stack);
    else
        run_stack(&stack);
    return GRU_OK;
}
