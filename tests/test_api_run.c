/* SPDX-License-Identifier: BSD-2-Clause */
/* test_api_run.c: the smallest runs that are legal. */
#include "fixture.h"

#include <string.h>

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

/* What is no concatenation of two halves has one row of y, and no use for a y_direction. */
void test_api_run_idle_direction(void)
{
    static const ptrdiff_t idle[] = {1, H - 1, -1, PTRDIFF_MAX, PTRDIFF_MIN};
    static const enum problem_way ways[] = {WAY_FORWARD, WAY_REVERSE, WAY_BOTH_SUM};
    for (size_t i = 0; i < 3; i++) {
        fixture f;
        if (!set_up(&f, RESET_PRODUCT, ways[i])) {
            return;
        }
        gru_error e = {0};
        float *want = guarded_floats(f.output_count, GUARD_AFTER, 0);
        CHECK_STATUS(gru_run(f.layer, &f.io, f.workspace, f.bytes, &e), GRU_OK, &e, "without a y_direction");
        memcpy(want, f.outputs, f.output_count * sizeof(float));
        for (size_t k = 0; k < sizeof idle / sizeof *idle; k++) {
            f.io.y_direction = idle[k];
            check_fill(f.outputs, T * B * f.p.width, 2.0f, 3.0f);
            CHECK_STATUS(gru_run(f.layer, &f.io, f.workspace, f.bytes, &e), GRU_OK, &e, "direction %d, y_direction %td",
                         (int)ways[i], idle[k]);
            CHECK_BITS(f.outputs, want, f.output_count, "direction %d, y_direction %td", (int)ways[i], idle[k]);
        }
        gru_layer_destroy(f.layer);
        guarded_free_all();
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

/* No rows are nothing to be cut for, or to let threads sleep through. */
void test_api_run_no_rows_asleep(void)
{
    static const size_t hidden[] = {5, 64, 130};
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++) {
        gru_team *team = NULL;
        if (!CHECK(gru_team_create(&team, 2, NULL, NULL) == GRU_OK, "a team of 2")) {
            return;
        }
        problem_shape s = {.input = 64, .hidden = hidden[i], .steps = 100, .rows = 1, .bias = BIAS_6};
        problem p = problem_make(&s);
        way w = {.backend = check_this()};
        gru_layer *layer = drive_layer(&p, &w);
        const gru_pool *pool = gru_team_pool(team);
        CHECK(tally_sleeps(pool), "a team without work sleeps");
        size_t bytes = 0;
        gru_workspace_bytes(layer, 100, 0, &bytes, NULL);
        void *workspace = guarded_bytes(bytes, GUARD_AFTER, 0);
        const gru_io io = {.size = sizeof io, .steps = 100, .x = p.x, .x_step = 64, .pool = pool};
        gru_error e = {0};
        CHECK_STATUS(gru_run(layer, &io, workspace, bytes, &e), GRU_OK, &e, "no rows of %zu", hidden[i]);
        gru_layer_destroy(layer);
        gru_team_destroy(team);
        guarded_free_all();
    }
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
    f.io.state.h_row = f.io.state.h_direction = 0; /* nor do the strides of states that no row has */
    CHECK_STATUS(gru_run(f.layer, &f.io, f.workspace, f.bytes, &e), GRU_OK, &e, "no rows of a pool of states");
    CHECK_BITS(f.outputs, before, f.output_count, "no rows of a pool: an output was written");
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
