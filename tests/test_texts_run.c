/* SPDX-License-Identifier: BSD-2-Clause */
/* test_texts_run.c: what refusals say of gates, runs and stacks. */
#include "fixture.h"
#include "says.h"

#include <math.h>

static const float numbers[12];

/* --- Gates ----------------------------------------------------------------------------------------- */

static gru_gate_desc plain_gate(void)
{
    return (gru_gate_desc){.size = sizeof(gru_gate_desc),
                           .units = 2,
                           .inputs = 3,
                           .states = 4,
                           .backend = check_scalar(),
                           .w = {numbers, 3, 1},
                           .u = {numbers, 4, 1},
                           .bx = {numbers, 1},
                           .bh = {numbers, 1}};
}

#define GATE_SAYS(change, want, ...)                                           \
    do {                                                                       \
        gru_gate *gate = NULL;                                                 \
        gru_gate_desc desc = plain_gate();                                     \
        change;                                                                \
        SAYS(gru_gate_create(&gate, &desc, NULL, &said), (want), __VA_ARGS__); \
    } while (0)

void test_texts_gates(void)
{
    const ptrdiff_t most = PTRDIFF_MAX;
    const size_t many = (size_t)PTRDIFF_MAX / 8 - 8; /* of one weight each, of which half an address range is full */
    GATE_SAYS(desc.units = 0, GRU_ZERO_SIZE,
              "units is 0, inputs 3, states 4: a gate needs units and one of the others");
    GATE_SAYS(desc.activation = (enum gru_activation)7, GRU_BAD_ENUM, "activation is 7, but libgru %s knows 0 to 3",
              gru_version());
    GATE_SAYS(desc.tier = (enum gru_tier)8, GRU_BAD_ENUM, "tier is 8, but libgru %s knows 0 to 3", gru_version());
    GATE_SAYS(desc.clip = -2.0f, GRU_BAD_VALUE, "clip is -2, but it must be positive, or 0 for none");
    GATE_SAYS((desc.hard_alpha = INFINITY, desc.hard_beta = 0.5f), GRU_BAD_VALUE,
              "hard_alpha is inf and hard_beta is 0.5, but both must be finite");
    GATE_SAYS(desc.w.data = NULL, GRU_NULL_POINTER, "w.data is NULL, but it has 3 columns");
    GATE_SAYS(desc.u.data = NULL, GRU_NULL_POINTER, "u.data is NULL, but it has 4 columns");
    GATE_SAYS(desc.inputs = 0, GRU_MISMATCH, "w.data is set, but it has no columns");
    GATE_SAYS((desc.inputs = 0, desc.w.data = NULL), GRU_BAD_BIAS,
              "bx is set, but without w there is no sum that it would start");
    GATE_SAYS((desc.states = 0, desc.u.data = NULL), GRU_BAD_BIAS,
              "bh is set, but without u there is no sum that it would start");
    GATE_SAYS((desc.w.column = most, desc.bx.unit = 6), GRU_OVERFLOW,
              "w with unit 3 and column %td, or its bias with unit 6, reaches beyond memory's address range", most);
    GATE_SAYS((desc.u.column = 7, desc.bh.unit = most), GRU_OVERFLOW,
              "u with unit 4 and column 7, or its bias with unit %td, reaches beyond memory's address range", most);
    GATE_SAYS((desc.units = many, desc.inputs = 1, desc.states = 2, desc.w.unit = desc.u.unit = 0), GRU_OVERFLOW,
              "the packed weights of %zu units by 1 inputs and 2 states fit in no memory", many);
    gru_gate_desc desc = plain_gate();
    SAYS(gru_gate_create(NULL, &desc, NULL, &said), GRU_NULL_POINTER, "gru_gate_create: gate is NULL");
}

void test_texts_gate_runs(void)
{
    gru_gate *gate = NULL;
    gru_gate_desc desc = plain_gate();
    size_t need = 0;
    const ptrdiff_t most = PTRDIFF_MAX;
    static float out[8], room[1 << 12];
    const float *x = numbers, *h = numbers;
    if (!CHECK(gru_gate_create(&gate, &desc, NULL, NULL) == GRU_OK, "a gate") ||
        !CHECK(gru_gate_workspace_bytes(gate, 2, &need, NULL) == GRU_OK && need < sizeof room, "a workspace"))
        return;
    SAYS(gru_gate_workspace_bytes(NULL, 2, &need, &said), GRU_NULL_POINTER, "gru_gate_workspace_bytes: gate is NULL");
    SAYS(gru_gate_workspace_bytes(gate, 2, NULL, &said), GRU_NULL_POINTER, "gru_gate_workspace_bytes: bytes is NULL");
    SAYS(gru_gate_run(NULL, 2, x, 3, h, 4, out, 2, room, need, &said), GRU_NULL_POINTER, "gru_gate_run: gate is NULL");
    SAYS(gru_gate_run(gate, 2, NULL, 3, h, 4, out, 2, room, need, &said), GRU_NULL_POINTER,
         "x is NULL and h is set, but the gate has 3 inputs and 4 states (what it has none of is NULL)");
    SAYS(gru_gate_run(gate, 2, x, 3, NULL, 4, out, 2, room, need, &said), GRU_NULL_POINTER,
         "x is set and h is NULL, but the gate has 3 inputs and 4 states (what it has none of is NULL)");
    SAYS(gru_gate_run(gate, 2, x, 3, h, 4, NULL, 2, room, need, &said), GRU_NULL_POINTER, "gru_gate_run: out is NULL");
    SAYS(gru_gate_run(gate, 2, x, 3, h, 4, out, 1, room, need, &said), GRU_BAD_STRIDE,
         "out_row is 1, but a row of out is 2 wide: its rows would overlap");
    SAYS(gru_gate_run(gate, 3, x, most, h, 4, out, 2, room, need, &said), GRU_OVERFLOW,
         "x_row is %td, but no memory holds 3 of these", most);
    SAYS(gru_gate_run(gate, 3, x, 3, h, most, out, 2, room, need, &said), GRU_OVERFLOW,
         "h_row is %td, but no memory holds 3 of these", most);
    SAYS(gru_gate_run(gate, 3, x, 3, h, 4, out, most, room, need, &said), GRU_OVERFLOW,
         "out_row is %td, but no memory holds 3 of these", most);
    SAYS(gru_gate_run(gate, 2, x, 3, h, 4, out, 2, room, need - 1, &said), GRU_SMALL_MEMORY,
         "the workspace at %p has %zu bytes, but 2 rows need %zu", (void *)room, need - 1, need);
    gru_gate_destroy(gate);
}

/* --- Runs ------------------------------------------------------------------------------------------ */

/* One thing is changed, and the text is of that one. */
#define RUN_SAYS_OF(reset, direction, change, want, ...)                                     \
    do {                                                                                     \
        fixture f;                                                                           \
        if (set_up(&f, reset, direction)) {                                                  \
            change;                                                                          \
            SAYS(gru_run(f.layer, &f.io, f.workspace, f.bytes, &said), (want), __VA_ARGS__); \
            gru_layer_destroy(f.layer);                                                      \
        }                                                                                    \
        guarded_free_all();                                                                  \
    } while (0)
#define RUN_SAYS(change, want, ...) RUN_SAYS_OF(RESET_PRODUCT, WAY_FORWARD, change, want, __VA_ARGS__)
#define BOTH_SAY(change, want, ...) RUN_SAYS_OF(RESET_PRODUCT, WAY_BOTH, change, want, __VA_ARGS__)

#define OVERLAP "but a row is 5 wide: rows would overlap"
#define POOLED ", for index_count states,"

void test_texts_runs(void)
{
    fixture f;
    size_t bytes = 0;
    if (!set_up(&f, RESET_PRODUCT, WAY_FORWARD))
        return;
    const size_t many = SIZE_MAX / 8;
    SAYS(gru_workspace_bytes(NULL, T, B, &bytes, &said), GRU_NULL_POINTER, "gru_workspace_bytes: layer is NULL");
    SAYS(gru_workspace_bytes(f.layer, T, B, NULL, &said), GRU_NULL_POINTER, "gru_workspace_bytes: bytes is NULL");
    SAYS(gru_workspace_bytes(f.layer, T, many, &bytes, &said), GRU_OVERFLOW,
         "the workspace of %zu rows of hidden 5 fits in no memory", many);
    SAYS(gru_run(NULL, &f.io, f.workspace, f.bytes, &said), GRU_NULL_POINTER, "gru_run: layer is NULL");
    SAYS(gru_run(f.layer, NULL, f.workspace, f.bytes, &said), GRU_NULL_POINTER, "gru_run: io is NULL");
    SAYS(gru_run(f.layer, &f.io, NULL, f.bytes, &said), GRU_NULL_POINTER,
         "gru_run: workspace is NULL, but %zu bytes are needed", f.bytes);
    SAYS(gru_run(f.layer, &f.io, f.workspace, f.bytes - 3, &said), GRU_SMALL_MEMORY,
         "the workspace has %zu bytes, but 4 steps of 3 rows need %zu", f.bytes - 3, f.bytes);
    f.io.size = 5;
    SAYS(gru_run(f.layer, &f.io, f.workspace, f.bytes, &said), GRU_BAD_STRUCT,
         "gru_io.size is 5: set it to sizeof(gru_io)");
    gru_layer_destroy(f.layer);
}

void test_texts_run_values(void)
{
    RUN_SAYS(f.io.x = NULL, GRU_NULL_POINTER, "x is NULL, but there are 4 steps of 3 rows of 2");
    RUN_SAYS(f.io.steps = SIZE_MAX, GRU_OVERFLOW, "io.steps is %zu: perhaps a negative number?", SIZE_MAX);
    RUN_SAYS(f.io.y = (float *)(uintptr_t)f.io.x, GRU_OVERLAP, "x and y are the same array at %p",
             (const void *)f.io.x);
    RUN_SAYS(f.lengths[1] = 6, GRU_BAD_LENGTH, "lengths[1] is 6, but there are 4 steps");
    RUN_SAYS(f.index[2] = 7, GRU_BAD_INDEX, "index[2] is 7, but index_count is 3");
    RUN_SAYS(f.io.index_count = 0, GRU_BAD_INDEX, "index[0] is 2, but index_count is 0: it has to be set");
    RUN_SAYS(f.pool.size = 8, GRU_BAD_STRUCT, "gru_pool.size is 8, but sizeof(gru_pool) is %zu", sizeof(gru_pool));
    RUN_SAYS(f.pool.size = 4104, GRU_BAD_STRUCT,
             "gru_pool.size is 4104, which it can't be: set it to sizeof(gru_pool)");
    RUN_SAYS(f.pool.run = NULL, GRU_NULL_POINTER, "pool->run is NULL");
    RUN_SAYS(f.pool.threads = 0, GRU_ZERO_SIZE, "pool->threads is 0, but the caller's thread counts as 1");
}

/* Which array, along which axis, and how far. */
void test_texts_strides(void)
{
    const ptrdiff_t far = PTRDIFF_MAX / 4;
    const enum gru_status bad = GRU_BAD_STRIDE;
    RUN_SAYS(f.io.x_step = far, GRU_OVERFLOW, "x_step is %td, but no memory holds 4 of these", far);
    RUN_SAYS(f.io.x_row = -far, GRU_OVERFLOW, "x_row is %td, but no memory holds 3 of these", -far);
    RUN_SAYS(f.io.y_step = far, GRU_OVERFLOW, "y_step is %td, but no memory holds 4 of these", far);
    RUN_SAYS(f.io.y_step = 4, bad, "y_step is 4, " OVERLAP);
    RUN_SAYS(f.io.y_row = 0, bad, "y_row is 0, but a row is 5 wide: it has to be set");
    RUN_SAYS(f.io.y_step = 9, bad, "y_step is 9 and y_row is 5, " OVERLAP);
    BOTH_SAY(f.io.y_direction = -4, bad, "y_direction is -4, " OVERLAP);
    BOTH_SAY((f.io.y_direction = 5, f.io.y_row = 6), bad, "y_row is 6 and y_direction is 5, " OVERLAP);
    BOTH_SAY((f.io.y_direction = 0, f.io.y_row = 9), bad, "y_row is 9, but a row is 10 wide: rows would overlap");
    RUN_SAYS(f.io.state.h_row = 4, bad, "state.h_row" POOLED " is 4, " OVERLAP);
    RUN_SAYS((f.io.index = NULL, f.io.state.h_row = 3), bad, "state.h_row is 3, " OVERLAP);
    BOTH_SAY(f.io.state.h_direction = 2, bad, "state.h_direction is 2, " OVERLAP);
    RUN_SAYS(f.io.state.h0_row = far, GRU_OVERFLOW, "state.h0_row" POOLED " is %td, but no memory holds 3 of these",
             far);
    RUN_SAYS((f.io.index = NULL, f.io.state.h0_row = far), GRU_OVERFLOW,
             "state.h0_row is %td, but no memory holds 3 of these", far);
    BOTH_SAY(f.io.state.h0_direction = PTRDIFF_MAX, GRU_OVERFLOW,
             "state.h0_direction is %td, but no memory holds 2 of these", PTRDIFF_MAX);
    RUN_SAYS((f.io.index = NULL, f.io.state.h0 = f.io.state.h, f.io.state.h0_row = 7), GRU_OVERLAP,
             "h0 and h are the same array, but state.h0_row is 7 and state.h_row is 5");
    BOTH_SAY((f.io.state.h0 = f.io.state.h, f.io.state.h0_direction = 40), GRU_OVERLAP,
             "h0 and h are the same array, but state.h0_direction is 40 and state.h_direction is 15");
    RUN_SAYS(f.io.state.gates_step = 4, bad, "state.gates_step is 4, " OVERLAP);
    RUN_SAYS(f.io.state.gates_row = -3, bad, "state.gates_row is -3, " OVERLAP);
    BOTH_SAY(f.io.state.gates_direction = 1, bad, "state.gates_direction is 1, " OVERLAP);
    RUN_SAYS_OF(RESET_NOTHING, WAY_FORWARD, f.io.state.gates[GRU_R] = f.io.state.gates[GRU_Z], GRU_UNSUPPORTED,
                "state.gates[GRU_R] is set, but a layer without a reset has no r");
}

/* --- Stacks ---------------------------------------------------------------------------------------- */

void test_texts_stacks(void)
{
    fixture f;
    size_t need = 0;
    if (!set_up(&f, RESET_PRODUCT, WAY_FORWARD))
        return;
    const gru_layer *const one[] = {f.layer}, *const two[] = {f.layer, f.layer}, *const hole[] = {f.layer, NULL};
    const size_t many = SIZE_MAX / 8;
    gru_state state = f.io.state;
    SAYS(gru_stack_workspace_bytes(NULL, 2, T, B, &need, &said), GRU_NULL_POINTER, "layers is NULL");
    SAYS(gru_stack_workspace_bytes(one, 0, T, B, &need, &said), GRU_ZERO_SIZE, "a stack has at least one layer");
    SAYS(gru_stack_workspace_bytes(hole, 2, T, B, &need, &said), GRU_NULL_POINTER, "layers[1] is NULL");
    SAYS(gru_stack_workspace_bytes(two, 2, T, B, &need, &said), GRU_MISMATCH,
         "layer 1 takes an input of 2, but layer 0 below is 5 wide");
    SAYS(gru_stack_workspace_bytes(one, 1, T, many, &need, &said), GRU_OVERFLOW,
         "the workspace of 4 steps of %zu rows through 1 layers fits in no memory", many);
    SAYS(gru_stack_workspace_bytes(one, 1, T, B, NULL, &said), GRU_NULL_POINTER,
         "gru_stack_workspace_bytes: bytes is NULL");
    CHECK(gru_stack_workspace_bytes(one, 1, T, B, &need, NULL) == GRU_OK, "a stack's workspace");
    void *room = guarded_bytes(need, GUARD_AFTER, 0);
    SAYS(gru_run_stack(one, 1, NULL, &state, room, need, &said), GRU_NULL_POINTER, "the gru_io is NULL");
    SAYS(gru_run_stack(one, 1, &f.io, &state, room, need, &said), GRU_BAD_VALUE,
         "io.state isn't zero, but gru_run_stack takes states from its argument `states`");
    f.io.state = (gru_state){0};
    SAYS(gru_run_stack(one, 1, &f.io, &state, room, need - 2, &said), GRU_SMALL_MEMORY,
         "the workspace at %p has %zu bytes, but 4 steps of 3 rows through 1 layers need %zu", room, need - 2, need);
    state.h_row = 4;
    SAYS(gru_run_stack(one, 1, &f.io, &state, room, need, &said), GRU_BAD_STRIDE,
         "state.h_row" POOLED " is 4, " OVERLAP);
    gru_layer_destroy(f.layer);
}
