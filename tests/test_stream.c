/* SPDX-License-Identifier: BSD-2-Clause */
/* test_stream.c: one step of one row and small layers, which have ways of their own through the library, against
 * scalar. */
#include "rig.h"

#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { TIERS = 4, RESETS = 3, HIDDEN = 11, ROOM = 4096 };

/* Below, at, above and at twice the lanes of every back end, 1, 4, 8 and 16. */
static const size_t sizes[] = {1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 24, 31, 32, 33, 48};

/* One step of one row of which everything is asked that the short way allows. */
static rig_shape lone(size_t hidden, enum gru_reset reset)
{
    rig_shape s = {.steps = 1, .rows = 1, .seed = check_random()};
    s.desc = (gru_desc){.input = 1 + hidden % 6, .hidden = hidden, .reset = reset, .bias = GRU_BIAS_SIX};
    s.desc.backend = check_this();
    return s;
}

/* Runs a shape on this back end and on scalar. */
static void compare(const rig_shape *shape, const char *what)
{
    rig_shape plain = *shape;
    plain.desc.backend = check_scalar();
    rig got = rig_make(shape, NULL), want = rig_make(&plain, NULL);
    gru_error error = {0};
    if (got.layer != NULL && want.layer != NULL) {
        CHECK_STATUS(rig_run(&got, &error), GRU_OK, &error, "%s, %s", rig_text(shape), what);
        CHECK_STATUS(rig_run(&want, &error), GRU_OK, &error, "%s, %s, scalar", rig_text(shape), what);
        rig_same(&got, &want, what);
    }
    rig_free(&got);
    rig_free(&want);
    guarded_free_all();
}

static bool has_tier(enum gru_tier tier)
{
    return gru_sigmoid(check_this(), tier, 0, NULL, NULL, NULL) == GRU_OK &&
           gru_sigmoid(check_scalar(), tier, 0, NULL, NULL, NULL) == GRU_OK;
}

/* Every size by every reset and tier, as one step and as a sequence, for all that a step may be asked besides. */
void test_stream_small(void)
{
    static const char *const extras[] = {"plain", "clip", "hard sigmoid", "gates", "sum", "mask", "replace", "no y, in place",
                                         "no h0", "neither output"};
    size_t cases = COUNT(sizes) * RESETS * TIERS * COUNT(extras);
    for (size_t i = 0; i < 2 * cases; i++) {
        size_t extra = i / 2 % COUNT(extras), rest = i / 2 / COUNT(extras);
        rig_shape s = lone(sizes[rest / (RESETS * TIERS)], (enum gru_reset)(rest % RESETS));
        s.desc.tier = (enum gru_tier)(rest / RESETS % TIERS);
        s.steps = i % 2 == 0 ? 1 : 4;
        s.desc.clip = extra == 1 ? 0.25f : 0.0f;
        s.desc.gates = extra == 2 ? GRU_GATES_HARD_SIGMOID : GRU_GATES_SIGMOID;
        s.gates = extra == 3;
        s.desc.direction = extra == 4 ? GRU_BIDIRECTIONAL : GRU_FORWARD;
        s.desc.merge = GRU_MERGE_SUM;
        s.masked = s.reset_state = extra == 5;
        s.desc.update = extra == 6 ? GRU_UPDATE_REPLACE : GRU_UPDATE_KEEP;
        s.in_place = extra == 7;
        s.no_y = extra == 7 || extra == 9;
        s.no_h0 = extra == 8;
        s.no_last = extra == 9;
        /* Plain steps have the shortest ways, so they are never left out. */
        if (has_tier(s.desc.tier) && (extra == 0 || check_turn(i, 8))) {
            compare(&s, extras[extra]);
        }
    }
}

/* The outputs asked of a run with the arguments as they now are, against another's. */
static void expect_same(rig *r, const rig *want, const char *what)
{
    gru_error error = {0};
    CHECK_STATUS(rig_run(r, &error), GRU_OK, &error, "%s, %s", rig_text(&r->shape), what);
    rig_same(r, want, what);
}

/* The same with one gate wanted, which the short way would leave as it is. */
static void expect_gate(rig *r, const rig *want, int g, const char *what)
{
    float *gate = guarded_floats(HIDDEN, GUARD_AFTER, 0);
    check_fill(gate, HIDDEN, 2.0f, 2.0f);
    r->io.state.gates[g] = gate;
    expect_same(r, want, what);
    r->io.state.gates[g] = NULL;
    for (size_t j = 0; j < HIDDEN; j++) {
        CHECK(gate[j] > -1.0f && gate[j] < 1.0f, "%s: gate %d of unit %zu is %g", what, g, j, (double)gate[j]);
    }
}

static void run_nothing(void *context, void (*task)(void *argument, size_t i), void *argument, size_t count)
{
    (void)context, (void)task, (void)argument, (void)count;
}

/*
 * The check that lets a lone step pass looks at one thing after another, and each must send the call back to the long way.
 * Nothing else stands in that way here, so what a short way would do with such an argument can be seen.
 */
void test_stream_falls_back(void)
{
    for (int reset = 0; reset < RESETS; reset++) {
        rig_shape s = lone(HIDDEN, (enum gru_reset)reset);
        rig want = rig_make(&s, NULL), got = rig_make(&s, NULL);
        gru_error error = {0};
        if (want.layer == NULL || got.layer == NULL) {
            break;
        }
        CHECK_STATUS(rig_run(&want, &error), GRU_OK, &error, "%s", rig_text(&s));
        /* A struct of an earlier version, which ends before `pool`: what stands there mustn't be looked at. */
        got.io.pool = (const gru_pool *)(const void *)guarded_bytes(0, GUARD_AFTER, 0);
        got.io.size = offsetof(gru_io, pool);
        expect_same(&got, &want, "a smaller struct");
        got.io.size = sizeof got.io;
        got.io.pool = NULL;

        size_t length = 1, index = 0;
        uint8_t mask = 0;
        got.io.lengths = &length;
        expect_same(&got, &want, "a length");
        got.io.lengths = NULL;
        got.io.index = &index;
        got.io.index_count = 1;
        expect_same(&got, &want, "an index");
        got.io.index = NULL;
        got.io.reset_mask = &mask;
        expect_same(&got, &want, "a mask");
        got.io.reset_mask = NULL;
        const gru_pool pool = {.size = sizeof pool, .threads = 3, .run = run_nothing};
        got.io.pool = &pool; /* of which so small a step makes no use */
        expect_same(&got, &want, "a pool");
        got.io.pool = NULL;
        for (int g = reset == GRU_RESET_NONE ? GRU_Z : GRU_R; g <= GRU_N; g++) {
            expect_gate(&got, &want, g, "a gate");
            got.io.lengths = &length;
            expect_gate(&got, &want, g, "a gate and a length");
            got.io.lengths = NULL;
        }
        rig_free(&want);
        rig_free(&got);
        guarded_free_all();
    }
}

/* Refuses a call with a status, after which no output and no byte of the workspace has changed. */
static void refuse(const rig *r, void *workspace, size_t bytes, enum gru_status status, const char *what)
{
    static unsigned char y[ROOM], h[ROOM], room[ROOM];
    gru_error error = {0};
    if (!CHECK(r->workspace_bytes <= sizeof room && r->y.count * sizeof(float) <= sizeof y, "the test's arrays")) {
        return;
    }
    memcpy(y, r->y.data, r->y.count * sizeof(float));
    memcpy(h, r->h.data, r->h.count * sizeof(float));
    memcpy(room, r->workspace, r->workspace_bytes);
    CHECK_STATUS(gru_run(r->layer, &r->io, workspace, bytes, &error), status, &error, "%s", what);
    CHECK(gru_run(r->layer, &r->io, workspace, bytes, NULL) == status, "%s: without an error", what);
    CHECK(memcmp(y, r->y.data, r->y.count * sizeof(float)) == 0, "%s: y was written", what);
    CHECK(memcmp(h, r->h.data, r->h.count * sizeof(float)) == 0, "%s: h was written", what);
    CHECK(memcmp(room, r->workspace, r->workspace_bytes) == 0, "%s: the workspace was written", what);
}

/* What the long way refuses is refused of a lone step too. */
void test_stream_refusals(void)
{
    for (int reset = 0; reset < RESETS; reset++) {
        rig_shape s = lone(HIDDEN, (enum gru_reset)reset);
        rig r = rig_make(&s, NULL);
        if (r.layer == NULL) {
            break;
        }
        const gru_io io = r.io;
        size_t bytes = r.workspace_bytes, length = 2, index = 1;
        gru_pool pool = {.size = sizeof pool, .threads = 1};
        gru_pool small = {.size = sizeof pool - 1, .threads = 1, .run = run_nothing};
        gru_pool empty = {.size = sizeof pool, .run = run_nothing};
        struct {
            gru_pool pool;
            size_t more;
        } newer = {{.size = sizeof newer, .threads = 1, .run = run_nothing}, 1};
        r.io.size = sizeof io.size - 1;
        refuse(&r, r.workspace, bytes, GRU_BAD_STRUCT, "a struct that is too small");
        r.io = io;
        r.io.x = NULL;
        refuse(&r, r.workspace, bytes, GRU_NULL_POINTER, "no x");
        r.io.x = r.y.data;
        refuse(&r, r.workspace, bytes, GRU_OVERLAP, "y is x");
        r.io = io;
        r.io.lengths = &length;
        refuse(&r, r.workspace, bytes, GRU_BAD_LENGTH, "a length of 2");
        r.io = io;
        r.io.index = &index;
        r.io.index_count = 1;
        refuse(&r, r.workspace, bytes, GRU_BAD_INDEX, "state 1 of 1");
        r.io = io;
        r.io.pool = &pool;
        refuse(&r, r.workspace, bytes, GRU_NULL_POINTER, "a pool that can't run");
        r.io.pool = &small;
        refuse(&r, r.workspace, bytes, GRU_BAD_STRUCT, "a pool that is too small");
        r.io.pool = &empty;
        refuse(&r, r.workspace, bytes, GRU_ZERO_SIZE, "a pool of no threads");
        r.io.pool = &newer.pool;
        refuse(&r, r.workspace, bytes, GRU_BAD_STRUCT, "a pool with a field of a later version");
        r.io = io;
        refuse(&r, NULL, bytes, GRU_NULL_POINTER, "no workspace");
        refuse(&r, NULL, 0, GRU_NULL_POINTER, "no workspace, no bytes");
        refuse(&r, r.workspace, bytes - 1, GRU_SMALL_MEMORY, "a byte too few");
        refuse(&r, r.workspace, 0, GRU_SMALL_MEMORY, "no bytes");
        if (reset == GRU_RESET_NONE) {
            r.io.state.gates[GRU_R] = r.h.data;
            refuse(&r, r.workspace, bytes, GRU_UNSUPPORTED, "r of a layer without a reset");
        }
        rig_free(&r);
        guarded_free_all();
    }
}
