/* SPDX-License-Identifier: BSD-2-Clause */
/* test_stack.c: a stack of layers gives the bits of its layers run one after the other. */
#include "drive.h"

#include <string.h>

enum { MOST_LAYERS = 4 };

/* A stack as problems, the x of each being the y of the one below, with what each must answer. */
typedef struct tower {
    size_t count;
    problem p[MOST_LAYERS];
    answer want[MOST_LAYERS];
} tower;

static size_t width_of(const problem_shape *s)
{
    return s->way == WAY_BOTH ? 2 * s->hidden : s->hidden;
}

static void draw_floor(problem_shape *s, bool forward)
{
    s->hidden = 1 + check_below(40);
    s->reset = (enum problem_reset)check_below(3);
    s->replace = check_below(2) != 0;
    s->bias = (enum problem_bias)check_below(PROBLEM_BIASES);
    s->way = forward ? WAY_FORWARD : (enum problem_way)check_below(PROBLEM_WAYS);
    s->hard = check_below(4) == 0;
    s->initial = check_below(2) != 0;
    s->reset_state = check_below(2) != 0;
}

/* Lengths and mask are the whole stack's: those of the lowest problem. */
static tower draw_tower(size_t steps, size_t rows, bool forward)
{
    tower t = {.count = 1 + check_below(MOST_LAYERS)};
    bool ragged = check_below(2) != 0, masked = check_below(2) != 0, computed = check_below(4) == 0;
    size_t input = 1 + check_below(30);
    for (size_t i = 0; i < t.count; i++) {
        problem_shape s = {.input = input, .steps = steps, .rows = rows};
        draw_floor(&s, forward);
        s.ragged = ragged && i == 0;
        s.masked = masked && i == 0;
        s.computed_order = computed && i + 1 == t.count;
        t.p[i] = problem_make(&s);
        if (i > 0) {
            t.p[i].x = t.want[i - 1].y;
            t.p[i].lengths = t.p[0].lengths;
            t.p[i].mask = t.p[0].mask;
        }
        way plain = {.backend = check_scalar()};
        t.want[i] = drive(&t.p[i], &plain);
        input = width_of(&s);
    }
    return t;
}

/* All arrays dense, time-major; states [D][B][H]. */
static gru_state state_of(const problem *p, answer *got, bool in_place)
{
    ptrdiff_t row = (ptrdiff_t)p->shape.hidden, direction = row * (ptrdiff_t)p->shape.rows;
    gru_state s = {.h0 = p->h0,
                   .h0_row = row,
                   .h0_direction = direction,
                   .h = got->last,
                   .h_row = row,
                   .h_direction = direction,
                   .reset = p->reset_to,
                   .reset_row = row,
                   .reset_direction = direction};
    if (in_place && p->h0 != NULL) {
        memcpy(got->last, p->h0, count_last(p) * sizeof(float));
        s.h0 = got->last;
    }
    static const int names[3] = {[GRU_R] = PROBLEM_RESET, [GRU_Z] = PROBLEM_UPDATE, [GRU_N] = PROBLEM_CANDIDATE};
    for (int g = p->shape.reset == RESET_NOTHING ? GRU_Z : GRU_R; g <= GRU_N; g++) {
        s.gates[g] = got->gates[names[g]];
    }
    s.gates_direction = row;
    s.gates_row = row * (ptrdiff_t)p->directions;
    s.gates_step = s.gates_row * (ptrdiff_t)p->shape.rows;
    return s;
}

static gru_io io_of(const tower *t, float *y, const gru_pool *pool)
{
    const problem *first = &t->p[0], *last = &t->p[t->count - 1];
    ptrdiff_t rows = (ptrdiff_t)first->shape.rows;
    gru_io io = {.size = sizeof io, .steps = first->shape.steps, .rows = first->shape.rows, .pool = pool};
    io.x = first->x;
    io.x_row = (ptrdiff_t)first->shape.input;
    io.x_step = io.x_row * rows;
    io.y = y;
    io.y_row = (ptrdiff_t)last->width;
    io.y_step = io.y_row * rows;
    io.lengths = first->lengths;
    io.reset_mask = first->mask;
    io.reset_mask_step = rows;
    io.reset_mask_row = 1;
    io.reversed_output = last->shape.computed_order;
    return io;
}

static void run_tower(const tower *t, const gru_pool *pool, bool in_place)
{
    const gru_layer *layers[MOST_LAYERS];
    gru_layer *mine[MOST_LAYERS];
    gru_state states[MOST_LAYERS];
    answer got[MOST_LAYERS];
    way w = {.backend = check_this()};
    for (size_t i = 0; i < t->count; i++) {
        layers[i] = mine[i] = drive_layer(&t->p[i], &w);
        got[i] = answer_make(&t->p[i]);
        states[i] = state_of(&t->p[i], &got[i], in_place);
    }
    size_t rows = t->p[0].shape.rows, steps = t->p[0].shape.steps, bytes = 0, top = t->count - 1;
    gru_io io = io_of(t, got[top].y, pool);
    gru_error error = {0};
    CHECK_STATUS(gru_stack_workspace_bytes(layers, t->count, steps, rows, &bytes, &error), GRU_OK, &error, "workspace");
    void *workspace = guarded_bytes(bytes, GUARD_AFTER, check_below(64));
    memset(workspace, 0xff, bytes);
    CHECK_STATUS(gru_run_stack(layers, t->count, &io, states, workspace, bytes, &error), GRU_OK, &error, "run");
    for (size_t i = 0; i < t->count; i++) {
        char what[40];
        snprintf(what, sizeof what, "layer %zu of %zu", i, t->count);
        got[i].y = i == top ? got[i].y : NULL;
        answer_check(&t->p[i], &t->want[i], &got[i], what);
        gru_layer_destroy(mine[i]);
    }
}

/* Short and long: forward stacks run in chunks of steps, others at once. */
void test_stack_layers(void)
{
    static const size_t sizes[][2] = {{1, 1}, {4, 3}, {5, 17}, {150, 1}, {50, 7}, {3, 130}};
    for (size_t i = 0; i < 60; i++) {
        if (!check_turn(i, 6)) {
            continue;
        }
        tower t = draw_tower(sizes[i % 6][0], sizes[i % 6][1], i % 4 < 2);
        run_tower(&t, NULL, i % 3 == 0);
        guarded_free_all();
    }
}

void test_stack_threads(void)
{
    gru_team *team = NULL;
    if (!CHECK(gru_team_create(&team, 3, NULL, NULL) == GRU_OK, "a team")) {
        return;
    }
    for (size_t i = 0; i < 12; i++) {
        tower t = draw_tower(40, 5, i % 2 == 0);
        run_tower(&t, gru_team_pool(team), false);
        guarded_free_all();
    }
    gru_team_destroy(team);
}

/* --- Two layers, forward, nine units each ---------------------------------------------------------- */

typedef struct pair {
    tower t;
    gru_layer *mine[2];
    const gru_layer *layers[2];
    void *workspace;
    size_t bytes;
} pair;

static pair make_pair(size_t steps, size_t rows)
{
    problem_shape lower = {.input = 5, .hidden = 9, .steps = steps, .rows = rows, .bias = BIAS_6}, upper = lower;
    upper.input = lower.hidden;
    pair two = {.t = {.count = 2, .p = {problem_make(&lower), problem_make(&upper)}}};
    way plain = {.backend = check_this()};
    for (size_t i = 0; i < 2; i++) {
        two.layers[i] = two.mine[i] = drive_layer(&two.t.p[i], &plain);
    }
    CHECK(gru_stack_workspace_bytes(two.layers, 2, steps, rows, &two.bytes, NULL) == GRU_OK, "workspace");
    two.workspace = guarded_bytes(two.bytes, GUARD_AFTER, 0);
    return two;
}

/* What the upper layer answers, run by itself over the lower one's outputs. */
static answer one_after_the_other(pair *two)
{
    way plain = {.backend = check_this()};
    two->t.p[1].x = drive(&two->t.p[0], &plain).y;
    return drive(&two->t.p[1], &plain);
}

static void free_pair(const pair *two)
{
    gru_layer_destroy(two->mine[0]);
    gru_layer_destroy(two->mine[1]);
}

/* States may be left out altogether: all start at zero, and only y is wanted. */
void test_stack_without_states(void)
{
    pair two = make_pair(6, 4);
    answer want = one_after_the_other(&two), got = {NULL, NULL, {NULL}};
    got.y = guarded_floats(count_y(&two.t.p[1]), GUARD_AFTER, 0);
    gru_io io = io_of(&two.t, got.y, NULL);
    CHECK(gru_run_stack(two.layers, 2, &io, NULL, two.workspace, two.bytes, NULL) == GRU_OK, "run");
    answer_check(&two.t.p[1], &want, &got, "without states");
    free_pair(&two);
}

/* --- Refusals -------------------------------------------------------------------------------------- */

static void check_stack_refusals(const pair *two, const gru_io *io, float *y, size_t count_of_y)
{
    const gru_layer *const *layers = two->layers;
    const gru_layer *swapped[2] = {layers[1], layers[0]}, *missing[2] = {layers[0], NULL};
    const gru_layer *baseless[2] = {NULL, layers[1]};
    size_t bytes = 0;
    gru_error e = {0};
    float *before = guarded_floats(count_of_y, GUARD_AFTER, 0);
    memcpy(before, y, count_of_y * sizeof(float));
    CHECK_STATUS(gru_stack_workspace_bytes(NULL, 2, 6, 4, &bytes, &e), GRU_NULL_POINTER, &e, "no layers");
    CHECK_STATUS(gru_stack_workspace_bytes(layers, 2, 6, 4, NULL, &e), GRU_NULL_POINTER, &e, "no bytes");
    CHECK_STATUS(gru_stack_workspace_bytes(layers, 0, 6, 4, &bytes, &e), GRU_ZERO_SIZE, &e, "a stack of nothing");
    CHECK_STATUS(gru_stack_workspace_bytes(missing, 2, 6, 4, &bytes, &e), GRU_NULL_POINTER, &e, "a layer is missing");
    CHECK_STATUS(gru_stack_workspace_bytes(baseless, 2, 6, 4, &bytes, &e), GRU_NULL_POINTER, &e, "the first is missing");
    CHECK_STATUS(gru_stack_workspace_bytes(swapped, 2, 6, 4, &bytes, &e), GRU_MISMATCH, &e, "widths don't fit");
    CHECK(strcmp(e.text, "layer 1 takes an input of 5, but layer 0 below is 9 wide") == 0, "which don't: %s", e.text);
    CHECK_STATUS(gru_stack_workspace_bytes(layers, 2, 6, SIZE_MAX / 8, &bytes, &e), GRU_OVERFLOW, &e, "too many rows");
    CHECK(bytes == 0, "a failure writes no bytes");
    void *ws = two->workspace;
    bytes = two->bytes;
    CHECK_STATUS(gru_run_stack(NULL, 2, io, NULL, ws, bytes, &e), GRU_NULL_POINTER, &e, "no layers");
    CHECK_STATUS(gru_run_stack(layers, 0, io, NULL, ws, bytes, &e), GRU_ZERO_SIZE, &e, "a stack of nothing");
    CHECK_STATUS(gru_run_stack(missing, 2, io, NULL, ws, bytes, &e), GRU_NULL_POINTER, &e, "a layer is missing");
    CHECK_STATUS(gru_run_stack(baseless, 2, io, NULL, ws, bytes, &e), GRU_NULL_POINTER, &e, "the first is missing");
    CHECK_STATUS(gru_run_stack(swapped, 2, io, NULL, ws, bytes, &e), GRU_MISMATCH, &e, "widths don't fit");
    CHECK_STATUS(gru_run_stack(layers, 2, NULL, NULL, ws, bytes, &e), GRU_NULL_POINTER, &e, "no io");
    CHECK_STATUS(gru_run_stack(layers, 2, io, NULL, NULL, bytes, &e), GRU_NULL_POINTER, &e, "no workspace");
    CHECK_STATUS(gru_run_stack(layers, 2, io, NULL, ws, bytes - 1, &e), GRU_SMALL_MEMORY, &e, "a byte too few");
    gru_io odd = *io;
    odd.state.h = y;
    CHECK_STATUS(gru_run_stack(layers, 2, &odd, NULL, ws, bytes, &e), GRU_BAD_VALUE, &e, "io has a state");
    odd = *io;
    odd.state.h0 = y;
    CHECK_STATUS(gru_run_stack(layers, 2, &odd, NULL, ws, bytes, &e), GRU_BAD_VALUE, &e, "io has a first state");
    odd = *io;
    odd.state.reset = y;
    CHECK_STATUS(gru_run_stack(layers, 2, &odd, NULL, ws, bytes, &e), GRU_BAD_VALUE, &e, "io has a state for resets");
    for (int g = GRU_R; g <= GRU_N; g++) {
        odd = *io;
        odd.state.gates[g] = y;
        CHECK_STATUS(gru_run_stack(layers, 2, &odd, NULL, ws, bytes, &e), GRU_BAD_VALUE, &e, "io has gate %d", g);
    }
    odd = *io;
    odd.y_row = 1;
    CHECK_STATUS(gru_run_stack(layers, 2, &odd, NULL, ws, bytes, &e), GRU_BAD_STRIDE, &e, "rows of y overlap");
    gru_state states[2] = {{.h = NULL}, {.h = y, .h_row = 1}};
    CHECK_STATUS(gru_run_stack(layers, 2, io, states, ws, bytes, &e), GRU_BAD_STRIDE, &e, "states overlap");
    states[0].h = y;
    CHECK_STATUS(gru_run_stack(layers, 2, io, states, ws, bytes, &e), GRU_BAD_STRIDE, &e, "the lower states overlap");
    CHECK_BITS(y, before, count_of_y, "nothing is written");
}

void test_stack_refusals(void)
{
    pair two = make_pair(6, 4);
    size_t count = count_y(&two.t.p[1]);
    float *y = guarded_floats(count, GUARD_AFTER, 0);
    gru_io io = io_of(&two.t, y, NULL);
    check_stack_refusals(&two, &io, y, count);
    free_pair(&two);
}

/* No steps: each layer's h receives its h0. */
void test_stack_no_steps(void)
{
    tower t = draw_tower(3, 4, false);
    for (size_t i = 0; i < t.count; i++) {
        problem *p = &t.p[i];
        p->shape.steps = 0;
        p->lengths = NULL;
        p->mask = NULL;
        t.want[i].y = NULL;
        t.want[i].last =
            p->h0 ? p->h0 : memset(guarded_floats(count_last(p), GUARD_AFTER, 0), 0, count_last(p) * sizeof(float));
    }
    run_tower(&t, NULL, false);
}

/* Two layers forward over a pool of five states, of which four rows have some: as gru_run for one after the other. */
void test_stack_index(void)
{
    enum { STEPS = 40, ROWS = 4, POOL = 5 };
    static const size_t index[ROWS] = {4, 0, 3, 1};
    pair two = make_pair(STEPS, ROWS);
    float *h0 = guarded_floats(POOL * 9, GUARD_AFTER, 0), *got[3], *want[3];
    check_fill(h0, POOL * 9, -1.0f, 1.0f);
    for (size_t i = 0; i < 3; i++) { /* two pools of states that nobody has written, and y */
        size_t count = i < 2 ? POOL * 9 : STEPS * ROWS * 9;
        got[i] = guarded_floats(count, GUARD_AFTER, 0);
        want[i] = guarded_floats(count, GUARD_BEFORE, 0);
        memset(got[i], 0x5a, count * sizeof(float));
        memset(want[i], 0x5a, count * sizeof(float));
    }
    gru_io io = io_of(&two.t, got[2], NULL);
    io.index = index;
    io.index_count = POOL;
    gru_state states[2] = {{.h0 = h0, .h0_row = 9, .h = got[0], .h_row = 9}, {.h = got[1], .h_row = 9}};
    gru_error error = {0};
    CHECK_STATUS(gru_run_stack(two.layers, 2, &io, states, two.workspace, two.bytes, &error), GRU_OK, &error,
                 "a stack over a pool of states");
    float *between = guarded_floats(STEPS * ROWS * 9, GUARD_AFTER, 0);
    for (size_t i = 0; i < 2; i++) {
        gru_io one = io;
        one.x = i == 0 ? io.x : between;
        one.x_row = i == 0 ? io.x_row : 9;
        one.x_step = one.x_row * ROWS;
        one.y = i == 0 ? between : want[2];
        one.state = states[i];
        one.state.h = want[i];
        size_t bytes = 0;
        CHECK(gru_workspace_bytes(two.layers[i], STEPS, ROWS, &bytes, NULL) == GRU_OK, "workspace");
        CHECK_STATUS(gru_run(two.layers[i], &one, guarded_bytes(bytes, GUARD_AFTER, 0), bytes, &error), GRU_OK, &error,
                     "layer %zu", i);
    }
    for (size_t i = 0; i < 3; i++) {
        CHECK_BITS(got[i], want[i], i < 2 ? POOL * 9 : STEPS * ROWS * 9, "array %zu of a stack with an index", i);
    }
    free_pair(&two);
}

/* Without y only the last states are wanted, of one layer perhaps; without steps there is no x either. */
void test_stack_nothing_wanted(void)
{
    pair two = make_pair(6, 4);
    answer want = one_after_the_other(&two);
    float *last = guarded_floats(4 * 9, GUARD_AFTER, 0), *zeros = guarded_floats(4 * 9, GUARD_AFTER, 0);
    memset(zeros, 0, 4 * 9 * sizeof(float));
    gru_io io = io_of(&two.t, NULL, NULL);
    gru_state states[2] = {{.h = NULL}, {.h = last, .h_row = 9}};
    gru_error error = {0};
    CHECK_STATUS(gru_run_stack(two.layers, 2, &io, states, two.workspace, two.bytes, &error), GRU_OK, &error, "no y");
    CHECK_BITS(last, want.last, 4 * 9, "the upper layer's last states");
    io.steps = 0;
    io.x = NULL;
    CHECK_STATUS(gru_run_stack(two.layers, 2, &io, states, two.workspace, two.bytes, &error), GRU_OK, &error,
                 "no x, no steps");
    CHECK_BITS(last, zeros, 4 * 9, "states without a step and without h0");
    free_pair(&two);
}
