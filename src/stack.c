/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stack.c: layers one above the other.
 *
 * A stack runs in chunks of steps: each layer takes the chunk from the one below before the next chunk begins, so that
 * what lies between the layers stays small and in a cache. A layer that runs backwards needs the last step first, and
 * then the whole sequence is one chunk. Between chunks the states stay in the workspace; a chunk's end gives the same
 * bits as no end at all, since T steps equal T calls of one.
 */
#include <string.h>

#include "io.h"
#include "run.h"
#include "size.h"
#include "status.h"

/* Where things lie in the workspace, in bytes. */
struct stack_plan {
    size_t chunk;      /* steps */
    size_t wave[2];    /* outputs between layers, taking turns */
    size_t wave_width; /* floats a row: of the widest layer but the last */
    size_t states;     /* of all layers: [layer][direction][row][hidden] */
    size_t lengths;    /* [rows]: what is left of each row in this chunk */
    size_t inner;      /* the workspace of a layer's run */
    size_t bytes;
};

static size_t state_floats(const struct gru_layer *layer, size_t rows)
{
    return layer->directions * rows * layer->desc.hidden;
}

/* Adds an array and says where it begins; 0 when it doesn't fit, like everything after it. */
static int put(struct stack_plan *plan, size_t a, size_t b, size_t c, size_t element, size_t *at)
{
    size_t count;
    *at = plan->bytes;
    if (!gru_mul(a, b, &count) || !gru_mul(count, c, &count) || !gru_mul(count, element, &count) ||
        count > (size_t)PTRDIFF_MAX / 2)
        return 0;
    /* At most half of the address range and a quarter of it: no wrapping round, here or when it is aligned. */
    plan->bytes += gru_round_up(count, GRU_ALIGNMENT);
    return plan->bytes <= (size_t)PTRDIFF_MAX;
}

static int make_plan(struct stack_plan *plan, const gru_layer *const *layers, size_t count, size_t steps, size_t rows)
{
    size_t inner = 0, states = 0;
    int forward = 1;
    *plan = (struct stack_plan){0};
    for (size_t i = 0; i < count; i++) {
        if (layers[i]->desc.direction != GRU_FORWARD)
            forward = 0;
        if (i + 1 < count && gru_layer_width(layers[i]) > plan->wave_width)
            plan->wave_width = gru_layer_width(layers[i]);
        if (rows > layers[i]->max_rows)
            return 0;
    }
    size_t block = rows && rows < GRU_BLOCK_ROWS ? GRU_BLOCK_ROWS / rows : 1;
    plan->chunk = forward && steps > block ? block : steps;
    for (size_t i = 0; i < count; i++) {
        struct gru_plan run;
        gru_plan_make(&run, layers[i], steps, rows); /* no less than a chunk's */
        inner = run.bytes > inner ? run.bytes : inner;
        /* A layer's own states fit in its max_rows, but there may be any number of layers. */
        if (!gru_add(states, state_floats(layers[i], rows), &states))
            return 0;
    }
    size_t wave_steps = forward ? 1 : steps, wave_rows = forward ? gru_plan_block_rows(steps, rows) : rows;
    int fits = put(plan, wave_steps, wave_rows, plan->wave_width, sizeof(float), &plan->wave[0]) &&
               put(plan, wave_steps, wave_rows, plan->wave_width, sizeof(float), &plan->wave[1]) &&
               put(plan, states, 1, 1, sizeof(float), &plan->states) &&
               put(plan, rows, 1, 1, sizeof(size_t), &plan->lengths) && put(plan, inner, 1, 1, 1, &plan->inner);
    plan->bytes += GRU_ALIGNMENT;
    return fits;
}

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

static enum gru_status plan_stack(struct stack_plan *plan, const gru_layer *const *layers, size_t count, size_t steps,
                                  size_t rows, gru_error *error)
{
    enum gru_status status = check_layers(layers, count, error);
    if (status == GRU_OK && !make_plan(plan, layers, count, steps, rows))
        return gru_fail(error, GRU_OVERFLOW,
                        "the workspace of %zu steps of %zu rows through %zu layers fits in no memory", steps, rows,
                        count);
    return status;
}

enum gru_status gru_stack_workspace_bytes(const gru_layer *const *layers, size_t count, size_t steps, size_t rows,
                                          size_t *bytes, gru_error *error)
{
    struct stack_plan plan;
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
    const struct stack_plan *plan;
    char *workspace;
};

/* The workspace's states of a layer: [direction][row][hidden], behind those of the layers below. */
static float *kept_states(const struct stack *s, size_t layer)
{
    float *at = (float *)(void *)(s->workspace + s->plan->states);
    for (size_t i = 0; i < layer; i++)
        at += state_floats(s->layers[i], s->io->rows);
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

/* The chunk's part of the io; x and y of a layer in between are the workspace's. */
static gru_io chunk_io(const struct stack *s, size_t i, size_t start)
{
    gru_io io = *s->io;
    size_t left = io.steps - start;
    ptrdiff_t t = (ptrdiff_t)start, rows = (ptrdiff_t)io.rows;
    io.steps = left < s->plan->chunk ? left : s->plan->chunk;
    io.steps_before += start;
    io.index = NULL;
    if (io.lengths)
        io.lengths = (const size_t *)(const void *)(s->workspace + s->plan->lengths);
    if (io.reset_mask)
        io.reset_mask += t * io.reset_mask_step;
    if (i == 0) {
        io.x = io.x ? io.x + t * io.x_step : NULL;
    } else {
        io.x = (const float *)(const void *)(s->workspace + s->plan->wave[(i - 1) % 2]);
        io.x_row = (ptrdiff_t)s->layers[i]->desc.input;
        io.x_step = io.x_row * rows;
    }
    if (i + 1 == s->count) {
        io.y = io.y ? io.y + t * io.y_step : NULL;
    } else {
        io.y = (float *)(void *)(s->workspace + s->plan->wave[i % 2]);
        io.y_row = (ptrdiff_t)gru_layer_width(s->layers[i]);
        io.y_step = io.y_row * rows;
        io.y_direction = 0;
        io.reversed_output = 0;
    }
    return io;
}

/* How many steps of each row are in the chunk from `start` on. */
static void set_lengths(const struct stack *s, size_t start)
{
    size_t *lengths = (size_t *)(void *)(s->workspace + s->plan->lengths);
    for (size_t row = 0; s->io->lengths && row < s->io->rows; row++) {
        size_t length = s->io->lengths[row], left = length > start ? length - start : 0;
        lengths[row] = left < s->plan->chunk ? left : s->plan->chunk;
    }
}

static void run_stack(const struct stack *s)
{
    for (size_t i = 0; i < s->count; i++)
        copy_states(s, i, 0);
    size_t start = 0;
    do { /* at least once, so that with no steps h still receives h0 */
        set_lengths(s, start);
        for (size_t i = 0; i < s->count; i++) {
            gru_io io = chunk_io(s, i, start);
            gru_state state = chunk_state(s, i, start);
            struct gru_plan plan;
            gru_plan_make(&plan, s->layers[i], io.steps, io.rows);
            gru_run_checked(s->layers[i], &io, &state, &plan, s->workspace + s->plan->inner);
        }
        start += s->plan->chunk;
    } while (start < s->io->steps);
    for (size_t i = 0; i < s->count; i++)
        copy_states(s, i, 1);
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
    struct stack_plan plan;
    enum gru_status status = check_layers(layers, count, error);
    if (status != GRU_OK)
        return status;
    io = gru_io_read(io, &room, &status, error);
    if (!io)
        return status;
    if (!is_zero(&io->state))
        return gru_fail(error, GRU_BAD_VALUE,
                        "io.state is set, but a stack takes its states from the argument of that name");
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
    struct stack stack = {layers, count, io, states, &plan, gru_align(workspace)};
    run_stack(&stack);
    return GRU_OK;
}
