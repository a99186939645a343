/* SPDX-License-Identifier: BSD-2-Clause */
/* test_api_refused.c: runs that are refused, with nothing written. */
#include "fixture.h"

#include <stdlib.h>
#include <string.h>

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
    REFUSE(f.pool.size = offsetof(gru_pool, context), GRU_BAD_STRUCT); /* which would be NULL, and nobody says so */
    REFUSE(f.pool.threads = 0, GRU_ZERO_SIZE);
    REFUSE(f.pool.run = NULL, GRU_NULL_POINTER);
    REFUSE_OF(RESET_NOTHING, WAY_FORWARD, f.io.state.gates[GRU_R] = f.io.state.gates[GRU_Z], GRU_UNSUPPORTED);
}

static void want_gate(fixture *f, int g)
{
    for (int other = 0; other < 3; other++) {
        f->io.state.gates[other] = other == g ? f->io.state.gates[g] : NULL;
    }
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
    for (int g = 0; g < 3; g++) { /* wanted alone */
        REFUSE((want_gate(&f, g), f.io.state.gates_step = H - 1), GRU_BAD_STRIDE);
    }
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
    /* Not only next to one another: a row's third step on the next row's first. */
    REFUSE((f.io.y_step = H, f.io.y_row = 2 * H), GRU_BAD_STRIDE);
    REFUSE((f.io.y_step = -2 * H - 1, f.io.y_row = H), GRU_BAD_STRIDE);
    REFUSE((f.io.y_step = H, f.io.y_row = T * H - 1), GRU_BAD_STRIDE);
    REFUSE((f.io.y_step = 2 * H, f.io.y_row = 4 * H - 3), GRU_BAD_STRIDE);
    REFUSE_BOTH((f.io.state.h_row = H, f.io.state.h_direction = 2 * H), GRU_BAD_STRIDE);
    REFUSE_BOTH((f.io.state.h_row = -H, f.io.state.h_direction = B * H - 1), GRU_BAD_STRIDE);
}

/* A pool of states, whose strides count even if a run has one row of it. */
void test_api_run_pool_strides(void)
{
    REFUSE((f.io.rows = 1, f.io.state.h_row = 0), GRU_BAD_STRIDE);
    REFUSE((f.io.rows = 1, f.io.state.h0 = f.io.state.h, f.io.state.h0_row = 0), GRU_OVERLAP);
    REFUSE_BOTH((f.io.rows = 2, f.io.index_count = 4), GRU_BAD_STRIDE);
    fixture f;
    gru_error e = {0};
    if (set_up(&f, RESET_PRODUCT, WAY_FORWARD)) {
        f.io.rows = 1;
        f.io.index = NULL;
        f.io.state.h0 = f.io.state.h;
        f.io.state.h0_row = 0;
        CHECK_STATUS(gru_run(f.layer, &f.io, f.workspace, f.bytes, &e), GRU_OK, &e, "one row needs no stride");
        gru_layer_destroy(f.layer);
    }
    guarded_free_all();
}

/* Arrays that fit in no memory. */
void test_api_run_reach(void)
{
    enum { BITS = sizeof(size_t) * 8 };
    REFUSE(f.io.x_step = PTRDIFF_MAX / 8, GRU_OVERFLOW);
    REFUSE(f.io.x_row = -(PTRDIFF_MAX / 8), GRU_OVERFLOW);
    REFUSE((f.io.lengths = NULL, f.io.steps = (size_t)1 << (BITS - 2)), GRU_OVERFLOW);
    REFUSE((f.io.x_step = 0, f.io.lengths = NULL, f.io.steps = (size_t)1 << (BITS - 2)), GRU_OVERFLOW);
    REFUSE(f.io.y_step = PTRDIFF_MAX / 8, GRU_OVERFLOW);
    REFUSE(f.io.state.h0_row = PTRDIFF_MAX / 4, GRU_OVERFLOW);
    REFUSE(f.io.state.h_row = PTRDIFF_MAX / 4, GRU_OVERFLOW);
    REFUSE(f.io.state.gates_step = PTRDIFF_MAX / 8, GRU_OVERFLOW);
    REFUSE_BOTH(f.io.state.h0_direction = PTRDIFF_MAX, GRU_OVERFLOW);
    REFUSE_BOTH((f.io.y_row = PTRDIFF_MAX / 16, f.io.y_step = PTRDIFF_MAX / 16), GRU_OVERFLOW);
    REFUSE(f.io.index_count = SIZE_MAX, GRU_OVERFLOW);
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
