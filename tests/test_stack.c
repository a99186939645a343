/* SPDX-License-Identifier: BSD-2-Clause */
/* test_stack.c: a stack of layers gives the bits of its layers run one after the other. */
#include "tally.h"
#include "tower.h"

#include <string.h>

static tower draw(size_t steps, size_t rows, bool forward)
{
    const tower_shape shape = {1 + check_below(MOST_LAYERS), steps, rows, 1, 40, forward, false};
    return tower_draw(&shape);
}

/* Short and long: forward stacks run in chunks of steps, others at once. */
void test_stack_layers(void)
{
    static const size_t sizes[][2] = {{1, 1}, {4, 3}, {5, 17}, {150, 1}, {50, 7}, {3, 130}};
    for (size_t i = 0; i < 60; i++) {
        if (!check_turn(i, 6)) {
            continue;
        }
        tower t = draw(sizes[i % 6][0], sizes[i % 6][1], i % 4 < 2);
        tower_run(&t, NULL, i % 3 == 0);
        guarded_free_all();
    }
}

void test_stack_threads(void)
{
    gru_team *team = NULL;
    if (!CHECK(gru_team_create(&team, 3, NULL, NULL) == GRU_OK, "a team")) {
        return;
    }
    tally all = {0};
    const gru_pool pool = tally_team(&all, team);
    for (size_t i = 0; i < 12; i++) {
        tower t = draw(40, 5, i % 2 == 0);
        tower_run(&t, i % 3 == 0 ? gru_team_pool(team) : &pool, false);
        guarded_free_all();
    }
    gru_team_destroy(team);
}

/* Layers cut into as many slices as they have groups of units, which takes all of a workspace: no byte past one that
 * begins where aligning it takes most of the line that there is for that. */
void test_stack_room(void)
{
    enum { HIDDEN = 352, PAST_A_LINE = 4 };
    const tower_shape shape = {2, 8, 1, HIDDEN, HIDDEN, true, true};
    tally all = {.temper = ALL};
    const gru_pool pool = tally_pool(&all, 64);
    tower t = tower_draw(&shape);
    tower_site site = tower_open(&t, &pool, false);
    /* Workspaces are whole lines, so the end is as far from one as the beginning. */
    CHECK(site.bytes % GRU_ALIGNMENT == 0, "a workspace of %zu bytes", site.bytes);
    site.workspace = guarded_bytes(site.bytes, GUARD_AFTER, GRU_ALIGNMENT - PAST_A_LINE);
    memset(site.workspace, 0xff, site.bytes);
    gru_error error = {0};
    CHECK_STATUS(tower_call(&site, &error), GRU_OK, &error, "run");
    CHECK(all.calls > 0, "a pool that isn't asked");
    answer_check(&t.p[1], &t.want[1], &site.got[1], "a workspace with an exact end");
    tower_close(&site);
}

/* --- Two layers of nine units each ------------------------------------------------------------------ */

typedef struct pair {
    tower t;
    gru_layer *mine[2];
    const gru_layer *layers[2];
    void *workspace;
    size_t bytes;
} pair;

static pair make_pair(enum problem_way ways, size_t steps, size_t rows)
{
    problem_shape lower = {.input = 5, .hidden = 9, .steps = steps, .rows = rows, .bias = BIAS_6}, upper = lower;
    lower.way = upper.way = ways;
    upper.input = ways == WAY_BOTH ? 2 * lower.hidden : lower.hidden;
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
    pair two = make_pair(WAY_FORWARD, 6, 4);
    answer want = one_after_the_other(&two), got = {NULL, NULL, {NULL}};
    got.y = guarded_floats(count_y(&two.t.p[1]), GUARD_AFTER, 0);
    gru_io io = tower_io(&two.t, got.y, NULL);
    CHECK(gru_run_stack(two.layers, 2, &io, NULL, two.workspace, two.bytes, NULL) == GRU_OK, "run");
    answer_check(&two.t.p[1], &want, &got, "without states");
    free_pair(&two);
}

/* Where y's halves stand is the topmost layer's alone: further apart than they are wide, or the other way round. */
void test_stack_halves(void)
{
    enum { STEPS = 6, ROWS = 4, HIDDEN = 9, GAP = 5 };
    static const ptrdiff_t directions[] = {HIDDEN + GAP, -HIDDEN};
    pair two = make_pair(WAY_BOTH, STEPS, ROWS);
    answer want = one_after_the_other(&two), got = {NULL, NULL, {NULL}};
    for (size_t i = 0; i < 2; i++) {
        const size_t first = i == 0 ? 0 : HIDDEN, second = i == 0 ? HIDDEN + GAP : 0, width = 2 * HIDDEN + GAP;
        float *y = guarded_floats(STEPS * ROWS * width, GUARD_AFTER, 0);
        got.y = guarded_floats(count_y(&two.t.p[1]), GUARD_AFTER, 0);
        gru_io io = tower_io(&two.t, y + first, NULL);
        io.y_row = (ptrdiff_t)width;
        io.y_step = io.y_row * ROWS;
        io.y_direction = directions[i];
        gru_error e = {0};
        CHECK_STATUS(gru_run_stack(two.layers, 2, &io, NULL, two.workspace, two.bytes, &e), GRU_OK, &e, "run");
        for (size_t k = 0; k < STEPS * ROWS; k++) {
            memcpy(got.y + k * 2 * HIDDEN, y + k * width + first, HIDDEN * sizeof(float));
            memcpy(got.y + k * 2 * HIDDEN + HIDDEN, y + k * width + second, HIDDEN * sizeof(float));
        }
        answer_check(&two.t.p[1], &want, &got, i == 0 ? "halves apart" : "halves the other way round");
    }
    free_pair(&two);
}

/* A stride that leads nowhere may be of any size: in chunks past all rows' lengths nothing is read. */
void test_stack_idle_strides(void)
{
    enum { STEPS = 300, ROWS = 2 };
    pair two = make_pair(WAY_FORWARD, STEPS, ROWS);
    const size_t lengths[ROWS] = {1, 1};
    const uint8_t mask[ROWS] = {0};
    float *y = guarded_floats(count_y(&two.t.p[1]), GUARD_AFTER, 0);
    gru_io io = tower_io(&two.t, y, NULL);
    io.lengths = lengths;
    io.reset_mask = mask;
    io.reset_mask_row = 1;
    io.reset_mask_step = PTRDIFF_MAX / 64; /* which UBSan would see multiplied with the number of a step */
    gru_error e = {0};
    CHECK_STATUS(gru_run_stack(two.layers, 2, &io, NULL, two.workspace, two.bytes, &e), GRU_OK, &e, "a run");
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
    pair two = make_pair(WAY_FORWARD, 6, 4);
    size_t count = count_y(&two.t.p[1]);
    float *y = guarded_floats(count, GUARD_AFTER, 0);
    gru_io io = tower_io(&two.t, y, NULL);
    check_stack_refusals(&two, &io, y, count);
    free_pair(&two);
}

/* No steps: each layer's h receives its h0, whose -0 and tiny numbers are +0 as ever. */
void test_stack_no_steps(void)
{
    tower t = draw(3, 4, false);
    for (size_t i = 0; i < t.count; i++) {
        problem *p = &t.p[i];
        p->shape.steps = 0;
        p->lengths = NULL;
        p->mask = NULL;
        t.want[i].y = NULL;
        const size_t count = count_last(p);
        t.want[i].last = memset(guarded_floats(count, GUARD_AFTER, 0), 0, count * sizeof(float));
        if (i == 0 && p->h0 == NULL) { /* at least one has to have it */
            p->h0 = guarded_floats(count, GUARD_AFTER, 0);
            check_fill(p->h0, count, 0.5f, 1.0f);
        }
        if (p->h0 != NULL) {
            p->h0[0] = -0.0f;
            p->h0[1] = 0x1p-70f;
            memcpy(t.want[i].last + 2, p->h0 + 2, (count - 2) * sizeof(float));
        }
    }
    tower_run(&t, NULL, false);
}

/* Two layers forward over a pool of five states, of which four rows have some: as gru_run for one after the other. */
void test_stack_index(void)
{
    enum { STEPS = 40, ROWS = 4, POOL = 5 };
    static const size_t index[ROWS] = {4, 0, 3, 1};
    pair two = make_pair(WAY_FORWARD, STEPS, ROWS);
    float *h0 = guarded_floats(POOL * 9, GUARD_AFTER, 0), *got[3], *want[3];
    check_fill(h0, POOL * 9, -1.0f, 1.0f);
    for (size_t i = 0; i < 3; i++) { /* two pools of states that nobody has written, and y */
        size_t count = i < 2 ? POOL * 9 : STEPS * ROWS * 9;
        got[i] = guarded_floats(count, GUARD_AFTER, 0);
        want[i] = guarded_floats(count, GUARD_BEFORE, 0);
        memset(got[i], 0x5a, count * sizeof(float));
        memset(want[i], 0x5a, count * sizeof(float));
    }
    gru_io io = tower_io(&two.t, got[2], NULL);
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
    pair two = make_pair(WAY_FORWARD, 6, 4);
    answer want = one_after_the_other(&two);
    float *last = guarded_floats(4 * 9, GUARD_AFTER, 0), *zeros = guarded_floats(4 * 9, GUARD_AFTER, 0);
    memset(zeros, 0, 4 * 9 * sizeof(float));
    gru_io io = tower_io(&two.t, NULL, NULL);
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
