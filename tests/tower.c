/* SPDX-License-Identifier: BSD-2-Clause */
/* tower.c: stacks of layers as problems, run at once and one layer after the other. */
#include "tower.h"

#include <string.h>

static size_t width_of(const problem_shape *s)
{
    return s->way == WAY_BOTH ? 2 * s->hidden : s->hidden;
}

static void draw_floor(problem_shape *s, const tower_shape *shape)
{
    s->hidden = shape->least + check_below(shape->most - shape->least + 1);
    s->reset = (enum problem_reset)check_below(shape->alike ? 2 : 3);
    s->replace = check_below(2) != 0;
    s->bias = (enum problem_bias)check_below(PROBLEM_BIASES);
    s->way = shape->forward ? WAY_FORWARD : (enum problem_way)check_below(PROBLEM_WAYS);
    s->hard = check_below(4) == 0;
    s->initial = check_below(2) != 0;
    s->reset_state = check_below(2) != 0;
}

/* Lengths and mask are the whole stack's: those of the lowest problem. */
tower tower_draw(const tower_shape *shape)
{
    tower t = {.count = shape->count};
    bool ragged = check_below(2) != 0, masked = check_below(2) != 0, computed = check_below(4) == 0;
    size_t input = shape->alike ? shape->most : 1 + check_below(30);
    for (size_t i = 0; i < t.count; i++) {
        problem_shape s = {.input = input, .steps = shape->steps, .rows = shape->rows};
        draw_floor(&s, shape);
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

gru_io tower_io(const tower *t, float *y, const gru_pool *pool)
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

tower_site tower_open(const tower *t, const gru_pool *pool, bool in_place)
{
    tower_site site = {.tower = t};
    way w = {.backend = check_this()};
    for (size_t i = 0; i < t->count; i++) {
        site.layers[i] = drive_layer(&t->p[i], &w);
        site.got[i] = answer_make(&t->p[i]);
        site.states[i] = state_of(&t->p[i], &site.got[i], in_place);
    }
    gru_error error = {0};
    site.io = tower_io(t, site.got[t->count - 1].y, pool);
    CHECK_STATUS(gru_stack_workspace_bytes((const gru_layer *const *)site.layers, t->count, site.io.steps, site.io.rows,
                                           &site.bytes, &error),
                 GRU_OK, &error, "workspace");
    site.workspace = guarded_bytes(site.bytes, GUARD_AFTER, check_below(64));
    memset(site.workspace, 0xff, site.bytes);
    return site;
}

enum gru_status tower_call(const tower_site *site, gru_error *error)
{
    return gru_run_stack((const gru_layer *const *)site->layers, site->tower->count, &site->io, site->states,
                         site->workspace, site->bytes, error);
}

void tower_close(tower_site *site)
{
    for (size_t i = 0; i < site->tower->count; i++) {
        gru_layer_destroy(site->layers[i]);
    }
}

void tower_run(const tower *t, const gru_pool *pool, bool in_place)
{
    gru_error error = {0};
    tower_site site = tower_open(t, pool, in_place);
    CHECK_STATUS(tower_call(&site, &error), GRU_OK, &error, "run");
    for (size_t i = 0; i < t->count; i++) {
        char what[40];
        snprintf(what, sizeof what, "layer %zu of %zu", i, t->count);
        site.got[i].y = i + 1 == t->count ? site.got[i].y : NULL;
        answer_check(&t->p[i], &t->want[i], &site.got[i], what);
    }
    tower_close(&site);
}
