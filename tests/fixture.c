/* SPDX-License-Identifier: BSD-2-Clause */
/* fixture.c: a run of a plain layer in which everything is wanted. */
#include "fixture.h"

bool set_up(fixture *f, enum problem_reset reset, enum problem_way direction)
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
