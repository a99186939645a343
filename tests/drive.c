/* SPDX-License-Identifier: BSD-2-Clause */
/* drive.c: lays a problem's arrays out, runs the library on them call by call, and reads the results back. */
#include "drive.h"
#include "field.h"

#include <string.h>

/* One run's arrays, and where its calls stand. */
typedef struct session {
    const problem *p;
    const way *w;
    gru_layer *layer;
    field x, y, h0, h, reset, gates[3]; /* x, y, gates: [T][B]; states: [D][pool of rows], reset: [D][B] */
    size_t *lengths;                    /* the caller's arrays, frozen */
    size_t *index;
    uint8_t *mask; /* of step 0 and row 0 */
    ptrdiff_t mask_step, mask_row;
    size_t pool_rows;
    bool ok;
} session;

/* --- Arrays ---------------------------------------------------------------------------------------- */

static field_form form_of(const way *w, bool swapped, size_t more_gap)
{
    return (field_form){swapped, w->negative, w->odd, w->offset, w->side, w->gap + more_gap};
}

/* Where the state of row b stands in the pool of states. */
static size_t state_at(const session *s, size_t b)
{
    return s->index ? s->index[b] : b;
}

static void place_index(session *s)
{
    size_t rows = s->p->shape.rows;
    s->pool_rows = s->w->indexed ? rows + 3 : rows;
    if (!s->w->indexed) {
        return;
    }
    size_t *shuffled = guarded_bytes(s->pool_rows * sizeof(size_t), GUARD_AFTER, 0);
    for (size_t i = 0; i < s->pool_rows; i++) {
        size_t k = check_below(i + 1);
        shuffled[i] = shuffled[k];
        shuffled[k] = i;
    }
    s->index = guarded_bytes(rows * sizeof(size_t), GUARD_AFTER, 0);
    memcpy(s->index, shuffled, rows * sizeof(size_t));
    guarded_freeze(s->index);
}

static void place_x(session *s)
{
    const problem *p = s->p;
    s->x = field_make(p->shape.steps, p->shape.rows, p->shape.input, form_of(s->w, s->w->batch_major, 0));
    for (size_t t = 0; t < p->shape.steps; t++) {
        for (size_t b = 0; b < p->shape.rows; b++) {
            memcpy(field_row(&s->x, t, b), p->x + at_x(p, t, b), p->shape.input * sizeof(float));
        }
    }
    guarded_freeze(s->x.buffer);
}

/* States of [D][B], either way inside the other. */
static field place_states(const session *s, const float *dense, size_t rows, const size_t *index, size_t gap)
{
    const problem *p = s->p;
    field f = field_make(p->directions, rows, p->shape.hidden, form_of(s->w, s->w->direction_inside, gap));
    for (size_t d = 0; d < p->directions; d++) {
        for (size_t b = 0; dense != NULL && b < p->shape.rows; b++) {
            float *row = field_row(&f, d, index ? index[b] : b);
            memcpy(row, dense + at_state(p, b, d), p->shape.hidden * sizeof(float));
        }
    }
    return f;
}

/* Only a concatenated y has halves, which begin here in its rows; if they are as they would be without a
 * y_direction, none is given. */
static size_t half_gap(const session *s)
{
    return s->p->shape.way == WAY_BOTH ? s->w->half_gap : 0;
}

static size_t at_half(const session *s, size_t direction)
{
    bool second = s->p->shape.way == WAY_BOTH && (direction == 1) != s->w->halves_swapped;
    return second ? s->p->shape.hidden + half_gap(s) : 0;
}

/* So the gates of two directions, whose stride is always given. */
static size_t gates_width(const session *s)
{
    return s->p->directions == 2 ? 2 * s->p->shape.hidden + s->w->gate_gap : s->p->shape.hidden;
}

static size_t at_gates(const session *s, size_t direction)
{
    bool second = s->p->directions == 2 && (direction == 1) != s->w->gates_swapped;
    return second ? s->p->shape.hidden + s->w->gate_gap : 0;
}

/* What nobody may look at would reset a row. */
static void place_mask(session *s)
{
    const problem *p = s->p;
    const size_t steps = p->shape.steps, rows = p->shape.rows;
    if (p->mask == NULL) {
        return;
    }
    bool inside = s->w->batch_major != s->w->mask_swapped; /* steps, rows otherwise */
    size_t near = 1 + s->w->mask_gap, far = near * (inside ? steps : rows) + s->w->mask_gap;
    size_t step = inside ? near : far, row = inside ? far : near;
    size_t last = steps && rows ? (steps - 1) * step + (rows - 1) * row : 0, count = steps && rows ? last + 1 : 0;
    uint8_t *bytes = guarded_bytes(count, GUARD_AFTER, 0);
    memset(bytes, 0xff, count);
    s->mask = bytes + (s->w->negative ? last : 0);
    s->mask_step = s->w->negative ? -(ptrdiff_t)step : (ptrdiff_t)step;
    s->mask_row = s->w->negative ? -(ptrdiff_t)row : (ptrdiff_t)row;
    for (size_t t = 0; t < steps; t++) {
        for (size_t b = 0; b < rows; b++) {
            s->mask[(ptrdiff_t)t * s->mask_step + (ptrdiff_t)b * s->mask_row] = p->mask[t * rows + b];
        }
    }
    guarded_freeze(bytes);
}

/* The index has to be there when the states are placed. */
static void place_all(session *s)
{
    const problem *p = s->p;
    const problem_shape *shape = &p->shape;
    place_index(s);
    place_x(s);
    s->y = field_make(shape->steps, shape->rows, p->width + half_gap(s), form_of(s->w, s->w->batch_major, 0));
    s->h0 = place_states(s, p->h0, s->pool_rows, s->index, s->w->h0_gap);
    s->h = place_states(s, NULL, s->pool_rows, s->index, s->w->h_gap);
    s->reset = place_states(s, p->reset_to, shape->rows, NULL, s->w->reset_gap);
    guarded_freeze(s->reset.buffer);
    if (!s->w->in_place) {
        guarded_freeze(s->h0.buffer);
    }
    for (int g = 0; g < 3; g++) {
        /* Directions side by side in a row, so that a field of two strides holds them. */
        s->gates[g] =
            field_make(shape->steps, shape->rows, gates_width(s), form_of(s->w, s->w->batch_major, s->w->gate_gap));
    }
    place_mask(s);
}

/* --- Calls ----------------------------------------------------------------------------------------- */

/* Part of a problem for one call: steps from .. to - 1 of rows first .. end - 1. */
typedef struct part {
    size_t from, to, first, end;
    bool begins; /* no call before it had these rows */
} part;

static gru_state state_of(const session *s, const part *c)
{
    const problem *p = s->p;
    const way *w = s->w;
    bool in_place = w->in_place && p->h0 != NULL;
    const field *start = c->begins || in_place ? &s->h0 : &s->h, *end = in_place ? &s->h0 : &s->h;
    size_t row = s->index ? 0 : c->first;
    bool last = !w->no_last || w->step_chunk != 0;
    gru_state state = {.h0_row = start->inner_stride, .h0_direction = start->outer_stride};
    state.h0 = c->begins && p->h0 == NULL ? NULL : field_row(start, 0, row);
    state.h = last ? field_row(end, 0, row) : NULL;
    state.h_row = end->inner_stride;
    state.h_direction = end->outer_stride;
    state.reset = p->reset_to ? field_row(&s->reset, 0, c->first) : NULL;
    state.reset_row = s->reset.inner_stride;
    state.reset_direction = s->reset.outer_stride;
    static const int names[3] = {[GRU_R] = PROBLEM_RESET, [GRU_Z] = PROBLEM_UPDATE, [GRU_N] = PROBLEM_CANDIDATE};
    for (int g = 0; g < 3; g++) {
        bool wanted = !w->no_gate[names[g]] && !(g == GRU_R && p->shape.reset == RESET_NOTHING);
        state.gates[g] = wanted ? field_row(&s->gates[names[g]], c->from, c->first) + at_gates(s, 0) : NULL;
    }
    state.gates_step = s->gates[0].outer_stride;
    state.gates_row = s->gates[0].inner_stride;
    state.gates_direction = (ptrdiff_t)at_gates(s, 1) - (ptrdiff_t)at_gates(s, 0);
    return state;
}

/* A row's share of the steps of this call: its end is relative to where the call begins. */
static void place_lengths(session *s, const part *c)
{
    size_t rows = c->end - c->first;
    s->lengths = guarded_bytes(rows * sizeof(size_t), GUARD_AFTER, 0);
    for (size_t b = 0; b < rows; b++) {
        size_t length = problem_length(s->p, c->first + b), most = c->to - c->from;
        length = length > c->from ? length - c->from : 0;
        s->lengths[b] = length < most ? length : most;
    }
    guarded_freeze(s->lengths);
}

static void call(session *s, const part *c)
{
    const problem *p = s->p;
    size_t rows = c->end - c->first, bytes = 0;
    gru_io io = {.size = sizeof io, .steps = c->to - c->from, .rows = rows, .pool = s->w->pool};
    io.x = field_row(&s->x, c->from, c->first);
    io.x_step = s->x.outer_stride;
    io.x_row = s->x.inner_stride;
    io.y = s->w->no_y ? NULL : field_row(&s->y, c->from, c->first) + at_half(s, 0);
    bool usual = half_gap(s) == 0 && !s->w->halves_swapped;
    io.y_direction = usual ? 0 : (ptrdiff_t)at_half(s, 1) - (ptrdiff_t)at_half(s, 0);
    io.y_step = s->y.outer_stride;
    io.y_row = s->y.inner_stride;
    io.state = state_of(s, c);
    if (p->lengths != NULL) {
        place_lengths(s, c);
        io.lengths = s->lengths;
    }
    io.index = s->index ? s->index + c->first : NULL;
    io.index_count = s->index ? s->pool_rows : 0;
    io.reset_mask = s->mask ? s->mask + (ptrdiff_t)c->from * s->mask_step + (ptrdiff_t)c->first * s->mask_row : NULL;
    io.reset_mask_step = s->mask_step;
    io.reset_mask_row = s->mask_row;
    io.reversed_output = p->shape.computed_order;
    io.steps_before = check_below(3); /* a hint, which may be wrong */

    gru_error error = {0};
    enum gru_status status = gru_workspace_bytes(s->layer, io.steps, rows, &bytes, &error);
    if (status == GRU_OK) {
        /* An exact end of any alignment, and contents that show when they are used. */
        unsigned char *workspace = guarded_bytes(bytes, GUARD_AFTER, s->w->odd ? check_below(64) : 4 * s->w->offset);
        memset(workspace, 0xff, bytes);
        status = gru_run(s->layer, &io, workspace, bytes, &error);
        guarded_free(workspace);
    }
    s->ok &= CHECK(status == GRU_OK, "%s, %s: %s", problem_text(p), way_text(s->w), error.text);
}

/* All calls, in the order in which a state passes from one to the next. */
static void run_calls(session *s)
{
    const problem_shape *shape = &s->p->shape;
    size_t steps = s->w->step_chunk ? s->w->step_chunk : shape->steps + (shape->steps == 0);
    size_t rows = s->w->row_chunk ? s->w->row_chunk : shape->rows + (shape->rows == 0);
    size_t chunks = shape->steps == 0 ? 1 : (shape->steps + steps - 1) / steps, first = 0;
    do {
        for (size_t i = 0; i < chunks; i++) {
            size_t k = shape->way == WAY_REVERSE ? chunks - 1 - i : i;
            part c = {.from = k * steps, .to = (k + 1) * steps, .first = first, .end = first + rows, .begins = i == 0};
            c.to = c.to < shape->steps ? c.to : shape->steps;
            c.end = c.end < shape->rows ? c.end : shape->rows;
            call(s, &c);
        }
        first += rows;
    } while (first < shape->rows);
}

/* --- Results --------------------------------------------------------------------------------------- */

static float *read_steps(const session *s, const field *f)
{
    const problem_shape *shape = &s->p->shape;
    float *dense = guarded_floats(shape->steps * shape->rows * f->width, GUARD_AFTER, 0);
    for (size_t t = 0; t < shape->steps; t++) {
        for (size_t b = 0; b < shape->rows; b++) {
            memcpy(dense + (t * shape->rows + b) * f->width, field_row(f, t, b), f->width * sizeof(float));
        }
    }
    field_check_gaps(f, "an output");
    return dense;
}

/* Rows of one half, or of two that stand here in them, side by side. */
static float *read_halves(const session *s, const field *f, size_t halves, size_t first, size_t second)
{
    const size_t H = s->p->shape.hidden, count = s->p->shape.steps * s->p->shape.rows;
    float *dense = guarded_floats(count * halves * H, GUARD_AFTER, 0);
    const float *rows = read_steps(s, f);
    for (size_t i = 0; i < count; i++) {
        const float *row = rows + i * f->width;
        memcpy(dense + i * halves * H, row + first, H * sizeof(float));
        if (halves == 2) {
            memcpy(dense + (2 * i + 1) * H, row + second, H * sizeof(float));
        }
        for (size_t k = H; k < f->width - (halves - 1) * H; k++) {
            CHECK(field_is_untouched(row[k]), "a float between two halves was written");
        }
    }
    return dense;
}

/* States of the pool that no row has are nobody's to write. */
static void check_strangers(const session *s, const field *f)
{
    const problem *p = s->p;
    for (size_t i = 0; i < s->pool_rows; i++) {
        bool mine = s->index == NULL;
        for (size_t b = 0; b < p->shape.rows && !mine; b++) {
            mine = s->index[b] == i;
        }
        for (size_t d = 0; d < p->directions && !mine; d++) {
            CHECK(field_untouched(f, d, i), "state %zu of the pool belongs to no row, but was written", i);
        }
    }
}

static float *read_last(const session *s)
{
    const problem *p = s->p;
    const field *f = s->w->in_place && p->h0 != NULL ? &s->h0 : &s->h;
    float *dense = guarded_floats(count_last(p), GUARD_AFTER, 0);
    for (size_t d = 0; d < p->directions; d++) {
        for (size_t b = 0; b < p->shape.rows; b++) {
            memcpy(dense + at_state(p, b, d), field_row(f, d, state_at(s, b)), p->shape.hidden * sizeof(float));
        }
    }
    field_check_gaps(f, "the last state");
    check_strangers(s, f);
    return dense;
}

answer drive(const problem *p, const way *w)
{
    answer a = {NULL, NULL, {NULL}};
    session s = {.p = p, .w = w, .ok = true, .layer = drive_layer(p, w)};
    if (s.layer == NULL) {
        return a;
    }
    place_all(&s);
    run_calls(&s);
    if (s.ok) {
        const size_t halves = p->shape.way == WAY_BOTH ? 2 : 1;
        a.y = w->no_y ? NULL : read_halves(&s, &s.y, halves, at_half(&s, 0), at_half(&s, 1));
        a.last = w->no_last ? NULL : read_last(&s);
        for (int g = p->shape.reset == RESET_NOTHING; g < 3; g++) {
            a.gates[g] =
                w->no_gate[g] ? NULL : read_halves(&s, &s.gates[g], p->directions, at_gates(&s, 0), at_gates(&s, 1));
        }
    }
    gru_layer_destroy(s.layer);
    return a;
}

answer drive_reference(const problem *p)
{
    way plain = {.backend = check_scalar()};
    return drive(p, &plain);
}

void drive_compare(const problem *p, const answer *want, const way *w)
{
    char how[400];
    snprintf(how, sizeof how, "%s", way_text(w)); /* drive's own messages have the text next */
    answer got = drive(p, w);
    answer_check(p, want, &got, how);
}
