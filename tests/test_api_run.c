/* SPDX-License-Identifier: BSD-2-Clause */
/* test_api_run.c: runs that are refused, and the smallest ones that are legal. */
#include "drive.h"
#include "tally.h"

#include <stdlib.h>
#include <string.h>

enum { T = 4, B = 3, I = 2, H = 5 };

/* A run of a plain layer in which everything is wanted; refusals change one thing of it. */
typedef struct fixture {
    problem p;
    gru_layer *layer;
    gru_io io;
    tally all;
    gru_pool pool;
    size_t lengths[B], index[B];
    float *outputs; /* y, h and the gates in one array, so that one look sees whatever was written */
    size_t output_count;
    unsigned char *workspace;
    size_t bytes;
} fixture;

static bool set_up(fixture *f, enum problem_reset reset, enum problem_way direction)
{
    problem_shape s = {.input = I,
                       .hidden = H,
                       .steps = T,
                       .rows = B,
                       .reset = reset,
                       .way = direction,
                       .bias = BIAS_6,
                       .initial = true};
    way w = {.backend = check_this()};
    *f = (fixture){.p = problem_make(&s), .all = {.temper = ALL}};
    f->pool = tally_pool(&f->all, 2);
    f->layer = drive_layer(&f->p, &w);
    if (f->layer == NULL) {
        return false;
    }
    size_t width = f->p.width, directions = f->p.directions, last = directions * B * H, gate = T * B * directions * H;
    f->output_count = T * B * width + last + 3 * gate;
    f->outputs = guarded_floats(f->output_count, GUARD_AFTER, 0);
    check_fill(f->outputs, f->output_count, 2.0f, 3.0f);
    float *h = f->outputs + T * B * width;
    f->io = (gru_io){.size = sizeof f->io,
                     .steps = T,
                     .rows = B,
                     .x = f->p.x,
                     .x_step = B * I,
                     .x_row = I,
                     .y = f->outputs,
                     .y_step = (ptrdiff_t)(B * width),
                     .y_row = (ptrdiff_t)width,
                     .pool = &f->pool};
    f->io.state =
        (gru_state){.h0 = f->p.h0, .h0_row = H, .h0_direction = B * H, .h = h, .h_row = H, .h_direction = B * H};
    for (int g = reset == RESET_NOTHING; g < 3; g++) {
        f->io.state.gates[g] = h + last + (size_t)g * gate;
    }
    f->io.state.gates_direction = H;
    f->io.state.gates_row = (ptrdiff_t)(directions * H);
    f->io.state.gates_step = (ptrdiff_t)(B * directions * H);
    for (size_t b = 0; b < B; b++) {
        f->lengths[b] = T - b;
        f->index[b] = B - 1 - b;
    }
    f->io.lengths = f->lengths;
    f->io.index = f->index;
    f->io.index_count = B;
    CHECK(gru_workspace_bytes(f->layer, T, B, &f->bytes, NULL) == GRU_OK, "workspace");
    f->workspace = guarded_bytes(f->bytes, GUARD_AFTER, 0);
    return true;
}

static void refuse(fixture *f, enum gru_status want, const char *what)
{
    float *before = malloc(f->output_count * sizeof(float));
    if (!CHECK(before != NULL, "memory")) {
        return;
    }
    memcpy(before, f->outputs, f->output_count * sizeof(float));
    gru_error error = {0};
    CHECK_STATUS(gru_run(f->layer, &f->io, f->workspace, f->bytes, &error), want, &error, "%s", what);
    CHECK(gru_run(f->layer, &f->io, f->workspace, f->bytes, NULL) == want, "%s: without an error", what);
    CHECK_BITS(f->outputs, before, f->output_count, "%s: an output was written", what);
    for (size_t i = 0; f->workspace != NULL && i < f->bytes; i++) {
        if (!CHECK(f->workspace[i] == 0xa5, "%s: byte %zu of the workspace was written", what, i)) {
            break;
        }
    }
    free(before);
}

#define REFUSE_OF(reset, direction, change, want) \
    do {                                          \
        fixture f;                                \
        if (set_up(&f, reset, direction)) {       \
            change;                               \
            refuse(&f, want, #change);            \
            gru_layer_destroy(f.layer);           \
        }                                         \
        guarded_free_all();                       \
    } while (0)
#define REFUSE(change, want) REFUSE_OF(RESET_PRODUCT, WAY_FORWARD, change, want)
#define REFUSE_BOTH(change, want) REFUSE_OF(RESET_STATE, WAY_BOTH, change, want)

void test_api_run_refusals(void)
{
    REFUSE(f.io.size = 0, GRU_BAD_STRUCT);
    REFUSE(f.io.size = 7, GRU_BAD_STRUCT);
    REFUSE(f.io.size = sizeof(gru_io *), GRU_BAD_STRUCT);
    REFUSE(f.io.x = NULL, GRU_NULL_POINTER);
    REFUSE(f.io.y = (float *)(uintptr_t)f.io.x, GRU_OVERLAP);
    REFUSE(f.io.steps = SIZE_MAX, GRU_OVERFLOW);
    REFUSE((f.io.rows = SIZE_MAX / 64, f.io.lengths = NULL, f.io.index = NULL), GRU_OVERFLOW);
    REFUSE(f.lengths[1] = T + 1, GRU_BAD_LENGTH);
    REFUSE(f.lengths[2] = SIZE_MAX, GRU_BAD_LENGTH);
    REFUSE(f.index[2] = B, GRU_BAD_INDEX);
    REFUSE(f.io.index_count = B - 1, GRU_BAD_INDEX);
    REFUSE(f.bytes--, GRU_SMALL_MEMORY);
    REFUSE(f.bytes = 0, GRU_SMALL_MEMORY);
    REFUSE(f.workspace = NULL, GRU_NULL_POINTER);
    REFUSE(f.pool.size = 8, GRU_BAD_STRUCT);
    REFUSE(f.pool.threads = 0, GRU_ZERO_SIZE);
    REFUSE(f.pool.run = NULL, GRU_NULL_POINTER);
    REFUSE_OF(RESET_NOTHING, WAY_FORWARD, f.io.state.gates[GRU_R] = f.io.state.gates[GRU_Z], GRU_UNSUPPORTED);
}

/* Rows of an output that would run into one another, in either direction of memory. */
void test_api_run_strides(void)
{
    REFUSE(f.io.y_step = H - 1, GRU_BAD_STRIDE);
    REFUSE(f.io.y_row = 0, GRU_BAD_STRIDE);
    REFUSE(f.io.y_row = 1 - H, GRU_BAD_STRIDE);
    REFUSE(f.io.y_step = PTRDIFF_MIN + 1 + PTRDIFF_MAX, GRU_BAD_STRIDE);
    REFUSE(f.io.state.h_row = H - 1, GRU_BAD_STRIDE);
    REFUSE(f.io.state.gates_step = H - 1, GRU_BAD_STRIDE);
    REFUSE(f.io.state.gates_row = 1 - H, GRU_BAD_STRIDE);
    REFUSE((f.io.state.h0 = f.io.state.h, f.io.state.h0_row = 2 * H), GRU_OVERLAP);
    REFUSE(f.io.y_step = f.io.y_row, GRU_BAD_STRIDE);
    REFUSE(f.io.y_step = f.io.y_row + H - 1, GRU_BAD_STRIDE);
    REFUSE(f.io.y_step = 1 - H - f.io.y_row, GRU_BAD_STRIDE);
    REFUSE(f.io.state.gates_row = f.io.state.gates_step, GRU_BAD_STRIDE);
    REFUSE(f.io.state.gates_row = H - 1 - f.io.state.gates_step, GRU_BAD_STRIDE);
    REFUSE_BOTH(f.io.y_row = 2 * H - 1, GRU_BAD_STRIDE);
    REFUSE_BOTH((f.io.y_direction = H, f.io.y_row = H), GRU_BAD_STRIDE);
    REFUSE_BOTH((f.io.y_direction = -H, f.io.y_step = 2 * H - 1), GRU_BAD_STRIDE);
    REFUSE_BOTH(f.io.state.h_direction = f.io.state.h_row, GRU_BAD_STRIDE);
    REFUSE_BOTH(f.io.state.gates_direction = f.io.state.gates_row, GRU_BAD_STRIDE);
    REFUSE_BOTH(f.io.state.gates_direction = -f.io.state.gates_step, GRU_BAD_STRIDE);
    REFUSE_BOTH(f.io.y_direction = H - 1, GRU_BAD_STRIDE);
    REFUSE_BOTH(f.io.y_direction = 1 - H, GRU_BAD_STRIDE);
    REFUSE_BOTH(f.io.state.h_direction = H - 1, GRU_BAD_STRIDE);
    REFUSE_BOTH(f.io.state.gates_direction = H - 1, GRU_BAD_STRIDE);
    REFUSE_BOTH((f.io.state.h0 = f.io.state.h, f.io.state.h0_direction = 2 * B * H), GRU_OVERLAP);
}

void test_api_run_pointers(void)
{
    fixture f;
    gru_error e = {0};
    if (!set_up(&f, RESET_PRODUCT, WAY_FORWARD)) {
        return;
    }
    size_t bytes = 7;
    CHECK_STATUS(gru_run(NULL, &f.io, f.workspace, f.bytes, &e), GRU_NULL_POINTER, &e, "no layer");
    CHECK_STATUS(gru_run(f.layer, NULL, f.workspace, f.bytes, &e), GRU_NULL_POINTER, &e, "no io");
    CHECK_STATUS(gru_workspace_bytes(NULL, T, B, &bytes, &e), GRU_NULL_POINTER, &e, "no layer");
    CHECK_STATUS(gru_workspace_bytes(f.layer, T, B, NULL, &e), GRU_NULL_POINTER, &e, "no bytes");
    CHECK_STATUS(gru_workspace_bytes(f.layer, T, SIZE_MAX / 8, &bytes, &e), GRU_OVERFLOW, &e, "too many rows");
    CHECK(bytes == 7, "a failure writes nothing");
    /* Beyond a block of steps the workspace doesn't grow with them, nor shrink where steps times rows wrap round. */
    static const size_t steps[] = {1000000, SIZE_MAX / B + 1};
    size_t some = 0, many = 0;
    CHECK(gru_workspace_bytes(f.layer, 1000, B, &some, NULL) == GRU_OK, "workspace");
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        CHECK(gru_workspace_bytes(f.layer, steps[i], B, &many, NULL) == GRU_OK && some == many,
              "%zu steps: %zu, then %zu", steps[i], some, many);
    }
    gru_layer_destroy(f.layer);
}

/* The workspace of many steps and rows is enough for fewer. */
void test_api_run_workspace_grows(void)
{
    static const size_t many[] = {0, 1, 2, 3, 5, 31, 42, 43, 63, 64, 65, 127, 128, 129, 200};
    enum { COUNT = sizeof many / sizeof *many };
    for (int direction = WAY_FORWARD; direction < PROBLEM_WAYS; direction++) {
        fixture f;
        if (!set_up(&f, RESET_STATE, (enum problem_way)direction)) {
            return;
        }
        size_t least[2][COUNT] = {{0}};
        for (size_t t = 0; t < COUNT; t++) {
            for (size_t b = 0, below[2] = {0}; b < COUNT; b++) {
                const gru_layer *layers[1] = {f.layer};
                size_t bytes[2] = {0};
                CHECK(gru_workspace_bytes(f.layer, many[t], many[b], &bytes[0], NULL) == GRU_OK &&
                          gru_stack_workspace_bytes(layers, 1, many[t], many[b], &bytes[1], NULL) == GRU_OK,
                      "%zu steps of %zu rows", many[t], many[b]);
                for (int stack = 0; stack < 2; stack++) {
                    CHECK(bytes[stack] >= below[stack] && bytes[stack] >= least[stack][b],
                          "direction %d, stack %d: %zu steps of %zu rows need less than fewer of either", direction,
                          stack, many[t], many[b]);
                    below[stack] = least[stack][b] = bytes[stack];
                }
            }
        }
        gru_layer_destroy(f.layer);
        guarded_free_all();
    }
}

/* --- Legal ----------------------------------------------------------------------------------------- */

/* No steps: h receives h0, nothing else is written, and x isn't needed. */
void test_api_run_no_steps(void)
{
    for (int direction = WAY_FORWARD; direction < PROBLEM_WAYS; direction++) {
        fixture f;
        if (!set_up(&f, RESET_PRODUCT, (enum problem_way)direction)) {
            return;
        }
        size_t last = T * B * f.p.width, count = count_last(&f.p);
        float *want = guarded_floats(f.output_count, GUARD_AFTER, 0);
        memcpy(want, f.outputs, f.output_count * sizeof(float));
        memcpy(want + last, f.p.h0, count * sizeof(float));
        f.io.steps = 0;
        f.io.x = NULL;
        f.io.y_direction = 1;
        f.io.index = NULL;
        memset(f.lengths, 0, sizeof f.lengths);
        gru_error e = {0};
        CHECK_STATUS(gru_run(f.layer, &f.io, f.workspace, f.bytes, &e), GRU_OK, &e, "no steps");
        CHECK_BITS(f.outputs, want, f.output_count, "no steps, direction %d", direction);
        f.io.state.h0 = NULL;
        memset(want + last, 0, count * sizeof(float));
        CHECK_STATUS(gru_run(f.layer, &f.io, f.workspace, f.bytes, &e), GRU_OK, &e, "no steps, no h0");
        CHECK_BITS(f.outputs, want, f.output_count, "no steps, no h0, direction %d", direction);
        gru_layer_destroy(f.layer);
        guarded_free_all();
    }
}

/* Strides of what isn't wanted, or of what nobody has a second one of, mean nothing: UBSan sees them counted with. */
void test_api_run_idle_strides(void)
{
    static const ptrdiff_t idle[] = {PTRDIFF_MAX, PTRDIFF_MIN, 1, -1};
    for (int direction = WAY_FORWARD; direction < PROBLEM_WAYS; direction++) {
        for (size_t i = 0; i < 3 * sizeof idle / sizeof *idle; i++) {
            fixture f;
            if (!set_up(&f, RESET_PRODUCT, (enum problem_way)direction)) {
                return;
            }
            gru_error e = {0};
            size_t last = T * B * f.p.width;
            const ptrdiff_t stride = idle[i / 3];
            f.io.y = NULL;
            f.io.y_step = f.io.y_row = f.io.y_direction = stride;
            memset(f.io.state.gates, 0, sizeof f.io.state.gates);
            if (i % 3 == 1) { /* the shortest way there is for several rows */
                f.io.steps = 1;
                f.io.lengths = NULL;
                f.io.pool = NULL;
            }
            if (i % 3 == 2) { /* one step, and rows that have none, whose last one would be number -1 */
                f.io.steps = 1;
                memset(f.lengths, 0, sizeof f.lengths);
                f.lengths[0] = 1;
                f.io.x_step = stride;
                f.io.y = f.outputs + (B - 1) * f.p.width;
                f.io.y_row = -(ptrdiff_t)f.p.width;
                f.io.y_direction = 0;
            }
            f.io.state.gates_step = f.io.state.gates_row = f.io.state.gates_direction = stride;
            CHECK_STATUS(gru_run(f.layer, &f.io, f.workspace, f.bytes, &e), GRU_OK, &e, "case %zu, direction %d", i,
                         direction);
            CHECK(f.outputs[last] < 2.0f, "case %zu, direction %d: h wasn't written", i, direction);
            gru_layer_destroy(f.layer);
            guarded_free_all();
        }
    }
}

/* A program compiled with a longer header: the same run, unless it sets a field that isn't known here; and with a
 * shorter one. */
void test_api_run_newer(void)
{
    fixture f;
    if (!set_up(&f, RESET_PRODUCT, WAY_FORWARD)) {
        return;
    }
    struct {
        gru_io io;
        size_t more[2];
    } newer = {.io = f.io};
    float *want = guarded_floats(f.output_count, GUARD_AFTER, 0), *before = guarded_floats(f.output_count, GUARD_AFTER, 0);
    memcpy(before, f.outputs, f.output_count * sizeof(float));
    gru_error e = {0};
    CHECK_STATUS(gru_run(f.layer, &f.io, f.workspace, f.bytes, &e), GRU_OK, &e, "this version");
    memcpy(want, f.outputs, f.output_count * sizeof(float));
    memcpy(f.outputs, before, f.output_count * sizeof(float));
    newer.io.size = sizeof newer;
    newer.more[1] = 1;
    CHECK_STATUS(gru_run(f.layer, &newer.io, f.workspace, f.bytes, &e), GRU_BAD_STRUCT, &e, "a field of a later version");
    CHECK_BITS(f.outputs, before, f.output_count, "nothing is written");
    newer.more[1] = 0;
    CHECK_STATUS(gru_run(f.layer, &newer.io, f.workspace, f.bytes, &e), GRU_OK, &e, "a later version");
    CHECK_BITS(f.outputs, want, f.output_count, "a later version's run");

    memcpy(f.outputs, before, f.output_count * sizeof(float));
    f.io.size = offsetof(gru_io, steps_before);
    CHECK_STATUS(gru_run(f.layer, &f.io, f.workspace, f.bytes, &e), GRU_OK, &e, "an earlier version");
    CHECK_BITS(f.outputs, want, f.output_count, "an earlier version's run");
    f.io.size = sizeof f.io;

    struct {
        gru_pool pool;
        size_t more;
    } pool = {f.pool, 1};
    memcpy(f.outputs, before, f.output_count * sizeof(float));
    f.io.pool = &pool.pool;
    pool.pool.size = sizeof pool;
    CHECK_STATUS(gru_run(f.layer, &f.io, f.workspace, f.bytes, &e), GRU_BAD_STRUCT, &e, "an unknown field of a pool");
    CHECK_BITS(f.outputs, before, f.output_count, "nothing is written");
    pool.more = 0;
    CHECK_STATUS(gru_run(f.layer, &f.io, f.workspace, f.bytes, &e), GRU_OK, &e, "a later version's pool");
    CHECK_BITS(f.outputs, want, f.output_count, "a run with a later version's pool");
    gru_layer_destroy(f.layer);
}

/* No rows: no array is needed but a workspace of the size that was asked for. */
void test_api_run_no_rows(void)
{
    fixture f;
    if (!set_up(&f, RESET_STATE, WAY_BOTH)) {
        return;
    }
    size_t bytes = 0;
    gru_error e = {0};
    gru_io io = {.size = sizeof io, .steps = T};
    CHECK_STATUS(gru_workspace_bytes(f.layer, T, 0, &bytes, &e), GRU_OK, &e, "no rows");
    CHECK_STATUS(gru_run(f.layer, &io, guarded_bytes(bytes, GUARD_AFTER, 0), bytes, &e), GRU_OK, &e, "no rows");
    io.steps = 0;
    CHECK_STATUS(gru_run(f.layer, &io, f.workspace, f.bytes, &e), GRU_OK, &e, "no rows, no steps");
    f.io.rows = 0;
    f.io.y_direction = 1; /* which nothing is reached by */
    float *before = guarded_floats(f.output_count, GUARD_AFTER, 0);
    memcpy(before, f.outputs, f.output_count * sizeof(float));
    CHECK_STATUS(gru_run(f.layer, &f.io, f.workspace, f.bytes, &e), GRU_OK, &e, "no rows of much");
    CHECK_BITS(f.outputs, before, f.output_count, "no rows: an output was written");
    gru_layer_destroy(f.layer);
}

/* Rows without steps: zeros for outputs and gates, the last state is h0. x isn't looked at: it lies behind a guard. */
void test_api_run_no_length(void)
{
    fixture f;
    if (!set_up(&f, RESET_PRODUCT, WAY_REVERSE)) {
        return;
    }
    float *want = guarded_floats(f.output_count, GUARD_AFTER, 0);
    memset(want, 0, f.output_count * sizeof(float));
    memcpy(want + T * B * f.p.width, f.p.h0, count_last(&f.p) * sizeof(float));
    memset(f.lengths, 0, sizeof f.lengths);
    f.io.x = guarded_floats(0, GUARD_AFTER, 0);
    f.io.x_step = 1 << 10; /* all of it unreadable */
    gru_error e = {0};
    CHECK_STATUS(gru_run(f.layer, &f.io, f.workspace, f.bytes, &e), GRU_OK, &e, "lengths of 0");
    CHECK_BITS(f.outputs, want, f.output_count, "lengths of 0");
    gru_layer_destroy(f.layer);
}

/* x is read up to a row's own length and not a float farther, forwards and backwards. */
void test_api_run_short_x(void)
{
    for (int direction = WAY_FORWARD; direction < PROBLEM_WAYS; direction++) {
        for (size_t length = 1; length < T; length++) {
            problem_shape s = {.input = I, .hidden = H, .steps = T, .rows = 1, .way = (enum problem_way)direction};
            problem p = problem_make(&s);
            way w = {.backend = check_this()};
            gru_layer *layer = drive_layer(&p, &w);
            float *x = guarded_floats(length * I, GUARD_AFTER, 0), h[2][2 * H];
            memcpy(x, p.x, length * I * sizeof(float));
            gru_io io = {.size = sizeof io, .steps = T, .rows = 1, .x = x, .x_step = I, .lengths = &length};
            io.state = (gru_state){.h = h[0], .h_row = H, .h_direction = H};
            size_t bytes = 0;
            CHECK(layer != NULL && gru_workspace_bytes(layer, T, 1, &bytes, NULL) == GRU_OK, "workspace");
            void *workspace = guarded_bytes(bytes, GUARD_AFTER, 0);
            CHECK(gru_run(layer, &io, workspace, bytes, NULL) == GRU_OK, "with a length");
            io.steps = length;
            io.lengths = NULL;
            io.state.h = h[1];
            CHECK(gru_run(layer, &io, workspace, bytes, NULL) == GRU_OK, "with that many steps");
            CHECK_BITS(h[0], h[1], p.directions * H, "length %zu, direction %d", length, direction);
            gru_layer_destroy(layer);
            guarded_free_all();
        }
    }
}

/* Two rows may start from one state of the pool, if h isn't wanted. */
void test_api_run_shared_state(void)
{
    fixture f;
    if (!set_up(&f, RESET_PRODUCT, WAY_FORWARD)) {
        return;
    }
    gru_error e = {0};
    f.io.state.h = NULL;
    f.io.lengths = NULL;
    f.index[0] = f.index[1] = f.index[2] = 1;
    CHECK_STATUS(gru_run(f.layer, &f.io, f.workspace, f.bytes, &e), GRU_OK, &e, "one state for all rows");
    for (size_t b = 0; b < B; b++) {
        memcpy(f.p.h0 + (b == 1 ? 0 : b) * H, f.p.h0 + H, H * sizeof(float));
    }
    way w = {.backend = check_scalar()};
    answer want = drive(&f.p, &w);
    if (CHECK(want.y != NULL, "a run")) {
        CHECK_BITS(f.outputs, want.y, count_y(&f.p), "one state for all rows");
    }
    gru_layer_destroy(f.layer);
}
